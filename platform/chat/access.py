"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from chat.errors import ConversationNotFound
from chat.models import Conversation, EndUser
from tenants.errors import NotFound


def access_conversation(tenant_id: UUID, conversation_id: UUID) -> Conversation:
    """One of the tenant's conversations, with its persona and end user. Raises ConversationNotFound."""
    conversations = Conversation.objects.for_tenant(tenant_id).with_people()
    conversation: Conversation | None = conversations.filter(pk=conversation_id).first()
    if conversation is None:
        raise ConversationNotFound
    return conversation


def access_end_user(tenant_id: UUID, external_id: str) -> EndUser:
    """A person by the id that the business gave. Raises NotFound."""
    end_user: EndUser | None = EndUser.objects.for_tenant(tenant_id).filter(external_id=external_id).first()
    if end_user is None:
        raise NotFound
    return end_user
