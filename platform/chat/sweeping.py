"""What becomes of turns whose process died: within seconds, and with the text that was logged."""

import logging
from uuid import UUID

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from chat.errors import TurnInterrupted
from chat.events import Delta, Event, Item
from chat.log import append_blocking, read_blocking, stream_key
from chat.models import SEQ_BLOCK, Message, Process, Turn
from chat.posting import ACCEPTED, CREATED, STARTED, lock_conversation
from chat.presenting import message_created, turn_failed
from chat.settling import interrupt_turn
from jobs.relay import every_second
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)


@every_second
def sweep_dead_turns() -> None:
    """Interrupt the turns of processes that are silent. Reads ids across tenants, then works in each one's scope."""
    now = timezone.now()
    beating = Process.objects.using("system").filter(heartbeat_at__gt=now - Process.DEAD_AFTER)
    alive = list(beating.values_list("id", flat=True))
    held = Turn.objects.using("system").of_dead(alive).filter(created_at__lt=now - Process.DEAD_AFTER)
    for tenant_id, turn_id in held.values_list("tenant_id", "id")[:500]:
        try:
            interrupt(tenant_id, turn_id, alive)
        except Exception:
            logger.exception("Turn %s could not be interrupted", turn_id)
    Process.objects.using("system").filter(heartbeat_at__lt=now - 15 * Process.DEAD_AFTER).delete()


def interrupt(tenant_id: UUID, turn_id: UUID, alive: list[UUID]) -> None:
    """End one turn for its dead owner, and those that waited behind it."""
    with tenant_scope(tenant_id), transaction.atomic():
        turn = Turn.objects.select_for_update().select_related("conversation__persona", "question").get(pk=turn_id)
        if not turn.holds_conversation or turn.process_id in alive:
            return
        conversation = lock_conversation(turn.conversation_id)
        key = stream_key(tenant_id, turn.conversation_id)
        events: list[Item] = []
        if turn.status == Turn.Status.RUNNING:
            events += _end(turn, text=logged_text(read_blocking(key), turn_id))
        Turn.objects.filter(pk=turn_id).update(holds_conversation=False)
        for waiting in conversation.turns.filter(status=Turn.Status.QUEUED).select_related("question").order_by("first_seq"):
            events += [*_opening(waiting), *_end(waiting, text="")]
    if events:
        append_blocking(key, events, events[0].last - 1)
        _announce(turn.conversation_id)


def logged_text(items: list[Item], turn_id: UUID) -> str:
    """What the log holds of a turn's answer, from its beginning as far as there is no gap."""
    text = ""
    for item in items:
        if isinstance(item, Delta) and item.turn_id == str(turn_id):
            if item.offset > len(text):
                break
            text = text[: item.offset] + item.text
    return text


def _end(turn: Turn, *, text: str) -> list[Item]:
    """Store what is kept. Its events take the last numbers of the turn's block, which the dead one never reached."""
    last = turn.first_seq + SEQ_BLOCK - 1
    message: Message | None = interrupt_turn(turn=turn, text=text, last_seq=last)
    error = TurnInterrupted()
    events: list[Item] = []
    if message is not None:
        events.append(Event(last - 1, "message.created", message_created(message)))
    body = turn_failed(turn.pk, code=error.code, detail=str(error.detail), retryable=True, text=text)
    return [*events, Event(last, "turn.failed", body)]


def _opening(turn: Turn) -> list[Item]:
    """The events of a message that had waited and was not shown yet."""
    question, first = turn.question, turn.first_seq
    ids = {"message_id": str(question.pk), "turn_id": str(turn.pk)}
    return [
        Event(first + ACCEPTED, "message.accepted", {**ids, "client_id": str(question.client_id)}),
        Event(first + CREATED, "message.created", message_created(question)),
        Event(first + STARTED, "turn.started", ids),
    ]


def _announce(conversation_id: UUID) -> None:
    message = {"type": "control", "kind": "moved", "conversation_id": conversation_id.hex}
    try:
        async_to_sync(get_channel_layer().group_send)(f"conversation.{conversation_id.hex}", message)
    except (redis.RedisError, OSError) as error:
        logger.warning("Nobody was told; they look by themselves: %s", error)
