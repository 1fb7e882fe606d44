"""Conversations as a record: who said what, from which passages, at what cost."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from chat.admin_trying import session_view, try_view
from chat.admin_viewer import said_in
from chat.erasing import erase_conversation
from chat.handover import admin as handover_admin  # noqa: F401 - its pages are found from here
from chat.handover.agents import HANDLERS
from chat.models import Conversation
from chat.retention import admin as retention_admin  # noqa: F401 - its pages are found from here
from chat.tracing.admin import answer_urls
from tenants.adminsite.base import AGENTS, EDITORS, TenantModelAdmin, choice_column, role_of

MESSAGES_PER_PAGE = 100


class Kind(admin.SimpleListFilter):
    """Test chats are somebody's trials: left out unless asked for."""

    title = _("kind")
    parameter_name = "kind"

    CHOICES = [("", _("With customers")), ("test", _("Test chats")), ("all", _("All"))]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return self.CHOICES[1:]

    def choices(self, changelist: Any) -> Any:
        for value, title in self.CHOICES:
            yield {
                "selected": (self.value() or "") == value,
                "query_string": changelist.get_query_string({self.parameter_name: value or None}),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "all":
                return queryset
            case "test":
                return queryset.filter(is_test=True)
        return queryset.filter(is_test=False)


@admin.register(Conversation)
class ConversationAdmin(TenantModelAdmin):
    """Staff may look, not edit: a conversation is a record of what was said."""

    changed_by = AGENTS
    list_display = ["end_user", "persona", "state_label", "message_count", "last_message_at"]
    list_select_related = ["persona", "end_user"]
    list_filter = [Kind, "state", "persona"]
    search_fields = ["persona__name", "end_user__name", "end_user__external_id"]
    ordering = ["-last_message_at"]

    state_label = choice_column(
        "state",
        _("State"),
        {
            Conversation.State.BOT: "info",
            Conversation.State.REQUESTED: "warning",
            Conversation.State.HUMAN: "success",
        },
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).started()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What was said, oldest first, and how each answer came about."""
        conversation = self.row(request, object_id)
        messages = conversation.messages.select_related("turn").order_by("seq")
        page = Paginator(messages, MESSAGES_PER_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(conversation.end_user),
            "conversation": conversation,
            "page": page,
            "said": said_in(conversation, list(page)),
            "may_answer": role_of(request) in HANDLERS,
            "may_delete": self.has_delete_permission(request, conversation),
        }
        return TemplateResponse(request, "admin/chat/conversation.html", context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        erase_conversation(obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            *answer_urls(view),
            path("try/<uuid:persona_id>/", view(self.try_page), name="chat_try"),
            path("try/<uuid:persona_id>/sessions/", view(self.try_session), name="chat_try_session"),
            *super().get_urls(),
        ]

    def try_page(self, request: HttpRequest, persona_id: UUID) -> HttpResponse:
        return try_view(request, persona_id, allowed=EDITORS)

    def try_session(self, request: HttpRequest, persona_id: UUID) -> HttpResponse:
        return session_view(request, persona_id, allowed=EDITORS)
