"""What the bot would say now, as a draft for the agent. Nothing of it is stored, and nobody but the agent gets it."""

import asyncio
import re
from uuid import UUID

from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from chat.access import access_conversation
from chat.history import past_messages
from chat.models import Message, Turn
from chat.tracing.answering import Question, try_question
from personas.context import Said
from tenants.asynchronous import for_callers
from tenants.authentication import Caller
from tenants.errors import NotFound

HISTORY = 200
# A visitor would not know what the numbers of sources mean in a person's words.
_MARKS = re.compile(r"[ \u2060]*\[\d+(?:\s*,\s*\d+)*\]")


@for_callers("manage", "POST")
async def suggestion_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """`{text}`: an answer to what the visitor said last; empty where the bot knows none."""
    # On a thread that no query waits for: the model may take its time.
    return JsonResponse({"text": await asyncio.to_thread(draft, caller.tenant_id, conversation_id)})


def draft(tenant_id: UUID, conversation_id: UUID) -> str:
    """Ask the persona's model once more. Metered, within the budgets. Raises NotFound, PlatformError."""
    try:
        tried = try_question(tenant_id, lambda: _question(tenant_id, conversation_id))
    finally:
        connections.close_all()
    if tried.error:
        raise tried.error
    return "" if tried.declined else _MARKS.sub("", tried.outcome.text).strip()


def _question(tenant_id: UUID, conversation_id: UUID) -> Question:
    """What the visitor said last, as if it were said now; rows that are never saved."""
    conversation = access_conversation(tenant_id, conversation_id)
    said = conversation.messages.current().filter(role=Message.Role.USER).order_by("-seq").first()
    if said is None:
        raise NotFound
    remembered = past_messages(conversation, before_seq=said.seq, limit=HISTORY)
    history = tuple(Said(role=role, text=text) for role, text in remembered)  # type: ignore[arg-type]
    again = Turn(tenant_id=tenant_id, conversation=conversation)
    return again, Message(tenant_id=tenant_id, text=said.text, role=Message.Role.USER, seq=said.seq), history
