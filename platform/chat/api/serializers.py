"""Shapes of the chat API, as the public contract gives them."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.models import Conversation, Message
from tenants.serializing import NullsLeftOut


class EndUserField(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.CharField(max_length=190)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    locale = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class SessionRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    persona = serializers.CharField(max_length=100)
    end_user = EndUserField()
    conversation_id = serializers.UUIDField(required=False, allow_null=True)
    ttl_s = serializers.IntegerField(
        required=False, min_value=60, max_value=int(settings.CHAT_SESSION_TTL_MAX.total_seconds())
    )


class SessionSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    conversation_id = serializers.UUIDField()
    websocket_url = serializers.CharField()


class PublicEndUserField(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.CharField(max_length=190, required=False)
    signature = serializers.CharField(max_length=128, required=False)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    locale = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class PublicSessionRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """`token` is the visitor's last one, expired or not: it proves that the conversation is his."""

    end_user = PublicEndUserField(required=False)
    conversation_id = serializers.UUIDField(required=False, allow_null=True)
    token = serializers.CharField(required=False, allow_blank=True, max_length=500)


class ConversationEndUserSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="external_id")
    name = serializers.CharField()


class ConversationAgentSerializer(serializers.Serializer[Any]):
    """Who has a conversation: a member, or without an id a server by its key."""

    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()


class SatisfactionSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField()
    comment = serializers.CharField()


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    """`handoff_reason` is for those who answer: what made the visitor, or a rule, ask for a person."""

    persona = serializers.CharField(source="persona.slug")
    end_user = ConversationEndUserSerializer()
    agent = serializers.SerializerMethodField()
    satisfaction = serializers.SerializerMethodField()

    class Meta:
        model = Conversation
        fields = [
            "id", "persona", "end_user", "state", "opened_at", "last_message_at", "message_count", "agent",
            "requested_at", "handoff_reason", "unread_by_agent", "satisfaction",
        ]  # fmt: skip

    @extend_schema_field(ConversationAgentSerializer(allow_null=True))
    def get_agent(self, conversation: Conversation) -> dict[str, Any] | None:
        if not conversation.agent_name:
            return None
        return {"id": conversation.agent_id and str(conversation.agent_id), "name": conversation.agent_name}

    @extend_schema_field(SatisfactionSerializer(allow_null=True))
    def get_satisfaction(self, conversation: Conversation) -> dict[str, Any] | None:
        if conversation.satisfaction is None:
            return None
        return {"rating": conversation.satisfaction, "comment": conversation.satisfaction_comment}


class ClaimSerializer(serializers.Serializer[Any]):
    """A part of the text that claims something. `start` and `end` count code points; `sources` are citations' `n`."""

    start = serializers.IntegerField(min_value=0)
    end = serializers.IntegerField(min_value=0)
    sources = serializers.ListField(child=serializers.IntegerField(min_value=1))
    supported = serializers.BooleanField()


class MessageSerializer(serializers.ModelSerializer[Message]):
    finish_reason = serializers.SerializerMethodField()
    feedback = serializers.SerializerMethodField()
    claims = ClaimSerializer(many=True)
    suggestions = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Message
        fields = [
            "id", "seq", "role", "author", "text", "html", "citations", "claims", "suggestions",
            "finish_reason", "feedback", "created_at",
        ]  # fmt: skip

    def get_finish_reason(self, message: Message) -> str | None:
        return message.finish_reason or None

    def get_feedback(self, message: Message) -> dict[str, Any] | None:
        if message.feedback is None:
            return None
        return {"rating": message.feedback, "comment": message.feedback_comment}


class TurnRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    client_id = serializers.UUIDField()
    text = serializers.CharField(trim_whitespace=False)
    variables = serializers.DictField(required=False)
