from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from chat.api import handover
from chat.desk import api, views
from chat.desk.entering import desk_pages
from chat.desk.suggesting import suggestion_view
from chat.handover.agents import HANDLERS

ONE = "conversations/<uuid:conversation_id>/"


def for_desk(route: str, view: Any) -> URLPattern:
    """A view of REST Framework under `api/`, for who may sit here."""
    return path(f"api/{route}", desk_pages.for_members(view.as_view(), changed_by=HANDLERS))


def deed(name: str, view: Callable[..., Any]) -> URLPattern:
    """Something that an agent does in a conversation: the view that servers call, too."""
    guarded: Any = desk_pages.async_for_members(view, "POST")
    return path(f"api/{ONE}{name}/", guarded)  # type: ignore[no-any-return]


urlpatterns: list[URLPattern] = [
    path("", views.desk_page, name="desk"),
    path("c/<uuid:conversation_id>/", views.talk_page, name="desk-talk"),
    path("left/", views.left_page, name="desk-left"),
    path("replies/", views.replies_page, name="desk-replies"),
    for_desk("socket/", api.SocketPass),
    for_desk("conversations/", api.Rows),
    for_desk(ONE, api.Whole),
    for_desk(f"{ONE}messages/", api.EarlierMessages),
    for_desk("members/", api.Colleagues),
    for_desk("personas/", api.Personas),
    for_desk("contact-requests/", handover.ContactRequestList),
    for_desk("contact-requests/<uuid:request_id>/", handover.ContactRequestDetail),
    for_desk("replies/", handover.CannedReplyList),
    for_desk("replies/<uuid:reply_id>/", handover.CannedReplyDetail),
    deed("takeover", handover.takeover_view),
    deed("reply", handover.reply_view),
    deed("note", handover.note_view),
    deed("transfer", handover.transfer_view),
    deed("release", handover.release_view),
    deed("close", handover.close_view),
    deed("suggestion", suggestion_view),
]
