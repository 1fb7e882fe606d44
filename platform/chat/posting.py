"""Taking a message in: stored, numbered, and its turn opened, in one short transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.utils import timezone
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from chat.errors import (
    ConversationClosed,
    ConversationNotFound,
    NotTheLast,
    TakenOver,
    TextTooLong,
    TooManyWaiting,
    TurnRunning,
)
from chat.events import ACCEPTED, CREATED
from chat.models import SEQ_BLOCK, Conversation, Message, Turn
from chat.outside import own_block, tell_on_commit
from chat.rendering import render_said
from chat.telling import tell_message, who_listens
from llm.models import Budget
from llm.routes import routes_version
from personas.lookups import OnBehalf
from tenants.errors import Invalid, NotFound
from tenants.limits import Bucket, take, take_meanwhile
from tenants.limits.policies import NOBODY, Asker, buckets_of_turn
from tenants.statements import Param, Select, Update, insertion, read, write_at_once

MAX_TEXT_CHARACTERS = 8_000
# Messages that wait behind a running turn of the same conversation.
MAX_WAITING = 5

# Where a turn's trace holds what its caller wants otherwise in the model's request, and in whose rights he asks.
KNOBS = "knobs"
ON_BEHALF = "on_behalf"
# And the key whose turn it is, if it is one's.
KEY = "key_id"

_LOCKED: Select[Any] = Select(  # conversations
    lambda: (
        Conversation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("end_user", "persona")
        .annotate(listeners=who_listens())
        .annotate(has_budget=Exists(Budget.objects.filter(tenant_id=OuterRef("tenant_id"))))
        .annotate(routes_version=routes_version())
        .filter(pk=Param("id"))
    )
)
_FENCE: Select[tuple[Any, ...]] = Select(
    lambda: (
        Conversation.objects.select_for_update(no_key=True)
        .filter(pk=Param("id"))
        .values_list("fence", "yielding_turn_id", "state", "is_bot_silent", "is_untold")
    )
)
SENT_BEFORE = "sent before"
# What is before a message: turns that are not over, by their state; and, hardly ever, the message itself.
_AHEAD: Select[tuple[str, UUID]] = Select(
    lambda: _unfinished().union(
        Message.objects.filter(conversation_id=Param("conversation_id"), client_id=Param("client_id")).values_list(
            Value(SENT_BEFORE), "pk"
        ),
        all=True,
    )
)
_UNFINISHED: Select[tuple[str, UUID]] = Select(lambda: _unfinished())
_COUNT_MESSAGE = Update(
    lambda: Conversation.objects.filter(pk=Param("id")),
    "next_seq", "last_message_at", message_count=F("message_count") + 1,
)  # fmt: skip


@dataclass(frozen=True)
class Posted:
    """A message that was taken in. Not `is_new`: it had come before, and nothing changed.

    Without a turn it is left to a person, and the bot keeps silent.
    """

    turn: Turn | None
    message: Message
    is_new: bool
    # A turn that this one takes the place of, and that is not over yet.
    unwanted_turn_id: UUID | None = None

    @property
    def runs_here(self) -> bool:
        """Whether the caller is to start the turn; else it waits behind another one, or is over."""
        return self.is_new and self.turn is not None and self.turn.status == Turn.Status.RUNNING

    @property
    def accepted_seq(self) -> int:
        """The number of the event that tells its sender of it."""
        return (self.turn.first_seq if self.turn else self.message.seq - CREATED) + ACCEPTED


def clean_said(text: Any) -> str:
    """What a person wrote, fit to store. Raises Invalid for what is no text, empty or too long."""
    if not isinstance(text, str):
        raise Invalid.field("text", _("A text is needed."))
    if len(text) > MAX_TEXT_CHARACTERS:
        raise TextTooLong(errors=[{"field": "text", "detail": str(TextTooLong.default_detail)}])
    cleaned = storable(text).strip()
    if not cleaned:
        raise Invalid.field("text", _("The message is empty."))
    return cleaned


def storable(text: str) -> str:
    """Without NUL, which cannot be stored, and lone surrogates, which are no characters."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def post_message(
    *,
    conversation_id: UUID,
    client_id: UUID,
    text: str,
    variables: dict[str, str],
    process_id: UUID,
    knobs: dict[str, Any] | None = None,
    on_behalf: OnBehalf | None = None,
    asker: Asker = NOBODY,
    before_storing: Callable[[Posted], None] = lambda posted: None,
) -> Posted:
    """Append an end user's message and open the turn that will answer it.

    `client_id` is minted by the client: posting it twice returns the same turn, so a client that lost its
    socket may simply send again. `knobs` are settings of the model's request that the caller wants otherwise.
    `on_behalf`: in whose rights the persona may look things up for this message; nobody's for a visitor's.
    `asker`: whose limits and budgets it counts against.
    `before_storing` is told what is about to be stored, which may still fail.
    Raises ConversationNotFound, ConversationClosed, TooManyWaiting, RateLimited.
    """
    with transaction.atomic(savepoint=False):
        # The lock is the first of them, and each statement sees what was committed when it begins.
        locked, before = read(
            _LOCKED.of(id=conversation_id), _AHEAD.of(conversation_id=conversation_id, client_id=client_id)
        )
        if not locked:
            raise ConversationNotFound
        (conversation,) = locked
        ahead = [state for state, _id in before if state != SENT_BEFORE]
        for message_id in [pk for state, pk in before if state == SENT_BEFORE]:
            said = Message.objects.get(pk=message_id)
            if said.role != Message.Role.USER:
                raise Invalid.field("client_id", _("This id was used before, for another message."))
            return Posted(said.turn, said, is_new=False)
        if conversation.state == Conversation.State.CLOSED:
            raise ConversationClosed
        if not conversation.has_bot:
            take(*_buckets(conversation, asker))
            return Posted(None, _leave_to_person(conversation, client_id, text), is_new=True)
        check_may_wait(ahead)
        with take_meanwhile(*_buckets(conversation, asker)):
            turn = open_turn(
                conversation,
                ahead,
                process_id=process_id,
                variables=variables,
                knobs=knobs,
                on_behalf=on_behalf,
                asker=asker,
            )
            message = Message(
                conversation=conversation,
                turn_id=turn.pk,
                seq=turn.first_seq + CREATED,
                role=Message.Role.USER,
                author=conversation.end_user.name,
                text=text,
                html=render_said(text),
                client_id=client_id,
            )
            turn.question = message
            posted = Posted(turn, message, is_new=True)
            counted = _COUNT_MESSAGE.of(
                id=conversation.pk, next_seq=turn.first_seq + SEQ_BLOCK, last_message_at=message.created_at
            )
            rows = insertion(message), insertion(turn), counted
        before_storing(posted)
        write_at_once(*rows)
        tell_message(message, conversation.listeners, conversation)
        return posted


