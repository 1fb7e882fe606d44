"""Forgetting conversations: their rows, their log, and the turns that may still run."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from chat.announcing import announce
from chat.log import TTL_S, delete_blocking, stream_key
from chat.models import Conversation
from personas.models import Persona
from webhooks.emitting import forget


def erase_conversation(conversation: Conversation) -> None:
    """Delete a conversation with messages, turns and log. Its sockets are closed, its running turn is
    stopped.

    A turn that did not hear of it finds nothing to store into, and then deletes what it logged meanwhile.
    """
    tenant_id, conversation_id = conversation.tenant_id, conversation.pk
    conversation.delete()
    forget(tenant_id, conversation_id)
    transaction.on_commit(partial(_forget, tenant_id, [conversation_id]))


def forget_conversations_of(persona: Persona) -> None:
    """The same for all conversations of a persona that is deleted, but for the rows, which go with it.

    Of those in which nothing was said for so long nothing is logged or running any more.
    """
    lately = timezone.now() - timedelta(seconds=TTL_S)
    theirs = Conversation.objects.for_tenant(persona.tenant_id).filter(persona=persona)
    recent = theirs.alias(at=Coalesce("last_message_at", "opened_at")).filter(at__gte=lately)
    transaction.on_commit(partial(_forget, persona.tenant_id, list(recent.values_list("pk", flat=True))))


def _forget(tenant_id: UUID, conversation_ids: Sequence[UUID]) -> None:
    for conversation_id in conversation_ids:
        announce(tenant_id, conversation_id, "erased")
    delete_blocking([stream_key(tenant_id, conversation_id) for conversation_id in conversation_ids])
