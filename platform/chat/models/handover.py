"""What people behind the bot leave: how a conversation changed hands, what they say often, who wants to be called."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Conversation
from personas.models import Persona
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.models import Member


class Handoff(TenantModel):
    """One change of hands, told to all who follow as `conversation.handoff` under the number `seq`.

    `detail` is for agents alone: what made a rule ask for a person, or the visitor's own words.
    """

    State = Conversation.State

    class By(models.TextChoices):
        VISITOR = "visitor", _("The visitor")
        PERSONA = "persona", _("The persona")
        RULE = "rule", _("A rule")
        SYSTEM = "system", _("The system")
        AGENT = "agent", _("An agent")

    conversation = TenantForeignKey(Conversation, models.CASCADE, related_name="handoffs", db_index=False)
    seq = models.PositiveBigIntegerField()
    state = models.CharField(_("state"), max_length=10, choices=State)
    by = models.CharField(_("by"), max_length=10, choices=By)
    # Why, as a word that clients may rely on: outside_hours, nobody_free, form_received, transfer; else "".
    reason = models.CharField(_("reason"), max_length=40, blank=True, default="")
    detail = models.TextField(_("detail"), blank=True, default="")
    agent = TenantForeignKey(Member, models.SET_NULL, null=True, related_name="+", verbose_name=_("agent"))
    agent_name = models.CharField(max_length=200, blank=True, default="")
    # Until when a person is waited for, or when people are there again.
    until = models.DateTimeField(null=True)
    offers_form = models.BooleanField(default=False)
    asks_satisfaction = models.BooleanField(default=False)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        constraints = [models.UniqueConstraint(fields=["tenant", "conversation", "seq"], name="handoff_seq")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} · {self.created_at:%Y-%m-%d %H:%M}"


class CannedReplyQuerySet(TenantQuerySet):
    def fitting(self, persona_id: Any) -> Self:
        """Those for everybody, and those for this persona."""
        return self.filter(models.Q(persona=None) | models.Q(persona_id=persona_id))


class CannedReply(TenantModel):
    """Something that agents say often, by its shortcut. Without a persona it fits all of them."""

    shortcut = models.CharField(_("shortcut"), max_length=40)
    text = models.TextField(_("text"))
    language = models.CharField(
        _("language"), max_length=2, blank=True, default="", choices=[("zh", _("Chinese")), ("en", _("English"))]
    )
    persona = TenantForeignKey(
        Persona, models.CASCADE, null=True, blank=True, related_name="canned_replies", verbose_name=_("persona")
    )
    updated_at = models.DateTimeField(_("updated"), auto_now=True)

    objects: ClassVar[Any] = CannedReplyQuerySet.as_manager()

    class Meta:
        verbose_name = _("canned reply")
        verbose_name_plural = _("canned replies")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "shortcut", "language", "persona"], nulls_distinct=False, name="canned_reply_shortcut"
            )
        ]

    def __str__(self) -> str:
        return self.shortcut


class ContactRequest(TenantModel):
    """Somebody whom no person could talk to at the time wants to hear from one."""

    conversation = TenantForeignKey(Conversation, models.CASCADE, related_name="contact_requests")
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    contact = models.CharField(_("how to reach"), max_length=200)
    message = models.TextField(_("message"), blank=True, default="")
    created_at = models.DateTimeField(_("when"), default=timezone.now, editable=False)
    done_at = models.DateTimeField(_("done"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("contact request")
        verbose_name_plural = _("contact requests")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="contact_request_newest")]

    def __str__(self) -> str:
        return self.name or self.contact
