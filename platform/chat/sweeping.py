"""What becomes of turns whose process died: within seconds, and with the text that was logged."""

import logging
import time
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from chat.announcing import announce
from chat.errors import ConversationNotFound, TurnInterrupted
from chat.events import Delta, Event, Item, block_end
from chat.log import append_blocking, read_blocking, stream_key
from chat.models import SEQ_BLOCK, Message, Process, Turn
from chat.outside import tell
from chat.posting import lock_fence
from chat.presenting import message_created, turn_failed, turn_opening
from chat.settling import interrupt_turn
from jobs.relay import every_second
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

# The last numbers of a turn's block, which a process that died never reached.
LAST = SEQ_BLOCK - 1
# Rows of processes that are long gone.
FORGET_AFTER = timedelta(minutes=1)
TURNS_AT_ONCE = 500
# No follower has come so far, so each is asked to go on from where it is.
FROM_WHERE_THEY_ARE = 2**53


class Watch:
    """Whether we have looked on for long enough to call somebody dead.

    While the database was away nobody's heart could beat, and we could not look either.
    """

    LONGEST_GAP_S = 3.0

    def __init__(self) -> None:
        self._since = self._last = -1e9

    def look(self) -> bool:
        """Note that the database answers now. True after a heart's time to beat without a longer gap."""
        now = time.monotonic()
        if now - self._last > self.LONGEST_GAP_S:
            self._since = now
        self._last = now
        return now - self._since >= Process.DEAD_AFTER.total_seconds()


_watch = Watch()


@every_second
def sweep_dead_turns() -> None:
    """Interrupt the turns of processes that are silent.

    Reads ids across tenants, then works in each one's scope.
    """
    processes = Process.objects.using("system")
    alive = list(processes.filter(heartbeat_at__gt=Now() - Process.DEAD_AFTER).values_list("id", flat=True))
    held = Turn.objects.using("system").of_dead(alive)
    if not _watch.look():
        return
    for tenant_id, conversation_id, turn_id in held.values_list("tenant_id", "conversation_id", "id")[:TURNS_AT_ONCE]:
        try:
            interrupt(tenant_id, conversation_id, turn_id, alive)
        except Exception:
            logger.exception("Turn %s could not be interrupted", turn_id)
    processes.filter(heartbeat_at__lt=Now() - FORGET_AFTER).delete()


def held_by(process_id: UUID) -> list[tuple[UUID, UUID, UUID]]:
    """Tenant, conversation and id of each turn that is this process's."""
    held = Turn.objects.using("system").filter(process_id=process_id, holds_conversation=True)
    return list(held.values_list("tenant_id", "conversation_id", "id")[:TURNS_AT_ONCE])


def interrupt(tenant_id: UUID, conversation_id: UUID, turn_id: UUID, alive: list[UUID]) -> None:
    """End one turn for its dead owner, and those that waited behind it."""
    logged = read_blocking(stream_key(tenant_id, conversation_id))
    try:
        with tenant_scope(tenant_id):
            events = _interrupted(conversation_id, turn_id, alive, logged)
    except (OperationalError, InterfaceError):
        # It may be stored all the same, and then nobody would tell: let those who follow look for themselves.
        announce(tenant_id, conversation_id, "moved", seq=FROM_WHERE_THEY_ARE, is_doubtful=True)
        raise
    if events:
        # Where nothing of it is logged, how it began is missing, and maybe how the turn before ended.
        is_logged = bool(logged) and logged[-1].last > block_end(events[0].first) - SEQ_BLOCK
        previous = logged[-1].last if is_logged else events[0].first - 1
        append_blocking(stream_key(tenant_id, conversation_id), events, previous)
        announce(tenant_id, conversation_id, "moved", seq=events[0].first)
    tell(tenant_id, conversation_id)


def _interrupted(conversation_id: UUID, turn_id: UUID, alive: list[UUID], logged: list[Item]) -> list[Item]:
    """What is to be told of it; nothing where somebody else has ended it."""
    try:
        fence = lock_fence(conversation_id)
    except ConversationNotFound:
        return []
    turn = _held_by_dead(turn_id, alive)
    if turn is None:
        return []
    # What it said before a person took over is kept only as long as the take-over waits for it.
    is_kept = turn.fence >= fence.number or turn_id == fence.yielding_turn_id
    text = logged_text(logged, turn_id) if is_kept else ""
    events = _end(turn, text) if turn.status == Turn.Status.RUNNING else []
    Turn.objects.filter(pk=turn_id).update(holds_conversation=False)
    for waiting in turn.conversation.turns.waiting().select_related("question", "conversation__persona"):
        events += [*turn_opening(waiting, waiting.question), *_end(waiting, "")]
    return events


def _held_by_dead(turn_id: UUID, alive: list[UUID]) -> Turn | None:
    turns = Turn.objects.of_dead(alive).select_related("conversation__persona", "question")
    turn: Turn | None = turns.filter(pk=turn_id).first()
    return turn


def logged_text(items: list[Item], turn_id: UUID) -> str:
    """What the log holds of a turn's answer, from its beginning as far as there is no gap."""
    text = ""
    for item in items:
        if isinstance(item, Delta) and item.turn_id == str(turn_id):
            if item.offset > len(text):
                break
            text = text[: item.offset] + item.text
    return text


def _end(turn: Turn, text: str) -> list[Item]:
    """Store what is kept, and tell of it."""
    message_seq = turn.first_seq + LAST - 1
    message: Message | None = interrupt_turn(turn=turn, text=text, message_seq=message_seq)
    error = TurnInterrupted()
    body = turn_failed(turn.pk, code=error.code, detail=str(error.detail), retryable=True, text=text)
    failed = Event(message_seq + 1, "turn.failed", body)
    return [Event(message_seq, "message.created", message_created(message)), failed] if message else [failed]
