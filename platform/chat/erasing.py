"""Forgetting a conversation: its rows, its log, and the turn that may still run."""

from functools import partial

from django.db import transaction

from chat.log import delete_blocking, stream_key
from chat.models import Conversation


def erase_conversation(conversation: Conversation) -> None:
    """Delete a conversation with messages, turns and log. A turn that still runs finds nothing to store into."""
    key = stream_key(conversation.tenant_id, conversation.pk)
    conversation.delete()
    transaction.on_commit(partial(delete_blocking, [key]))
