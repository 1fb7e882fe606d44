"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from chat.errors import ConversationNotFound
from chat.models import Conversation, EndUser
from tenants.access import access_row


def access_conversation(tenant_id: UUID, conversation_id: UUID) -> Conversation:
    """One of the tenant's conversations, with its persona and end user. Raises ConversationNotFound."""
    people = ("persona", "end_user")
    return access_row(Conversation, tenant_id, related=people, error=ConversationNotFound, pk=conversation_id)


def access_end_user(tenant_id: UUID, external_id: str) -> EndUser:
    """A person by the id that the business gave. Raises NotFound."""
    return access_row(EndUser, tenant_id, external_id=external_id)
