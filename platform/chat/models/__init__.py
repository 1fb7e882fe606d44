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

__all__ = [
    "SEQ_BLOCK", "Conversation", "ConversationQuerySet", "EndUser", "Message", "MessageQuerySet", "Process", "Turn",
    "TurnQuerySet",
]  # fmt: skip
