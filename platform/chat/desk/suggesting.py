"""What the bot would say now, as a draft for the agent. Nothing of it is stored, and nobody but the agent gets it."""

import asyncio
import re
from uuid import UUID

from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from chat.access import access_conversation
from chat.models import Message
from chat.tracing.answering import Question, asked_again, try_question
from tenants.asynchronous import for_callers
from tenants.authentication import Caller
from tenants.errors import NotFound

# A visitor would not know what the numbers of sources mean in a person's words.
_MARKS = re.compile(r"[ \u2060]*\[\d+(?:\s*,\s*\d+)*\]")


@for_callers("manage", "POST")
async def suggestion_view(request: HttpRequest, caller: Caller, conversation_id: UUID) -> HttpResponseBase:
    """`{text}`: an answer to what the visitor said last; empty where the bot knows none, or calls a person itself."""
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
    return "" if tried.declined or tried.called is not None else _MARKS.sub("", tried.outcome.text).strip()


def _question(tenant_id: UUID, conversation_id: UUID) -> Question:
    """What the visitor said last. Raises NotFound."""
    conversation = access_conversation(tenant_id, conversation_id)
    said = conversation.messages.current().filter(role=Message.Role.USER).order_by("-seq").first()
    if said is None:
        raise NotFound
    return asked_again(conversation, said)
