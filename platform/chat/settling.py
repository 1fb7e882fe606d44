"""How turns end: the answer stored, or what is kept of it, and the conversation given to the next turn."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chat.errors import TakenOver, TurnInterrupted, is_retryable
from chat.models import Conversation, Message, Turn
from chat.posting import lock_conversation
from chat.rendering import render_answer
from tenants.errors import PlatformError


@dataclass
class Outcome:
    """What a turn came to. `error` is None for an answer, whole or stopped."""

    text: str = ""
    citations: list[dict[str, Any]] = field(default_factory=list)
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


def settle_turn(*, turn_id: UUID, process_id: UUID, outcome: Outcome, author: str, message_seq: int, last_seq: int) -> Message | None:
    """Store what a turn came to, in one transaction; the answer's message, or None when nothing was said.

    `message_seq` and `last_seq` are the numbers of the two events that will tell of it. Raises TurnInterrupted when
    the turn is not this process's any more, TakenOver when a person has taken over since it began.
    """
    with transaction.atomic(savepoint=False):
        turn = Turn.objects.select_for_update().get(pk=turn_id)
        if not turn.holds_conversation or turn.process_id != process_id or turn.status != Turn.Status.RUNNING:
            raise TurnInterrupted
        conversation = lock_conversation(turn.conversation_id)
        if conversation.fence != turn.fence:
            raise TakenOver
        message = _store_answer(turn, outcome, author, message_seq)
        _write_turn(turn, outcome, message, last_seq)
        return message


def interrupt_turn(*, turn: Turn, text: str, last_seq: int) -> Message | None:
    """What the sweeper does for a process that died: keep the text that was logged, mark it for what it is."""
    outcome = Outcome(text=text, finish_reason="interrupted", error=TurnInterrupted(), trace=turn.trace)
    message = _store_answer(turn, outcome, turn.conversation.persona.name, last_seq - 1)
    _write_turn(turn, outcome, message, last_seq)
    return message


def _store_answer(turn: Turn, outcome: Outcome, author: str, seq: int) -> Message | None:
    if not outcome.text and outcome.error is not None:
        return None
    replaced = Message.objects.filter(turn_id=turn.replaces_id, role=Message.Role.BOT) if turn.replaces_id else None
    message = Message.objects.create(
        conversation_id=turn.conversation_id,
        turn=turn,
        seq=seq,
        role=Message.Role.BOT,
        author=author,
        text=outcome.text,
        html=render_answer(outcome.text),
        citations=outcome.citations,
        finish_reason="interrupted" if outcome.error else outcome.finish_reason,
        replaces_id=replaced.values_list("pk", flat=True).first() if replaced is not None else None,
    )
    if replaced is not None:
        replaced.update(replaced_at=timezone.now())
    Conversation.objects.filter(pk=turn.conversation_id).update(
        message_count=F("message_count") + 1, last_message_at=message.created_at
    )
    return message


def _write_turn(turn: Turn, outcome: Outcome, message: Message | None, last_seq: int) -> None:
    error = outcome.error
    match error:
        case None:
            turn.status = Turn.Status.COMPLETED
        case TurnInterrupted():
            turn.status = Turn.Status.INTERRUPTED
        case _:
            turn.status = Turn.Status.FAILED
    turn.answer = message
    turn.error_code = error.code if error else ""
    turn.error_detail = str(error.detail) if error else ""
    turn.last_seq = last_seq
    turn.finished_at = timezone.now()
    for name in (
        "input_tokens", "output_tokens", "cached_tokens", "cost", "first_token_ms", "total_ms", "trace", "persona_version",
    ):  # fmt: skip
        setattr(turn, name, getattr(outcome, name))
    if error:
        turn.trace = {**turn.trace, "retryable": is_retryable(error)}
    turn.save()


def release_turn(*, turn_id: UUID, process_id: UUID) -> Turn | None:
    """Give the conversation free, once the turn's last event is in the log. The next waiting turn, now ours."""
    with transaction.atomic(savepoint=False):
        turn = Turn.objects.get(pk=turn_id)
        conversation = lock_conversation(turn.conversation_id)
        held = Turn.objects.filter(pk=turn_id, holds_conversation=True, process_id=process_id)
        if not held.update(holds_conversation=False):
            return None
        following: Turn | None = (
            conversation.turns.filter(status=Turn.Status.QUEUED).select_related("question").order_by("first_seq").first()
        )
        if following is not None:
            following.status = Turn.Status.RUNNING
            following.holds_conversation = True
            following.process_id = process_id
            following.fence = conversation.fence
            following.save(update_fields=["status", "holds_conversation", "process_id", "fence"])
        return following