def _leave_to_person(conversation: Conversation, client_id: UUID, text: str) -> Message:
    """Store what is said to a person, or to nobody yet. It has a block of numbers of its own."""
    message = Message(
        conversation=conversation,
        seq=own_block(conversation) + CREATED,
        role=Message.Role.USER,
        author=conversation.end_user.name,
        text=text,
        html=render_said(text),
        client_id=client_id,
    )
    message.save(force_insert=True)
    conversation.message_count += 1
    conversation.unread_by_agent += 1
    conversation.last_message_at = message.created_at
    conversation.save(update_fields=["next_seq", "is_untold", "message_count", "unread_by_agent", "last_message_at"])
    tell_on_commit(conversation)
    tell_message(message, conversation.listeners, conversation)
    return message


def regenerate(
    *,
    conversation_id: UUID,
    turn_id: UUID,
    process_id: UUID,
    knobs: dict[str, Any] | None = None,
    on_behalf: OnBehalf | None = None,
    asker: Asker = NOBODY,
    before_storing: Callable[[Posted], None] = lambda posted: None,
) -> Posted:
    """Answer the question of the last turn anew, with other `knobs` if there are any.

    `before_storing` as for `post_message`.

    Asking twice for the same turn returns the same new one. Raises NotFound for a turn that never was,
    NotTheLast for an older one, TurnRunning while one is open, and what `check_bot_answers` does.
    """
    with transaction.atomic(savepoint=False):
        conversation = lock_conversation(conversation_id)
        last = conversation.turns.select_related("question").order_by("-first_seq").first()
        if last is not None and last.replaces_id == turn_id:
            return Posted(last, last.question, is_new=False)
        if last is None or last.pk != turn_id:
            raise NotTheLast if conversation.turns.filter(pk=turn_id).exists() else NotFound
        check_bot_answers(conversation)
        if last.status in (Turn.Status.QUEUED, Turn.Status.RUNNING):
            raise TurnRunning
        turn = _open_anew(conversation, last, process_id=process_id, knobs=knobs, on_behalf=on_behalf, asker=asker)
        turn.question = last.question
        posted = Posted(turn, last.question, is_new=True)
        before_storing(posted)
        turn.save(force_insert=True)
        Conversation.objects.filter(pk=conversation.pk).update(next_seq=turn.first_seq + SEQ_BLOCK)
        return posted


