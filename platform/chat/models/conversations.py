"""Conversations, what was said in them, and the turns that answer."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from personas.access import as_uuid
from personas.models import Persona
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.models import Member

# A turn's owner numbers the conversation's events from a block of its own, so that a number is never used
# twice, whoever takes over. No answer has nearly as many pieces.
SEQ_BLOCK = 65_536


class Process(models.Model):
    """One web process that runs turns, and when it was last alive. Belongs to no tenant."""

    DEAD_AFTER = timedelta(seconds=4)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=200)
    heartbeat_at = models.DateTimeField(default=timezone.now)


# What an id of ours begins with; those that a business signed begin otherwise.
ANONYMOUS = "visitor-"


class EndUser(TenantModel):
    """A person who chats, under the id that the business gave, or one of ours for an anonymous visitor."""

    external_id = models.CharField(_("id"), max_length=200)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    locale = models.CharField(_("language"), max_length=20, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("end user")
        verbose_name_plural = _("end users")
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="end_user_id")]

    def __str__(self) -> str:
        if self.external_id.startswith(ANONYMOUS) and not self.name:
            return gettext("Visitor %(number)s") % {"number": self.external_id[-4:].upper()}  # as the desk calls them
        return self.name or self.external_id


class ConversationQuerySet(TenantQuerySet):
    def started(self) -> Self:
        """Those in which something was said: opening a chat page alone is not worth showing."""
        return self.filter(message_count__gt=0)

    def of_persona(self, slug_or_id: str) -> Self:
        persona_id = as_uuid(slug_or_id)
        return self.filter(persona_id=persona_id) if persona_id else self.filter(persona__slug=slug_or_id)

    def with_people(self) -> Self:
        return self.select_related("persona", "end_user")


class Conversation(TenantModel):
    """One end user talking with one persona, from the first message until it is closed."""

    class State(models.TextChoices):
        BOT = "bot", _("Bot")
        REQUESTED = "requested", _("Person requested")
        HUMAN = "human", _("Person")
        CLOSED = "closed", _("Closed")

    persona = TenantForeignKey(Persona, models.CASCADE, related_name="conversations", verbose_name=_("persona"))
    end_user = TenantForeignKey(
        EndUser, models.CASCADE, related_name="conversations", verbose_name=_("end user"), db_index=False
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.BOT)
    # A test chat in the admin answers from the draft; other conversations from the published version.
    is_test = models.BooleanField(_("test"), default=False)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now, editable=False)
    last_message_at = models.DateTimeField(_("last message"), null=True, editable=False)
    message_count = models.PositiveIntegerField(_("messages"), default=0, editable=False)
    # The first number of the next block of events.
    next_seq = models.PositiveBigIntegerField(default=1, editable=False)
    # Rises when a person takes over. A bot's answer that began under a lower one is refused.
    fence = models.PositiveIntegerField(default=0, editable=False)
    # The one turn that may still store what it had said when the fence rose; null once a take-over is answered.
    yielding_turn_id = models.UUIDField(null=True, editable=False)
    # Events outside of turns that were stored but not told yet; those up to `told_seq` were.
    is_untold = models.BooleanField(default=False, editable=False)
    told_seq = models.PositiveBigIntegerField(default=0, editable=False)

    # --- A person
    agent = TenantForeignKey(
        Member, models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("agent")
    )
    # The key of the server that took over, where no member did.
    agent_key_id = models.UUIDField(null=True, editable=False)
    agent_name = models.CharField(_("agent's name"), max_length=200, blank=True, default="")
    requested_at = models.DateTimeField(_("person requested at"), null=True, editable=False)
    # For agents alone.
    handoff_reason = models.TextField(_("why a person"), blank=True, default="")
    # Until when somebody who asked for a person is kept waiting; null: for ever.
    wait_until = models.DateTimeField(null=True, editable=False)
    # While a person is waited for the bot keeps silent.
    is_bot_silent = models.BooleanField(default=False, editable=False)
    unread_by_agent = models.PositiveIntegerField(_("unread"), default=0, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    satisfaction = models.PositiveSmallIntegerField(_("satisfaction"), null=True, editable=False)
    satisfaction_comment = models.TextField(_("satisfaction comment"), blank=True, default="")

    # The webhooks that want its messages, and how its tenant's model routes stand. Known of a locked one alone.
    listeners: Sequence[UUID]
    routes_version: Sequence[str]

    objects: ClassVar[Any] = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [
            models.Index(fields=["tenant", "-last_message_at"], name="conversation_latest"),
            models.Index(fields=["tenant", "end_user"], name="conversation_end_user"),
            # The desk's lists, and the sweeper's looks.
            models.Index(fields=["tenant", "state"], condition=~Q(state="bot"), name="conversation_with_people"),
            models.Index(fields=["wait_until"], condition=Q(state="requested"), name="conversation_waiting"),
            models.Index(fields=["id"], condition=Q(is_untold=True), name="conversation_untold"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(satisfaction=None) | Q(satisfaction__range=(1, 5)), name="conversation_satisfaction"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.end_user} · {self.persona}"

    @property
    def has_bot(self) -> bool:
        """Whether the bot answers what is said now."""
        if self.state == Conversation.State.REQUESTED:
            return not self.is_bot_silent
        return self.state == Conversation.State.BOT


class MessageQuerySet(TenantQuerySet):
    def current(self) -> Self:
        """Without answers that another one took the place of."""
        return self.filter(replaced_at=None)


class Message(TenantModel):
    """One thing said. `seq` is the number of its event in the conversation."""

    class Role(models.TextChoices):
        USER = "user", _("User")
        BOT = "bot", _("Bot")
        HUMAN = "human", _("Person")
        NOTE = "note", _("Note")

    conversation = TenantForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    turn = TenantForeignKey("chat.Turn", models.SET_NULL, null=True, related_name="+")
    seq = models.PositiveBigIntegerField()
    role = models.CharField(_("role"), max_length=5, choices=Role)
    author = models.CharField(_("author"), max_length=200, blank=True, default="")
    text = models.TextField(_("text"))
    html = models.TextField(blank=True, default="")
    citations = models.JSONField(default=list)
    # Which sources bear out which part of the text: [{start, end, sources, supported}], in code points.
    claims = models.JSONField(default=list)
    # What may be asked next.
    suggestions = models.JSONField(default=list)
    # stop, length, stopped, filtered; or interrupted, for what is kept of an answer that failed.
    finish_reason = models.CharField(max_length=20, blank=True, default="")
    feedback = models.SmallIntegerField(_("feedback"), null=True, choices=[(1, "👍"), (-1, "👎")])
    feedback_comment = models.TextField(blank=True, default="")
    # Minted by the client, so that it may send again what it is not sure about.
    client_id = models.UUIDField(null=True)
    replaces_id = models.UUIDField(null=True)
    replaced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    objects: ClassVar[Any] = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "conversation", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["tenant", "conversation", "client_id"],
                condition=~Q(client_id=None),
                name="message_client_id",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


# Turns that are not over, or not told to their end. Without a value, so that a kept plan may use their index.
UNFINISHED = Q(finished_at=None) | Q(holds_conversation=True)


class TurnQuerySet(TenantQuerySet):
    def unfinished(self) -> Self:
        return self.filter(UNFINISHED)

    def of_dead(self, alive: Iterable[UUID]) -> Self:
        """Held by a process that is not among the living."""
        return self.filter(holds_conversation=True).exclude(process_id__in=alive)

    def waiting(self) -> Self:
        """Behind another turn of their conversation, the next one first."""
        return self.unfinished().filter(status=Turn.Status.QUEUED).order_by("first_seq")


class Turn(TenantModel):
    """A user's message together with the reply, whatever became of it, and the trace of how it came about."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        INTERRUPTED = "interrupted", _("Interrupted")

        @classmethod
        def failures(cls) -> "list[Turn.Status]":
            return [cls.FAILED, cls.INTERRUPTED]

    conversation = TenantForeignKey(Conversation, models.CASCADE, related_name="turns", db_index=False)
    question = TenantForeignKey(Message, models.CASCADE, related_name="turns")
    answer = TenantForeignKey(Message, models.SET_NULL, null=True, related_name="+")
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.QUEUED)
    # One turn at a time numbers a conversation's events: until its answer is stored, or, if it was interrupted or a
    # person waits for it to end, until its last event is in the log.
    holds_conversation = models.BooleanField(default=False)
    process_id = models.UUIDField(null=True)
    fence = models.PositiveIntegerField(default=0)
    first_seq = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)
    replaces_id = models.UUIDField(null=True)
    variables = models.JSONField(default=dict)
    persona_version = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    is_retryable = models.BooleanField(default=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, default=0)
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
    # Before the answer: knobs of the request that the caller set. After it: sections with their tokens,
    # search scores, route and model, which is how this answer came about.
    trace = models.JSONField(default=dict)
    # Code points of each piece in which the answer was told, for who has heard some of them when the log is lost.
    piece_lengths = ArrayField(models.IntegerField(), null=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = TurnQuerySet.as_manager()

    class Meta:
        verbose_name = _("turn")
        verbose_name_plural = _("turns")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "conversation"],
                condition=Q(holds_conversation=True),
                name="turn_holds_conversation",
            )
        ]
        indexes = [
            models.Index(fields=["process_id"], condition=Q(holds_conversation=True), name="turn_held"),
            models.Index(fields=["tenant", "conversation"], condition=UNFINISHED, name="turn_unfinished"),
            models.Index(fields=["tenant", "conversation", "id"], name="turn_in_conversation"),
        ]
