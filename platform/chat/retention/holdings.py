"""All places where something of a person is kept: each is counted, erased and handed out alike.

Apps above this one register their own places in `AppConfig.ready`, as `register(Holding(…))`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Func, Q, QuerySet, Value

from chat.log import count_blocking, delete_blocking, stream_key
from chat.models import ContactRequest, Conversation, EndUser, Handoff, Message, Replay, Turn
from llm.models import ModelCall
from personas.models import Memory
from tenants.models import StoredAnswer
from webhooks.models import Delivery


@dataclass(frozen=True)
class Subject:
    """What is to be erased: some conversations, and the person himself where `end_user_id` is given."""

    tenant_id: UUID
    conversation_ids: Sequence[UUID]
    end_user_id: UUID | None = None
    # As the business names him.
    external_id: str = ""


def leave(rows: "QuerySet[Any]") -> None:
    """They go with what they hang on."""


def delete(rows: "QuerySet[Any]") -> None:
    """The database reaches down by itself and loads no row."""
    rows._raw_delete(using=rows.db)


@dataclass(frozen=True)
class Holding:
    """One kind of thing that is kept. `rows` are those of a subject, in the tenant's scope.

    `shown` are the columns that are handed out to the person; none for what is not his to see.
    """

    name: str
    rows: Callable[[Subject], "QuerySet[Any]"]
    shown: tuple[str, ...] = ()
    erase_rows: Callable[["QuerySet[Any]"], object] = delete

    def count(self, subject: Subject) -> int:
        return self.rows(subject).count()

    def erase(self, subject: Subject) -> None:
        self.erase_rows(self.rows(subject))

    def hand_out(self, subject: Subject) -> list[dict[str, Any]]:
        return list(self.rows(subject).order_by("pk").values(*self.shown)) if self.shown else []


class Streams:
    """The events of conversations in Redis."""

    name = "event_streams"

    def count(self, subject: Subject) -> int:
        return count_blocking([stream_key(subject.tenant_id, each) for each in subject.conversation_ids])

    def erase(self, subject: Subject) -> None:
        delete_blocking([stream_key(subject.tenant_id, each) for each in subject.conversation_ids])

    def hand_out(self, subject: Subject) -> list[dict[str, Any]]:
        return []


def _of_conversations(model: Any, tenant_id: UUID, ids: Sequence[UUID]) -> "QuerySet[Any]":
    rows: QuerySet[Any] = model.objects.for_tenant(tenant_id).filter(conversation_id__in=ids)
    return rows


def _said(subject: Subject) -> "QuerySet[Any]":
    return _of_conversations(Message, subject.tenant_id, subject.conversation_ids)


def _calls(subject: Subject) -> "QuerySet[Any]":
    rows: QuerySet[Any] = ModelCall.objects.for_tenant(subject.tenant_id).filter(end_user=subject.external_id)
    return rows if subject.external_id else rows.none()


def _told(subject: Subject) -> "QuerySet[Any]":
    named = Q(subject_id__in=subject.conversation_ids)
    if subject.external_id:
        named |= Q(data__end_user__id=subject.external_id) | Q(data__end_user=subject.external_id)
    rows: QuerySet[Any] = Delivery.objects.for_tenant(subject.tenant_id).filter(named)
    return rows


def _answers(subject: Subject) -> "QuerySet[Any]":
    """Answers that are kept for a retry with the same `Idempotency-Key`, for a day."""
    rows: QuerySet[Any] = StoredAnswer.objects.for_tenant(subject.tenant_id)
    if not subject.end_user_id:  # what was kept for days is not in them any more
        return rows.none()
    names = Q(pk__in=[])
    for conversation_id in subject.conversation_ids:
        names |= Q(Position(Value(str(conversation_id).encode()), "body"))
    return rows.filter(names)


class Position(Func):
    """Whether some bytes stand in others."""

    template = "(position(%(expressions)s) > 0)"
    arg_joiner = " IN "
    output_field = BooleanField()


_holdings: list[Holding | Streams] = [
    Holding(
        "messages",
        lambda subject: _said(subject).exclude(role=Message.Role.NOTE),
        ("conversation_id", "role", "author", "text", "citations", "feedback", "feedback_comment", "created_at"),
        erase_rows=leave,
    ),
    Holding("notes", lambda subject: _said(subject).filter(role=Message.Role.NOTE), erase_rows=leave),
    Holding("turns", lambda s: _of_conversations(Turn, s.tenant_id, s.conversation_ids), erase_rows=leave),
    Holding(
        "replays",
        lambda s: Replay.objects.for_tenant(s.tenant_id).filter(turn__conversation_id__in=s.conversation_ids),
        erase_rows=leave,
    ),
    Holding("handoffs", lambda s: _of_conversations(Handoff, s.tenant_id, s.conversation_ids), erase_rows=leave),
    Holding(
        "contact_requests",
        lambda s: _of_conversations(ContactRequest, s.tenant_id, s.conversation_ids),
        ("conversation_id", "name", "contact", "message", "created_at"),
        erase_rows=leave,
    ),
    Holding(
        "conversations",
        lambda s: Conversation.objects.for_tenant(s.tenant_id).filter(pk__in=s.conversation_ids),
        ("id", "persona__slug", "state", "opened_at", "last_message_at", "satisfaction", "satisfaction_comment"),
    ),
    Holding(
        "memories",
        lambda s: Memory.objects.for_tenant(s.tenant_id).filter(store__in=s.conversation_ids),
        ("store", "kind", "text", "at"),
    ),
    # What it cost stays in the books, without a name.
    Holding("model_calls", _calls, erase_rows=lambda rows: rows.update(end_user="")),
    Holding("webhook_deliveries", _told),
    Holding("stored_answers", _answers),
    Streams(),
]
_LAST = Holding(
    "end_users",
    lambda s: EndUser.objects.for_tenant(s.tenant_id).filter(pk=s.end_user_id),
    ("external_id", "name", "locale", "created_at"),
)


def register(holding: Holding) -> None:
    """Add a place where something of a person is kept."""
    if holding.name not in {each.name for each in _holdings}:
        _holdings.append(holding)


def holdings() -> Sequence[Holding | Streams]:
    """All of them; the person himself last, by whom the others are found."""
    return (*_holdings, _LAST)


def count(subject: Subject) -> dict[str, int]:
    """How much there is of each, in the tenant's scope."""
    return {holding.name: holding.count(subject) for holding in holdings()}
