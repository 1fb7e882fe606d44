"""What a client missed, when the log does not reach back: the same events, as the database remembers them."""

from uuid import UUID

from chat.errors import HistoryGone
from chat.events import Event, Item
from chat.models import Conversation, Message, Turn
from chat.presenting import message_created, turn_completed, turn_failed

# More than this is faster fetched as pages of messages.
MAX_REPLAYED = 400


def latest_seq(conversation_id: UUID) -> int:
    """The number of the last event that is stored. Running turns are ahead of it."""
    turn = Turn.objects.filter(conversation_id=conversation_id).exclude(last_seq=0).order_by("-last_seq").first()
    message = Message.objects.filter(conversation_id=conversation_id).order_by("-seq").first()
    return max(turn.last_seq if turn else 0, message.seq if message and not _waits(message) else 0)


def _waits(message: Message) -> bool:
    return Turn.objects.filter(pk=message.turn_id, status=Turn.Status.QUEUED).exists()


def has_open_turn(conversation_id: UUID) -> bool:
    """Whether a turn writes events now, here or on another process."""
    return Turn.objects.filter(conversation_id=conversation_id, holds_conversation=True).exists()


def stored_events(conversation_id: UUID, after: int) -> list[Item]:
    """The events behind `after` that rows still tell of, in order. Raises HistoryGone when there are too many."""
    messages = list(
        Message.objects.filter(conversation_id=conversation_id, seq__gt=after).order_by("seq")[: MAX_REPLAYED + 1]
    )
    if len(messages) > MAX_REPLAYED:
        raise HistoryGone
    waiting = set(
        Turn.objects.filter(conversation_id=conversation_id, status=Turn.Status.QUEUED).values_list("id", flat=True)
    )
    turns = Turn.objects.filter(conversation_id=conversation_id, last_seq__gt=after).select_related("answer")
    replaced = set(
        Turn.objects.filter(conversation_id=conversation_id)
        .exclude(replaces_id=None)
        .values_list("replaces_id", flat=True)
    )
    events: list[Item] = [
        Event(message.seq, "message.created", message_created(message))
        for message in messages
        if message.turn_id not in waiting
    ]
    # A failure that was tried again since is no news, and its text would stand beside the new answer.
    events += [ending_of(turn) for turn in turns if not (turn.pk in replaced and turn.error_code)]
    return sorted(events, key=lambda event: event.last)


def ending_of(turn: Turn) -> Event:
    """The last event of a turn that is over."""
    if turn.status == Turn.Status.COMPLETED and turn.answer:
        return Event(turn.last_seq, "turn.completed", turn_completed(turn, turn.answer))
    text = turn.answer.text if turn.answer else ""
    is_retryable = turn.trace.get("retryable", True)
    body = turn_failed(
        turn.pk, code=turn.error_code, detail=turn.error_detail, retryable=is_retryable, text=text
    )
    return Event(turn.last_seq, "turn.failed", body)


def past_messages(conversation: Conversation, *, before_seq: int, limit: int) -> list[tuple[str, str]]:
    """`(role, text)` of what was said before, oldest first, without replaced answers and notes."""
    said = (
        conversation.messages.all()
        .filter(seq__lt=before_seq, replaced_at=None)
        .exclude(role=Message.Role.NOTE)
        .order_by("-seq")
        .values_list("role", "text")[:limit]
    )
    return [(role, text) for role, text in reversed(list(said))]

