"""Rows as clients see them, in events and in REST alike."""

from typing import Any

from django.conf import settings

from chat.events import ACCEPTED, CREATED, STARTED, Event
from chat.knobs import TOOL_CALLS
from chat.models import Conversation, Handoff, Message, Turn
from personas.running import RunningPersona
from personas.schema import Handoff as HandoffSettings


def timestamp(moment: Any) -> str:
    """RFC 3339 in UTC."""
    return str(moment.isoformat().replace("+00:00", "Z"))


def message_accepted(message: Message, turn_id: Any) -> dict[str, Any]:
    """What its sender is told. Without a turn it was left to a person."""
    return {
        "message_id": str(message.pk),
        "client_id": str(message.client_id),
        "turn_id": str(turn_id) if turn_id else None,
    }


def message_created(message: Message) -> dict[str, Any]:
    body = {
        "message_id": str(message.pk),
        "role": message.role,
        "author": message.author,
        "text": message.text,
        "html": message.html,
        "created_at": timestamp(message.created_at),
    }
    if message.role == Message.Role.BOT:
        body |= {"claims": message.claims, "suggestions": message.suggestions}
    if message.turn_id:
        body["turn_id"] = str(message.turn_id)
    if message.replaces_id:
        body["replaces"] = str(message.replaces_id)
    return body


def turn_opening(turn: Turn, question: Message) -> list[Event]:
    """The events with which a turn begins. One that answers the same question anew has no message to tell of."""
    first, told = turn.first_seq, [turn_started(turn)]
    if question.turn_id == turn.pk:
        told.insert(0, Event(first + CREATED, "message.created", message_created(question)))
        if question.client_id:
            told.insert(0, Event(first + ACCEPTED, "message.accepted", message_accepted(question, turn.pk)))
    return told


def turn_started(turn: Turn) -> Event:
    started = {"turn_id": str(turn.pk), "message_id": str(turn.question_id)}
    if turn.replaces_id:
        started["replaces"] = str(turn.replaces_id)
    return Event(turn.first_seq + STARTED, "turn.started", started)


def turn_completed(turn: Turn, message: Message) -> dict[str, Any]:
    """The completed turn: an event's body and what `POST …/turns/` answers."""
    return {
        "turn_id": str(turn.pk),
        "message_id": str(message.pk),
        "text": message.text,
        "html": message.html,
        "citations": message.citations,
        "claims": message.claims,
        "suggestions": message.suggestions,
        "finish_reason": message.finish_reason,
        "usage": {
            "input_tokens": turn.input_tokens,
            "output_tokens": turn.output_tokens,
            "cached_tokens": turn.cached_tokens,
            "cost": float(turn.cost),
        },
        "timing": {"first_token_ms": turn.first_token_ms, "total_ms": turn.total_ms},
        # Of a turn whose caller gave the model tools.
        **({TOOL_CALLS: turn.trace[TOOL_CALLS]} if TOOL_CALLS in turn.trace else {}),
    }


def handoff_told(handoff: Handoff) -> dict[str, Any]:
    """A change of hands, as everybody may see it: `detail` is for agents."""
    agent: dict[str, Any] = {"name": handoff.agent_name}
    if handoff.agent_id:
        agent["id"] = str(handoff.agent_id)
    optional = {
        "agent": agent if handoff.agent_name else None,
        "reason": handoff.reason,
        "until": timestamp(handoff.until) if handoff.until else None,
        "form": handoff.offers_form,
        "ask_satisfaction": handoff.asks_satisfaction,
    }
    return {"state": handoff.state, "by": handoff.by} | {name: value for name, value in optional.items() if value}


def handoff_standing(conversation: Conversation, settings: HandoffSettings) -> dict[str, Any]:
    """How a conversation stands between bot and people, for a visitor who comes in."""
    agent: dict[str, Any] = {"name": conversation.agent_name}
    if conversation.agent_id:
        agent["id"] = str(conversation.agent_id)
    optional = {
        "agent": agent if conversation.state == Conversation.State.HUMAN else None,
        "until": timestamp(conversation.wait_until) if conversation.wait_until else None,
    }
    return {
        "state": conversation.state,
        "is_offered": settings.enabled and settings.on_request,
        "satisfaction": conversation.satisfaction,
        **{name: value for name, value in optional.items() if value},
    }


def turn_failed(turn_id: Any, *, code: str, detail: str, retryable: bool, text: str) -> dict[str, Any]:
    return {"turn_id": str(turn_id), "code": code, "detail": detail, "retryable": retryable, "text": text}


def persona_card(slug: str, persona: RunningPersona) -> dict[str, Any]:
    """What a chat page shows of who answers."""
    return {
        "slug": slug,
        "name": persona.name,
        "avatar_url": f"{settings.STATIC_URL}chat/avatar.svg",
        "greeting": persona.settings.greeting,
        "suggestions": persona.settings.suggestions,
    }