def edit_message(
    *,
    conversation_id: UUID,
    message_id: UUID,
    text: str,
    process_id: UUID,
    client_id: UUID | None = None,
    on_behalf: OnBehalf | None = None,
    asker: Asker = NOBODY,
    before_storing: Callable[[Posted], None] = lambda posted: None,
) -> Posted:
    """Say the end user's last message otherwise, and open a turn that answers it anew.

    What he said first is put aside with all its answers, also with one that is still being written: its turn is
    the `unwanted_turn_id`. Editing the same message to the same text again returns the same turn, as does the
    same `client_id`. `before_storing` as for `post_message`.

    Raises NotFound for what is no message of the end user's in this conversation, NotTheLast for an older one,
    TooManyWaiting, and what `check_bot_answers` does.
    """
    with transaction.atomic(savepoint=False):
        conversation = lock_conversation(conversation_id)
        said = conversation.messages.filter(role=Message.Role.USER)
        if before := _edited_before(said, message_id, text, client_id):
            return Posted(before.turn, before, is_new=False)
        last = said.current().order_by("-seq").first()
        if last is None or last.pk != message_id:
            raise NotTheLast if said.filter(pk=message_id).exists() else NotFound
        check_bot_answers(conversation)
        answering = last.turns.order_by("-first_seq").first()
        if answering is None:
            raise TakenOver  # it was said to a person
        turn = _open_anew(conversation, answering, process_id=process_id, on_behalf=on_behalf, asker=asker)
        message = turn.question = Message(
            conversation=conversation,
            turn_id=turn.pk,
            seq=turn.first_seq + CREATED,
            role=Message.Role.USER,
            author=last.author,
            text=text,
            html=render_said(text),
            client_id=client_id,
            replaces_id=last.pk,
        )
        is_over = answering.status not in (Turn.Status.QUEUED, Turn.Status.RUNNING)
        posted = Posted(turn, message, is_new=True, unwanted_turn_id=None if is_over else answering.pk)
        counted = _COUNT_MESSAGE.of(
            id=conversation.pk, next_seq=turn.first_seq + SEQ_BLOCK, last_message_at=message.created_at
        )
        rows = insertion(message), insertion(turn), counted
        # Before the turn looks at what was said so far.
        outdated = conversation.messages.filter(Q(pk=last.pk) | Q(role=Message.Role.BOT, turn__question=last))
        outdated.current().update(replaced_at=message.created_at)
        before_storing(posted)
        write_at_once(*rows)
        tell_message(message, conversation.listeners, conversation)
        return posted


def _edited_before(said: Any, message_id: UUID, text: str, client_id: UUID | None) -> Message | None:
    """What the same edit made of the message when it came first."""
    same = Q(replaces_id=message_id, text=text)
    if client_id is not None:
        same |= Q(client_id=client_id)
    before: Message | None = said.filter(same).select_related("turn").first()
    return before


