"""People behind the bot in the admin: what agents say often, who wants to be called, how hands changed."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chat.handover import states
from chat.handover.agents import HANDLERS
from chat.models import CannedReply, ContactRequest, Conversation, Handoff
from tenants.adminsite.base import ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column

MAX_REPLY_CHARACTERS = 8_000
# What the words mean by which clients know why.
REASONS = {
    states.OUTSIDE_HOURS: _("Outside office hours"),
    states.NOBODY_FREE: _("Nobody was free"),
    states.FORM_RECEIVED: _("A message was left"),
    states.TRANSFER: _("Handed on"),
}


def link_to(conversation: Conversation) -> str:
    """To the record of what was said."""
    return format_html(
        '<a class="text-primary-600 underline" href="{}">{}</a>',
        reverse("admin:chat_conversation_change", args=[conversation.pk]),
        conversation,
    )


# --- What agents say often ------------------------------------------------------------------------------
class CannedReplyForm(forms.ModelForm):  # type: ignore[type-arg]
    shortcut = forms.RegexField(
        r"^\S+$",
        label=_("Shortcut"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Agents write / and this word. No blanks."),
    )
    text = forms.CharField(
        label=_("Text"), max_length=MAX_REPLY_CHARACTERS, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )

    class Meta:
        model = CannedReply
        fields = ["shortcut", "text", "language", "persona"]
        widgets = {"language": UnfoldAdminSelectWidget, "persona": UnfoldAdminSelectWidget}
        help_texts = {
            "language": _("Replies in the visitor's language come first. None: for both."),
            "persona": _("None: for all of them."),
        }

    def clean(self) -> dict[str, Any]:
        """The database keeps two of a name out; a form has to say so in words."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "shortcut" in cleaned:
            alike = CannedReply.objects.filter(
                shortcut=cleaned["shortcut"], language=cleaned.get("language", ""), persona=cleaned.get("persona")
            )
            if alike.exclude(pk=self.instance.pk).exists():
                self.add_error("shortcut", _("There is a reply with this shortcut already; choose another one."))
        return cleaned


@admin.register(CannedReply)
class CannedReplyAdmin(TenantModelAdmin):
    """Those who answer people write them, here or at the desk."""

    changed_by = HANDLERS
    form = CannedReplyForm
    list_display = ["shortcut", "text_start", "language", "persona", "updated_at"]
    list_select_related = ["persona"]
    list_filter = ["language", "persona"]
    search_fields = ["shortcut", "text"]
    ordering = ["shortcut", "language", "id"]

    @column(_("text"))
    def text_start(self, reply: CannedReply) -> str:
        return start_of(reply.text)


# --- Who wants to be called -----------------------------------------------------------------------------
class ContactRequestForm(forms.ModelForm):  # type: ignore[type-arg]
    is_done = forms.BooleanField(label=_("Somebody has got in touch"), required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = ContactRequest
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_done"].initial = self.instance.done_at is not None


class Done(admin.SimpleListFilter):
    title = _("done")
    parameter_name = "done"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Not yet")), ("yes", _("Done"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(done_at__isnull=self.value() == "no") if self.value() else queryset


@admin.register(ContactRequest)
class ContactRequestAdmin(TenantModelAdmin):
    """How visitors can be reached is for those alone who will do it."""

    seen_by = changed_by = HANDLERS
    form = ContactRequestForm
    list_display = ["__str__", "contact", "message_start", "created_at", "is_done"]
    list_filter = [Done, "conversation__persona"]
    search_fields = ["name", "contact", "message"]
    ordering = ["-created_at"]
    fields = ["name", "contact", "message", "said", "created_at", "done_at", "is_done"]
    readonly_fields = ["name", "contact", "message", "said", "created_at", "done_at"]

    @column(_("message"))
    def message_start(self, request: ContactRequest) -> str:
        return start_of(request.message)

    @column(_("Done"), boolean=True, ordering="done_at")
    def is_done(self, request: ContactRequest) -> bool:
        return request.done_at is not None

    @column(_("conversation"))
    def said(self, request: ContactRequest) -> str:
        return link_to(request.conversation)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ContactRequest, form: Any, change: bool) -> None:
        obj.done_at = (obj.done_at or timezone.now()) if form.cleaned_data["is_done"] else None
        super().save_model(request, obj, form, change)


# --- How conversations changed hands --------------------------------------------------------------------
@admin.register(Handoff)
class HandoffAdmin(ReadOnlyTenantAdmin):
    """Who called a person, why, and who came."""

    list_display = ["created_at", "said", "state_label", "by", "why", "agent_name"]
    list_select_related = ["conversation__persona", "conversation__end_user"]
    list_filter = ["state", "by", "conversation__persona"]
    search_fields = ["detail", "agent_name", "conversation__end_user__name", "conversation__end_user__external_id"]
    ordering = ["-id"]
    fields = ["created_at", "said", "state_label", "by", "why", "agent_name", "until"]
    readonly_fields = fields

    state_label = choice_column(
        "state",
        _("State"),
        {
            Handoff.State.BOT: "info",
            Handoff.State.REQUESTED: "warning",
            Handoff.State.HUMAN: "success",
        },
    )

    @column(_("conversation"))
    def said(self, handoff: Handoff) -> str:
        return link_to(handoff.conversation)

    @column(_("Why"))
    def why(self, handoff: Handoff) -> str:
        return start_of(handoff.detail or str(REASONS.get(handoff.reason, "")))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(conversation__is_test=False)


def start_of(text: str) -> str:
    """What fits into a list."""
    return text if len(text) <= 80 else f"{text[:79]}…"
