"""The pages: frames with what the server alone knows."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language

from chat.access import access_conversation
from chat.desk.entering import agent_in, desk_pages
from tenants.adminsite.seats import Seat

# Stands for an id that the page puts in its place.
ANY_ID = UUID(int=0)


@desk_pages.page
def desk_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The list, and room for a conversation."""
    return _show(request, seat, "desk", page="talks")


@desk_pages.page
def talk_page(request: HttpRequest, seat: Seat, conversation_id: UUID) -> HttpResponse:
    """The same with one conversation open, as an agent may send it to another."""
    conversation = access_conversation(seat.tenant.pk, conversation_id)
    return _show(request, seat, "desk", page="talks", talk=str(conversation.pk))


@desk_pages.page
def left_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Who wants to hear from a person, and was told so by nobody yet."""
    return _show(request, seat, "left", page="left")


@desk_pages.page
def replies_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _show(request, seat, "replies", page="replies")


def _show(request: HttpRequest, seat: Seat, name: str, *, page: str, talk: str | None = None) -> HttpResponse:
    agent = agent_in(seat)
    settings = {
        "base": reverse("desk"),
        "tenant": seat.tenant.slug,
        "me": {"id": str(agent.member_id) if agent.member_id else None, "name": agent.name},
        "record_url": reverse("admin:chat_conversation_change", args=[ANY_ID]),
        "talk": talk,
    }
    context = {"seat": seat, "page": page, "settings": settings, "language": get_language()}
    return render(request, f"desk/{name}.html", context)
