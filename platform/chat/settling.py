"""How turns end: the answer stored, or what is kept of it, and the conversation given to the next turn."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from chat.errors import ConversationNotFound, Superseded, TakenOver, TurnInterrupted
from chat.models import Conversation, Message, Process, Turn
from chat.outside import tell_later
from chat.posting import Fence, lock_fence
from chat.rendering import render_answer
from chat.spending import give_back
from chat.telling import tell_message, who_listens
from tenants.errors import PlatformError
from tenants.statements import Param, Select, Update, insertion, read, write_at_once
from webhooks.emitting import listeners
from webhooks.models import EventType

if TYPE_CHECKING:
    from chat.preparing import Loaded

# What an outcome says of its turn.
_ACCOUNT = (
    "is_retryable", "input_tokens", "output_tokens", "cached_tokens", "cost", "first_token_ms", "total_ms", "trace",
    "persona_version", "piece_lengths",
)  # fmt: skip

# Only its own process calls a turn completed or failed: then it has let the conversation go itself.
_HELD: Select[Any] = Select(  # turns
    lambda: (
        Turn.objects.filter(Q(holds_conversation=True) | Q(status__in=[Turn.Status.COMPLETED, Turn.Status.FAILED]))
        .filter(pk=Param("id"), process_id=Param("process_id"))
        .annotate(question_replaced_at=F("question__replaced_at"), listeners=who_listens())
        .annotate(is_waited_for=Exists(Turn.objects.waiting().filter(conversation_id=OuterRef("conversation_id"))))
    )
)
_COUNT_ANSWER = Update(
    lambda: Conversation.objects.filter(pk=Param("id")), "last_message_at", message_count=F("message_count") + 1
)
_END_TURN = Update(
    lambda: Turn.objects.filter(pk=Param("id")),
    "status", "holds_conversation", "answer_id", "error_code", "error_detail", "last_seq", "finished_at", *_ACCOUNT,
)  # fmt: skip
_RELEASE = Update(
    lambda: Turn.objects.filter(pk=Param("id"), process_id=Param("owner"), holds_conversation=True),
    holds_conversation=False,
)
# The next turn, unless another than the one that is just over has the conversation.
_WAITING: Select[Turn] = Select(
    lambda: (
        Turn.objects.waiting()
        .filter(conversation_id=Param("conversation_id"))
        .exclude(
            Exists(
                Turn.objects.filter(conversation_id=Param("conversation_id"), holds_conversation=True).exclude(
                    pk=Param("after")
                )
            )
        )
        .select_related("question", "conversation__persona", "conversation__end_user")[:1]
    )
)


@dataclass
class Outcome:
    """What a turn came to. `error` is None for an answer, whole or stopped."""

    text: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    piece_lengths: list[int] = field(default_factory=list)
    finish_reason: str = "stop"
    error: PlatformError | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cost: Decimal = Decimal(0)
    first_token_ms: int | None = None
    total_ms: int | None = None
    trace: dict[str, Any] = field(default_factory=dict)
    persona_version: int | None = None

    @property
    def is_retryable(self) -> bool:
        return bool(getattr(self.error, "retryable", not isinstance(self.error, TakenOver)))


@dataclass(frozen=True)
class Following:
    """The next waiting turn, now ours. Not `has_bot`: a person is there, and the bot keeps silent."""

    turn: Turn
    has_bot: bool
    loaded: "Loaded | None" = None


@dataclass(frozen=True)
class Settled:
    """What was stored: the answer, or what is kept of it, if anything was said."""

    message: Message | None
    outcome: Outcome
    # By an earlier try, whose commit was not answered.
    is_repeated: bool = False
    # The conversation is free, or the next turn's; else `release_turn` is to follow.
    is_released: bool = False
    following: Following | None = None


def settle_turn(
    *, conversation_id: UUID, turn_id: UUID, process_id: UUID, outcome: Outcome, author: str, message_seq: int
) -> Settled:
    """Store what a turn came to, and give the conversation to the next one, if no person waits for it: one transaction.

    `message_seq` and the number after it are those of the two events that will tell of it. When a person has
    taken over since the turn began, nothing of the answer is kept, unless the take-over waits for this turn: then
    what it said so far is. Raises ConversationNotFound when it was erased, Superseded when the turn is not this
    process's any more.
    """
    with transaction.atomic(savepoint=False):
        fence = lock_fence(conversation_id)
        turn = _HELD.first(id=turn_id, process_id=process_id)
        if turn is None:
            raise Superseded
        if turn.status == Turn.Status.COMPLETED or not turn.holds_conversation:  # whoever took over did so afterwards
            return Settled(turn.answer, outcome, is_repeated=True, is_released=not turn.holds_conversation)
        if turn.fence < fence.number and turn.pk == fence.yielding_turn_id:
            outcome = replace(outcome, finish_reason="stopped")
        elif turn.fence < fence.number:
            outcome = replace(outcome, text="", citations=[], claims=[], suggestions=[], error=TakenOver())
        if turn.status != Turn.Status.RUNNING:
            return Settled(turn.answer, outcome, is_repeated=True)
        is_persons = fence.is_untold or turn.fence < fence.number
        turn.holds_conversation = is_persons or isinstance(outcome.error, TurnInterrupted)
        message = _store(turn, outcome, author, message_seq, turn.question_replaced_at)
        if message is not None:
            tell_message(message, turn.listeners)
        if turn.holds_conversation:
            return Settled(message, outcome)
        waiting = _WAITING.first(conversation_id=conversation_id, after=turn_id) if turn.is_waited_for else None
        following = _take_up(waiting, process_id, fence) if waiting else None
        return Settled(message, outcome, is_released=True, following=following)


def interrupt_turn(*, turn: Turn, text: str, message_seq: int) -> Message | None:
    """End a turn whose process died: keep the text that was logged, and mark it for what it is.

    The caller has locked the conversation.
    """
    outcome = Outcome(text=text, error=TurnInterrupted(), trace=turn.trace)
    give_back(turn)
    message = _store(turn, outcome, turn.conversation.persona.name, message_seq, turn.question.replaced_at)
    if message is not None:
        tell_message(message, listeners(turn.tenant_id, EventType.MESSAGE_CREATED))
    return message


def _store(turn: Turn, outcome: Outcome, author: str, message_seq: int, replaced_at: datetime | None) -> Message | None:
    """`replaced_at`: when the question was edited, while it was being answered; then the answer is outdated too."""
    message = _answer(turn, outcome, author, message_seq) if outcome.text or outcome.error is None else None
    if message is not None:
        message.replaced_at = replaced_at
    _end(turn, outcome, message, last_seq=message_seq + 1)
    writes = [_END_TURN.of(id=turn.pk, **{name: getattr(turn, name) for name in _END_TURN.fields})]
    if message is not None:
        counted = _COUNT_ANSWER.of(id=turn.conversation_id, last_message_at=message.created_at)
        writes = [insertion(message), counted, *writes]
    write_at_once(*writes)
    return message


def _answer(turn: Turn, outcome: Outcome, author: str, seq: int) -> Message:
    return Message(
        conversation_id=turn.conversation_id,
        turn_id=turn.pk,
        seq=seq,
        role=Message.Role.BOT,
        author=author,
        text=outcome.text,
        html=render_answer(outcome.text),
        citations=outcome.citations,
        claims=outcome.claims,
        suggestions=outcome.suggestions,
        finish_reason="interrupted" if outcome.error else outcome.finish_reason,
        replaces_id=_replace_answer(turn) if turn.replaces_id else None,
    )


def _replace_answer(turn: Turn) -> UUID | None:
    """Put the answer of any earlier turn aside: the one replaced may have failed before it said a word."""
    replaced = Message.objects.filter(turn__question_id=turn.question_id, role=Message.Role.BOT).current()
    replaced_id: UUID | None = replaced.values_list("pk", flat=True).first()
    replaced.update(replaced_at=timezone.now())
    return replaced_id


def _end(turn: Turn, outcome: Outcome, message: Message | None, *, last_seq: int) -> None:
    error = outcome.error
    match error:
        case None:
            turn.status = Turn.Status.COMPLETED
        case TurnInterrupted():
            turn.status = Turn.Status.INTERRUPTED
        case _:
            turn.status = Turn.Status.FAILED
    turn.answer_id = message.pk if message else None
    turn.error_code = error.code if error else ""
    turn.error_detail = str(error.detail) if error else ""
    turn.last_seq = last_seq
    turn.finished_at = timezone.now()
    for name in _ACCOUNT:
        setattr(turn, name, getattr(outcome, name))


def release_turn(*, conversation_id: UUID, turn_id: UUID, process_id: UUID) -> Following | None:
    """Give the conversation away once the turn's last event is in the log, where it was not with the answer."""
    with transaction.atomic(savepoint=False):
        try:
            fence = lock_fence(conversation_id)
        except ConversationNotFound:
            return None
        if fence.is_untold:  # what waited for this turn to end; it is told before the next one begins
            tell_later(conversation_id)
        released = _RELEASE.of(id=turn_id, owner=process_id)
        (waiting,) = read(_WAITING.of(conversation_id=conversation_id, after=turn_id).after(*released))
        return next((_take_up(turn, process_id, fence) for turn in waiting), None)


def _take_up(turn: Turn, process_id: UUID, fence: Fence) -> Following:
    turn.status = Turn.Status.RUNNING
    turn.holds_conversation = True
    turn.process_id = process_id
    turn.fence = fence.number
    turn.save(update_fields=["status", "holds_conversation", "process_id", "fence"])
    return Following(turn, fence.has_bot)


def open_turn_of(conversation_id: UUID, process_id: UUID) -> Following | None:
    """The turn that this process has in a conversation, as far as the database knows: to run it, if it does not.

    A commit may be one though its answer never came.
    """
    held = Turn.objects.filter(conversation_id=conversation_id, process_id=process_id, holds_conversation=True)
    turn = held.filter(status=Turn.Status.RUNNING).select_related("question", "conversation").first()
    return Following(turn, turn.conversation.has_bot) if turn else None


def is_spoken_in(conversation_id: UUID, fence: int) -> bool:
    """Whether a living process may still hand out events of a turn that began under a lower fence."""
    alive = Process.objects.filter(heartbeat_at__gt=Now() - Process.DEAD_AFTER)
    held = Turn.objects.filter(conversation_id=conversation_id, holds_conversation=True, fence__lt=fence)
    return held.filter(process_id__in=alive.values("id")).exists()
