from chat.models.conversations import (
    ANONYMOUS,
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
from chat.models.retention import Erasure, RetentionPolicy
from chat.models.tracing import AnswerTest, Replay, TestRun

__all__ = [
    "ANONYMOUS", "SEQ_BLOCK", "AnswerTest", "CannedReply", "CannedReplyQuerySet", "ContactRequest", "Conversation",
    "ConversationQuerySet", "EndUser", "Erasure", "Handoff", "Message", "MessageQuerySet", "Process", "Replay",
    "RetentionPolicy", "TestRun", "Turn", "TurnQuerySet",
]  # fmt: skip
