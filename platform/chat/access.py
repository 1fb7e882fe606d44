"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from chat.errors import ConversationNotFound
from chat.models import Conversation


def access_conversation(tenant_id: UUID, conversation_id: UUID) -> Conversation:
    """One of the tenant's conversations, with its persona and end user. Raises ConversationNotFound."""
    conversations = Conversation.objects.for_tenant(tenant_id).with_people()
    conversation: Conversation | None = conversations.filter(pk=conversation_id).first()
    if conversation is None:
        raise ConversationNotFound
    return conversation
