"""One conversation as an agent needs it: all that was said, notes too, and how the bot came to its words."""

from typing import Any
from uuid import UUID

from chat.access import access_conversation
from chat.api.serializers import MessageSerializer
from chat.desk.listing import as_rows, row_of
from chat.history import latest_seq
from chat.models import ContactRequest, Conversation, Handoff, Message, Turn
from chat.presenting import handoff_told, timestamp

MESSAGES = 60
EARLIER = 10
HANDOFFS = 50


def whole(tenant_id: UUID, conversation_id: UUID) -> dict[str, Any]:
    """A row with its newest messages, changes of hands, and the visitor's earlier conversations.

    `seq` is from where events go on. Raises ConversationNotFound.
    """
    conversation = access_conversation(tenant_id, conversation_id)
    # Asked first: what happens meanwhile is then told once more, and known by its id.
    seq = latest_seq(conversation_id)
    mine, earlier = _rows(conversation)
    messages, has_earlier = page_of_messages(conversation)
    return {
        **mine,
        "seq": seq,
        "reason": conversation.handoff_reason,
        "satisfaction": conversation.satisfaction,
        "satisfaction_comment": conversation.satisfaction_comment,
        "messages": messages,
        "has_earlier": has_earlier,
        "handoffs": _handoffs(conversation),
        "contact": _contact(conversation),
        "earlier": earlier,
    }


def _rows(conversation: Conversation) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The conversation's row, and those of the same visitor's others, the newest first."""
    of_visitor = Conversation.objects.filter(end_user_id=conversation.end_user_id).started()
    found = as_rows(of_visitor.order_by("-last_message_at")[: EARLIER + 1])
    rows = {row["id"]: row for row in map(row_of, found)}
    mine = rows.pop(str(conversation.pk), None)
    if mine is None:
        (mine,) = map(row_of, as_rows(Conversation.objects.filter(pk=conversation.pk)))
    return mine, list(rows.values())[:EARLIER]


def page_of_messages(conversation: Conversation, *, before: int | None = None) -> tuple[list[dict[str, Any]], bool]:
    """The newest messages, oldest first, and whether there are more before them."""
    found = conversation.messages.current().select_related("turn")
    if before is not None:
        found = found.filter(seq__lt=before)
    newest = list(found.order_by("-seq")[: MESSAGES + 1])
    return [_message(message) for message in newest[MESSAGES - 1 :: -1]], len(newest) > MESSAGES


def _message(message: Message) -> dict[str, Any]:
    shown = dict(MessageSerializer(message).data)
    shown["turn_id"] = str(message.turn_id) if message.turn_id else None
    if message.role == Message.Role.BOT and message.turn:
        shown["trace"] = trace_of(message.turn)
    return shown


def trace_of(turn: Turn) -> dict[str, Any]:
    """How an answer came about, in figures that the page puts into words."""
    search = turn.trace.get("search") or {}
    found = search.get("found", [])
    return {
        "query": search.get("query", ""),
        "found": len(found),
        "best": max((row.get("score") or 0 for row in found), default=None),
        "model": turn.trace.get("model", ""),
        "route": turn.trace.get("route", ""),
        "version": turn.persona_version,
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "first_token_ms": turn.first_token_ms,
        "total_ms": turn.total_ms,
    }


def _handoffs(conversation: Conversation) -> list[dict[str, Any]]:
    newest = Handoff.objects.filter(conversation=conversation).order_by("-seq")[:HANDOFFS]
    return [
        {
            **handoff_told(handoff),
            "seq": handoff.seq,
            "reason": handoff.reason,
            "detail": handoff.detail,
            "created_at": timestamp(handoff.created_at),
        }
        for handoff in reversed(newest)
    ]


def _contact(conversation: Conversation) -> dict[str, Any] | None:
    """What the visitor left in the form, when nobody was there."""
    asked: dict[str, Any] | None = (
        ContactRequest.objects.filter(conversation=conversation)
        .order_by("-created_at")
        .values("name", "contact", "message")
        .first()
    )
    return asked
