"""Shapes of hand-over, as the public contract gives them; and what the OpenAPI document is told of it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from chat.models import CannedReply, ContactRequest, Conversation, Handoff
from tenants.serializing import NullsLeftOut


class AgentRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """`agent_name`: what the visitor sees; without it the key's name, or the tenant's. A member has his own."""

    agent_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class SayRequestSerializer(AgentRequestSerializer):
    client_id = serializers.UUIDField()
    text = serializers.CharField(trim_whitespace=False)


class TransferRequestSerializer(serializers.Serializer[Any]):
    to = serializers.UUIDField(allow_null=True, help_text="A member; null: back in line.")


class HandoffRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RatingSerializer(NullsLeftOut, serializers.Serializer[Any]):
    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = serializers.CharField(max_length=2_000, required=False, allow_blank=True, default="")


class StandingAgentSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False)
    name = serializers.CharField()


class StandingSerializer(serializers.Serializer[Any]):
    """How a conversation stands between bot and people."""

    state = serializers.ChoiceField(choices=Conversation.State.choices)
    is_offered = serializers.BooleanField()
    satisfaction = serializers.IntegerField(allow_null=True)
    agent = StandingAgentSerializer(required=False)
    until = serializers.DateTimeField(required=False)


class ContactFormSerializer(NullsLeftOut, serializers.ModelSerializer[ContactRequest]):
    class Meta:
        model = ContactRequest
        fields = ["name", "contact", "message"]
        extra_kwargs = {"message": {"max_length": 4_000}}


class ContactRequestSerializer(serializers.ModelSerializer[ContactRequest]):
    conversation_id = serializers.UUIDField(read_only=True)
    done = serializers.SerializerMethodField()

    class Meta:
        model = ContactRequest
        fields = ["id", "conversation_id", "name", "contact", "message", "done", "created_at"]

    def get_done(self, request: ContactRequest) -> bool:
        return request.done_at is not None


class DoneSerializer(serializers.Serializer[Any]):
    done = serializers.BooleanField()


class CannedReplySerializer(serializers.ModelSerializer[CannedReply]):
    """`persona` is a slug; null: for all of them."""

    shortcut = serializers.RegexField(r"^\S+$", max_length=40)
    text = serializers.CharField(max_length=8_000)
    persona = serializers.CharField(max_length=100, allow_null=True, required=False, default=None)

    class Meta:
        model = CannedReply
        fields = ["id", "shortcut", "text", "language", "persona", "updated_at"]
        validators: list[Any] = []  # unique together, which the database says: `Conflict`

    def to_representation(self, reply: CannedReply) -> dict[str, Any]:
        shown = super().to_representation(reply)
        return shown | {"persona": reply.persona.slug if reply.persona else None}


class HandoffSerializer(serializers.ModelSerializer[Handoff]):
    agent = serializers.SerializerMethodField()

    class Meta:
        model = Handoff
        fields = ["id", "seq", "state", "by", "reason", "detail", "agent", "until", "created_at"]

    @extend_schema_field(StandingAgentSerializer(allow_null=True))
    def get_agent(self, handoff: Handoff) -> dict[str, Any] | None:
        if not handoff.agent_name:
            return None
        return ({"id": str(handoff.agent_id)} if handoff.agent_id else {}) | {"name": handoff.agent_name}


# Views that are plain Django, which drf-spectacular does not see: name, body, and what they do.
DESCRIBED: list[tuple[str, type[serializers.Serializer[Any]] | None, str]] = [
    (
        "takeover", AgentRequestSerializer,
        "Take the conversation over, as a person. Once this is answered the bot says nothing more in it; an answer "
        "that was being written ends, and what was said of it is kept as `stopped`.",
    ),
    (
        "reply", SayRequestSerializer,
        "Say something to the visitor, after a take-over. Sending the same `client_id` again changes nothing.",
    ),
    ("note", SayRequestSerializer, "Write something down for colleagues; visitors never get it."),
    ("transfer", TransferRequestSerializer, "Give the conversation to a colleague, or with `to: null` back in line."),
    ("release", None, "Give the conversation back to the bot, which knows what the person said."),
    ("close", None, "End the conversation for good: nothing more can be said in it."),
]  # fmt: skip
