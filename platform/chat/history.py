"""What a client missed, when the log does not reach back: the same events, as the database remembers them."""

from functools import cache
from uuid import UUID

from chat.errors import HistoryGone
from chat.events import ACCEPTED, CREATED, STARTED, Delta, Event, Item, in_order
from chat.models import Conversation, Handoff, Message, Turn
from chat.presenting import handoff_told, message_accepted, message_created, turn_completed, turn_failed, turn_started
from tenants.statements import Asked, Param, Select, read

# More than this is faster fetched as pages of messages.
MAX_REPLAYED = 400
# Of a conversation's turns: far fewer wait at a time, and all others have ended.
NEWEST = 16


# One turn after the other ends, so it is among the newest, though clocks of processes differ.
_LAST_IN_TURNS: Select[int] = Select(
    lambda: Turn.objects.filter(conversation_id=Param("id")).order_by("-id").values_list("last_seq", flat=True)[:NEWEST]
)
_LAST_SAID: Select[int] = Select(
    lambda: (
        Message.objects.filter(conversation_id=Param("id"), turn__isnull=False)
        .exclude(turn__status=Turn.Status.QUEUED)
        .order_by("-seq")
        .values_list("seq", flat=True)[:1]
    )
)
_TOLD: Select[int] = Select(lambda: Conversation.objects.filter(pk=Param("id")).values_list("told_seq", flat=True))
_OPEN_TURN: Select[UUID] = Select(
    lambda: Turn.objects.filter(conversation_id=Param("id"), holds_conversation=True).values_list("pk", flat=True)
)


def latest_seq(conversation_id: UUID) -> int:
    """The number of the last event that is stored and told. A running turn is ahead of it."""
    asked = (each.of(id=conversation_id) for each in (_LAST_IN_TURNS, _LAST_SAID, _TOLD))
    return max((number for numbers in read(*asked) for number in numbers), default=0)


def has_open_turn(conversation_id: UUID) -> bool:
    """Whether a turn writes events now, here or on another process."""
    return _OPEN_TURN.first(id=conversation_id) is not None


def standing(conversation_id: UUID) -> tuple[bool, int]:
    """Whether a turn writes events now, and the number of the last event that was stored and told by then."""
    return has_open_turn(conversation_id), latest_seq(conversation_id)


def stored_events(conversation_id: UUID, after: int) -> list[Item]:
    """The events behind `after` that rows still tell of, in order.

    Raises HistoryGone when there are too many.
    """
    # A message that waits for its turn is not shown yet: its turn's owner will say that it was taken.
    messages = list(
        Message.objects.filter(conversation_id=conversation_id, seq__gt=after)
        .exclude(turn=None)
        .exclude(turn__status=Turn.Status.QUEUED)
        .order_by("seq")[: MAX_REPLAYED + 1]
    )
    told_seq = Conversation.objects.filter(pk=conversation_id).values_list("told_seq", flat=True).first() or 0
    outside = events_outside_turns(conversation_id, after=after, upto=told_seq) if told_seq > after else []
    if len(messages) + len(outside) > MAX_REPLAYED:
        raise HistoryGone
    turns = Turn.objects.filter(conversation_id=conversation_id)
    # A failure that was tried again since is no news, and its text would stand beside the new answer.
    outdated = turns.exclude(replaces_id=None).values("replaces_id")
    news = turns.filter(last_seq__gt=after).exclude(pk__in=outdated, status__in=Turn.Status.failures())
    return in_order(
        outside,
        (event for message in messages for event in _told(message)),
        (item for turn in news.select_related("answer") for item in (*_spoken(turn, after), turn_ending(turn))),
    )


def _spoken(turn: Turn, after: int) -> list[Item]:
    """What was said of an answer behind a number. It takes all numbers of the turn between its beginning and its end,
    so that pieces that the log still has are not told beside it.
    """
    first, answer = turn.first_seq + STARTED + 1, turn.answer
    if turn.status != Turn.Status.COMPLETED or answer is None or not max(first, after + 1) <= answer.seq - 1:
        return []
    count, lengths = answer.seq - first, turn.piece_lengths or []
    if sum(lengths) == len(answer.text):
        lengths = [*[0] * (count - len(lengths)), *lengths]  # its sources come before it
    else:
        lengths = [len(answer.text), *[0] * (count - 1)]
    return [turn_started(turn), Delta(first, str(turn.pk), 0, answer.text, lengths)]


def _told(message: Message) -> list[Event]:
    """Its sender is told of an end user's message first that it was accepted."""
    created = Event(message.seq, "message.created", message_created(message))
    if message.client_id is None or message.role != Message.Role.USER:
        return [created]
    accepted = message_accepted(message, message.turn_id)
    return [Event(message.seq - CREATED + ACCEPTED, "message.accepted", accepted), created]


def events_outside_turns(conversation_id: UUID, *, after: int, upto: int | None = None) -> list[Item]:
    """What people said to each other, and how the conversation changed hands, between two numbers, in order.

    Notes are for agents, and no events.
    """
    between = {"seq__gt": after} | ({} if upto is None else {"seq__lte": upto})
    said = Message.objects.filter(conversation_id=conversation_id, turn=None, **between)
    handoffs = Handoff.objects.filter(conversation_id=conversation_id, **between)
    return in_order(
        (event for message in said.exclude(role=Message.Role.NOTE) for event in _told(message)),
        (Event(handoff.seq, "conversation.handoff", handoff_told(handoff)) for handoff in handoffs),
    )


def turn_ending(turn: Turn) -> Event:
    """The last event of a turn that is over."""
    if turn.status == Turn.Status.COMPLETED and turn.answer:
        return Event(turn.last_seq, "turn.completed", turn_completed(turn, turn.answer))
    body = turn_failed(
        turn.pk,
        code=turn.error_code,
        detail=turn.error_detail,
        retryable=turn.is_retryable,
        text=turn.answer.text if turn.answer else "",
    )
    return Event(turn.last_seq, "turn.failed", body)


def past_messages(conversation: Conversation, *, before_seq: int, limit: int) -> list[tuple[str, str]]:
    """`(role, text)` of what was said before, oldest first, without replaced or empty answers and notes."""
    (newest_first,) = read(asked_past(conversation.pk, before_seq=before_seq, limit=limit))
    return newest_first[::-1]


def asked_past(conversation_id: UUID, *, before_seq: int, limit: int) -> Asked:
    """As `past_messages`, newest first, to be read together with something else."""
    return _last_said(limit).of(conversation_id=conversation_id, before_seq=before_seq)


@cache
def _last_said(limit: int) -> Select[tuple[str, str]]:
    """Newest first. A limit is part of the SQL."""
    return Select(
        lambda: (
            Message.objects.current()
            .filter(conversation_id=Param("conversation_id"), seq__lt=Param("before_seq"))
            .exclude(role=Message.Role.NOTE)
            .exclude(text="")
            .order_by("-seq")
            .values_list("role", "text")[:limit]
        )
    )
