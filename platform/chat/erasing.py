"""Forgetting a conversation: its rows, its log, and the turn that may still run."""

from functools import partial
from uuid import UUID

from django.db import transaction

from chat.announcing import announce
from chat.log import delete_blocking, stream_key
from chat.models import Conversation
from webhooks.emitting import forget


def erase_conversation(conversation: Conversation) -> None:
    """Delete a conversation with messages, turns and log. Its sockets are closed, its running turn is
    stopped.

    A turn that did not hear of it finds nothing to store into, and then deletes what it logged meanwhile.
    """
    tenant_id, conversation_id = conversation.tenant_id, conversation.pk
    conversation.delete()
    forget(tenant_id, conversation_id)
    transaction.on_commit(partial(_forget, tenant_id, conversation_id))


def _forget(tenant_id: UUID, conversation_id: UUID) -> None:
    announce(tenant_id, conversation_id, "erased")
    delete_blocking([stream_key(tenant_id, conversation_id)])