def check_bot_answers(conversation: Conversation) -> None:
    """Raises ConversationClosed, or TakenOver when a person is there or waited for, who would be talked over."""
    if conversation.state == Conversation.State.CLOSED:
        raise ConversationClosed
    if not conversation.has_bot:
        raise TakenOver


def check_may_wait(ahead: Sequence[str]) -> None:
    """Raises TooManyWaiting where others wait already; `ahead` are the states of the unfinished turns."""
    if ahead.count(Turn.Status.QUEUED) >= MAX_WAITING:
        raise TooManyWaiting(headers={"Retry-After": "5"}, retry_after_s=5)


def _open_anew(
    conversation: Conversation,
    last: Turn,
    *,
    process_id: UUID,
    knobs: dict[str, Any] | None = None,
    on_behalf: OnBehalf | None,
    asker: Asker,
) -> Turn:
    """A turn in the place of another one, asked as that one was; not saved. It counts against the limits."""
    ahead = [state for state, _id in _UNFINISHED.all(conversation_id=conversation.pk)]
    check_may_wait(ahead)
    take(*_buckets(conversation, asker))
    turn = open_turn(
        conversation,
        ahead,
        process_id=process_id,
        variables=last.variables,
        knobs=knobs or last.trace.get(KNOBS),
        on_behalf=on_behalf,
        asker=asker,
    )
    turn.replaces_id = last.pk
    return turn


def _unfinished() -> Any:
    return Turn.objects.unfinished().filter(conversation_id=Param("conversation_id")).values_list("status", "pk")


def lock_conversation(conversation_id: UUID) -> Conversation:
    """The conversation, locked until the transaction ends: messages of one conversation come one by one."""
    conversation: Conversation | None = _LOCKED.first(id=conversation_id)
    if conversation is None:
        raise ConversationNotFound
    return conversation


class Fence(NamedTuple):
    """Who may speak in a conversation now."""

    number: int
    yielding_turn_id: UUID | None
    state: str
    is_bot_silent: bool
    is_untold: bool

    @property
    def has_bot(self) -> bool:
        return Conversation(state=self.state, is_bot_silent=self.is_bot_silent).has_bot


def lock_fence(conversation_id: UUID) -> Fence:
    """Lock the conversation as `lock_conversation` does, for those who need to know only who may speak."""
    found = _FENCE.first(id=conversation_id)
    if found is None:
        raise ConversationNotFound
    return Fence(*found)


def open_turn(
    conversation: Conversation,
    ahead: Sequence[str],
    *,
    process_id: UUID,
    variables: dict[str, str],
    knobs: dict[str, Any] | None,
    on_behalf: OnBehalf | None,
    asker: Asker,
) -> Turn:
    """A turn that owns the next block of numbers; not saved.

    It waits if one is `ahead`: those are the states of the conversation's unfinished turns.
    """
    if conversation.is_untold:
        tell_on_commit(conversation)  # what came before this turn, before the turn begins
    is_free = not ahead
    return Turn(
        id=uuid7(),
        conversation=conversation,
        status=Turn.Status.RUNNING if is_free else Turn.Status.QUEUED,
        holds_conversation=is_free,
        process_id=process_id if is_free else None,
        fence=conversation.fence,
        first_seq=conversation.next_seq,
        variables=variables,
        trace=({KNOBS: knobs} if knobs else {})
        | ({ON_BEHALF: on_behalf.as_dict()} if on_behalf else {})
        | ({KEY: asker.key_id.hex} if asker.key_id else {}),
        created_at=timezone.now(),
    )


def _buckets(conversation: Conversation, asker: Asker) -> list[Bucket]:
    """Of one more turn. A server that tells us of no user has one for all of them: its key."""
    end_user = conversation.end_user
    is_person = end_user.external_id != f"key-{asker.key_id}"
    return buckets_of_turn(
        conversation.tenant_id,
        asker,
        persona_id=conversation.persona_id,
        end_user_id=end_user.pk if is_person else None,
    )
