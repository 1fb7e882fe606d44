"""What webhooks are told of conversations. Each event names its conversation, with which it is erased."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from chat.models import Conversation, Message
from webhooks.emitting import emit, emit_to
from webhooks.models import Endpoint, EventType


def who_listens() -> ArraySubquery:
    """The endpoints that want messages of a row's tenant, as part of a statement that is asked anyway."""
    same_tenant = Endpoint.objects.filter(tenant_id=OuterRef("tenant_id"))
    return ArraySubquery(same_tenant.listening(EventType.MESSAGE_CREATED).order_by().values("pk"))


def about_conversation(conversation: Conversation) -> dict[str, Any]:
    """Whose conversation it is. Reads persona and end user, where they are not loaded."""
    return {
        "conversation_id": str(conversation.pk),
        "persona": conversation.persona.slug,
        "persona_id": str(conversation.persona_id),
        "end_user": conversation.end_user.external_id,
    }


def tell_message(message: Message, endpoint_ids: Sequence[UUID], conversation: Conversation | None = None) -> None:
    """Tell these endpoints of a stored message. Test chats are nobody's business but the author's."""
    if not endpoint_ids:
        return
    conversation = conversation or _conversation(message.conversation_id)
    if conversation.is_test:
        return
    data = {
        **about_conversation(conversation),
        "message_id": str(message.pk),
        "turn_id": str(message.turn_id) if message.turn_id else None,
        "role": message.role,
        "author": message.author,
        "text": message.text,
        "citations": message.citations,
        "finish_reason": message.finish_reason or None,
        "created_at": message.created_at.isoformat(),
    }
    emit_to(endpoint_ids, conversation.tenant_id, EventType.MESSAGE_CREATED, data)


def tell_feedback(conversation_id: UUID, message_id: UUID, rating: int, comment: str) -> None:
    """Tell whoever listens that an answer was rated."""
    conversation = _conversation(conversation_id)
    data = {**about_conversation(conversation), "message_id": str(message_id), "rating": rating, "comment": comment}
    emit(conversation.tenant_id, EventType.MESSAGE_FEEDBACK, data)


def _conversation(conversation_id: UUID) -> Conversation:
    conversation: Conversation = Conversation.objects.with_people().get(pk=conversation_id)
    return conversation
