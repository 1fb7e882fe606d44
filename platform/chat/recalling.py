"""A conversation so far, for those below who may not import us."""

from uuid import UUID

from chat.errors import ConversationNotFound
from chat.history import past_messages
from chat.models import Conversation
from personas.context import EndUser, Said
from personas.history import SoFar

MESSAGES = 200


def history_of(persona_id: UUID, conversation_id: UUID) -> SoFar:
    """What was said in one of this persona's conversations. Raises ConversationNotFound."""
    conversation = (
        Conversation.objects.select_related("end_user").filter(pk=conversation_id, persona_id=persona_id).first()
    )
    if conversation is None:
        raise ConversationNotFound
    said = past_messages(conversation, before_seq=2**62, limit=MESSAGES)
    return SoFar(
        history=tuple(Said(role=role, text=text) for role, text in said),  # type: ignore[arg-type]
        end_user=EndUser(conversation.end_user.name, conversation.end_user.locale),
    )
