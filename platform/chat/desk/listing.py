"""The desk's lists: which conversations, in which order, and what a row says. In the tenant's scope."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import JSONObject, Left

from chat.handover.agents import Agent
from chat.models import Conversation, Message
from chat.presenting import timestamp
from tenants.rest import CursorPages

State = Conversation.State

LINE_CHARACTERS = 160
# Words are looked for in the newest conversations of a view: a search must not read all that was ever said.
SEARCHED = 2_000


class ByWaiting(CursorPages):
    """Who waits longest comes first."""

    ordering: Any = ("requested_at", "id")


class ByLast(CursorPages):
    ordering: Any = ("-last_message_at", "-id")


class ByClosing(CursorPages):
    ordering: Any = ("-closed_at", "-id")


def in_view(view: str, agent: Agent) -> tuple[Any, type[CursorPages]]:
    """The conversations of a view: waiting, mine, open, closed; and how they are paged. Test chats are in none."""
    found = Conversation.objects.filter(is_test=False)
    match view:
        case "waiting":
            return found.filter(state=State.REQUESTED), ByWaiting
        case "mine":
            return found.filter(state=State.HUMAN, agent_id=agent.member_id), ByLast
        case "closed":
            return found.filter(state=State.CLOSED), ByClosing
    return found.exclude(state=State.CLOSED).filter(last_message_at__isnull=False), ByLast


def matching(conversations: Any, text: str) -> Any:
    """Those of the newest whose visitor or whose messages have this text."""
    newest = conversations.order_by("-last_message_at").values("pk")[:SEARCHED]
    said = Message.objects.filter(conversation_id=OuterRef("pk"), text__icontains=text)
    by_name = Q(end_user__name__icontains=text) | Q(end_user__external_id__icontains=text)
    return Conversation.objects.filter(pk__in=newest).filter(by_name | Exists(said))


def as_rows(conversations: Any) -> Any:
    """With all that a row needs, in the one query."""
    last = Message.objects.current().filter(conversation_id=OuterRef("pk")).exclude(role=Message.Role.NOTE)
    line = JSONObject(role=F("role"), author=F("author"), text=Left("text", LINE_CHARACTERS))
    return conversations.with_people().annotate(
        last_said=Subquery(last.exclude(text="").order_by("-seq").values_list(line)[:1])
    )


def row_of(conversation: Any) -> dict[str, Any]:
    """One row of `as_rows`."""
    agent = {"id": _text(conversation.agent_id), "name": conversation.agent_name}
    return {
        "id": str(conversation.pk),
        "persona": {"slug": conversation.persona.slug, "name": conversation.persona.name},
        "visitor": visitor_of(conversation),
        "state": conversation.state,
        "agent": agent if conversation.state == State.HUMAN else None,
        "requested_at": _moment(conversation.requested_at),
        "opened_at": timestamp(conversation.opened_at),
        "last_message_at": _moment(conversation.last_message_at),
        "message_count": conversation.message_count,
        "unread": conversation.unread_by_agent,
        "last": conversation.last_said,
    }


def visitor_of(conversation: Conversation) -> dict[str, str]:
    """An anonymous visitor's id says nothing; a short piece of it tells him from the others."""
    visitor = conversation.end_user
    return {"id": visitor.external_id, "name": visitor.name, "locale": visitor.locale}


def rows_of(ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """The rows of these conversations, as far as they are there and no tests."""
    found = as_rows(Conversation.objects.filter(pk__in=list(ids), is_test=False))
    return [row_of(conversation) for conversation in found]


def counts() -> dict[str, Any]:
    """How many wait, and what each member has: `{waiting, mine: {member id: {open, unread}}}`."""
    live = Conversation.objects.filter(is_test=False, state__in=[State.REQUESTED, State.HUMAN])
    grouped = live.values("state", "agent_id").annotate(count=Count("id"), unread=Sum("unread_by_agent")).order_by()
    mine = {
        _text(row["agent_id"]): {"open": row["count"], "unread": row["unread"] or 0}
        for row in grouped
        if row["state"] == State.HUMAN
    }
    return {"waiting": sum(row["count"] for row in grouped if row["state"] == State.REQUESTED), "mine": mine}


def _text(value: Any) -> str | None:
    return str(value) if value is not None else None


def _moment(value: Any) -> str | None:
    return timestamp(value) if value is not None else None
