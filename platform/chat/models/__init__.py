from chat.models.conversations import (
    SEQ_BLOCK,
    Conversation,
    ConversationQuerySet,
    EndUser,
    Message,
    MessageQuerySet,
    Process,
    Turn,
    TurnQuerySet,
)
from chat.models.handover import CannedReply, CannedReplyQuerySet, ContactRequest, Handoff

__all__ = [
    "SEQ_BLOCK", "CannedReply", "CannedReplyQuerySet", "ContactRequest", "Conversation", "ConversationQuerySet",
    "EndUser", "Handoff", "Message", "MessageQuerySet", "Process", "Turn", "TurnQuerySet",
]  # fmt: skip
