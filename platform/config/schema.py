"""What the OpenAPI document needs to be told: which views give lists, and the views that are not DRF's."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView

from chat.api.handover_serializers import DESCRIBED as HANDOVER
from chat.api.serializers import ConversationSerializer, TurnRequestSerializer
from knowledge.api.serializers import SearchAnswerSerializer, SearchRequestSerializer
from npc.api.turns import NpcTurnAnswerSerializer, NpcTurnRequestSerializer
from npc.api.warm import WarmedSerializer, WarmRequestSerializer
from tenants.describing import OF_ANY_CALL, OF_BODIES, PROBLEM, problems

Endpoint = tuple[str, str, str, Any]

FREE_OBJECT = OpenApiTypes.OBJECT
STREAM = OpenApiTypes.STR
EVENTS = (200, "text/event-stream")
ANSWER = (200, "application/json")


class PagedSchema(AutoSchema):
    """Our generic views answer GET with a page; all else is one thing."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and isinstance(self.view, GenericAPIView)


class UsageOfTurnSerializer(serializers.Serializer[Any]):
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    cost = serializers.FloatField()


class TimingSerializer(serializers.Serializer[Any]):
    first_token_ms = serializers.IntegerField(allow_null=True)
    total_ms = serializers.IntegerField(allow_null=True)


class CompletedTurnSerializer(serializers.Serializer[Any]):
    turn_id = serializers.UUIDField()
    message_id = serializers.UUIDField()
    client_id = serializers.UUIDField()
    text = serializers.CharField()
    html = serializers.CharField()
    citations = serializers.ListField(child=serializers.DictField())
    finish_reason = serializers.ChoiceField(choices=["stop", "length", "stopped", "filtered"])
    usage = UsageOfTurnSerializer()
    timing = TimingSerializer()
    tool_calls = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Where the caller gave the model tools."
    )


def described(path: str, method: str, summary: str, **schema: Any) -> Endpoint:
    """An endpoint as drf-spectacular wants it: a view class that is there to be read, not to be called."""

    def handler(self: APIView, request: Any, **_: Any) -> None: ...

    handler.__doc__ = summary
    view: type[APIView] = type("Described", (APIView,), {method.lower(): extend_schema(**schema)(handler)})
    return path, path, method, view.as_view()


def add_common_failures(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What any call of its kind may meet, besides what an operation says itself."""
    failure = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Failure"}}}, "description": ""}
    for path, operations in result["paths"].items():
        if not path.startswith("/api/v1/") or path.startswith("/api/v1/public/"):
            continue
        for operation in operations.values():
            statuses = {
                *OF_ANY_CALL,
                *([404] if "{" in path else []),
                *(OF_BODIES if "requestBody" in operation else []),
            }
            told = {**{str(status): failure for status in statuses}, **operation["responses"]}
            operation["responses"] = dict(sorted(told.items()))
    return result


def add_asynchronous_views(endpoints: list[Endpoint]) -> list[Endpoint]:
    """The views that wait or stream are plain Django, which drf-spectacular does not see."""
    conversation = "/api/v1/conversations/{conversation_id}"
    game = "/api/v1/npc/sessions/{session_id}"
    session_id = OpenApiParameter("session_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
    conversation_id = OpenApiParameter("conversation_id", OpenApiTypes.UUID, OpenApiParameter.PATH)
    behind = [
        OpenApiParameter("after", int, description="The last seq that was seen."),
        OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER),
    ]
    return [
        *endpoints,
        described(
            "/api/v1/knowledge-bases/{base}/search/", "POST", "The best passages for a question, best first.",
            operation_id="v1_knowledge_bases_search",
            parameters=[OpenApiParameter("base", str, OpenApiParameter.PATH)],
            request=SearchRequestSerializer, responses=SearchAnswerSerializer,
        ),
        described(
            f"{conversation}/turns/", "POST", "Say something; the completed turn, or its events.",
            operation_id="v1_conversations_turns",
            parameters=[conversation_id, OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER)],
            request=TurnRequestSerializer, responses={ANSWER: CompletedTurnSerializer, EVENTS: STREAM},
        ),
        described(
            f"{conversation}/events/", "GET", "The socket's events as they come, `id:` being the seq.",
            operation_id="v1_conversations_events", parameters=[conversation_id, *behind],
            responses={EVENTS: STREAM},
        ),
        *(
            described(
                f"{conversation}/{name}/", "POST", summary,
                operation_id=f"v1_conversations_{name}", parameters=[conversation_id],
                request=body, responses={ANSWER: ConversationSerializer, **problems(404, 409, 413, 422, 503)},
            )
            for name, body, summary in HANDOVER
        ),
        described(
            f"{game}/turns/", "POST",
            "Turn to a character; its answer, or the events of it. A stream that broke goes on when the same `turn_id` "
            "is sent again with `Last-Event-ID`. `character` in the answer says who answered: the director may pick.",
            operation_id="v1_npc_sessions_turns",
            parameters=[session_id, OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER)],
            request=NpcTurnRequestSerializer, responses={ANSWER: NpcTurnAnswerSerializer, EVENTS: STREAM},
        ),
        described(
            f"{game}/turns/{{turn_id}}/cancel/", "POST", "The player walked away: what was said stays said.",
            operation_id="v1_npc_sessions_turns_cancel",
            parameters=[session_id, OpenApiParameter("turn_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
            request=None, responses={ANSWER: NpcTurnAnswerSerializer},
        ),
        described(
            f"{game}/warm/", "POST",
            "The player is coming: load the world, what those present know, and the beginning of their prompts.",
            operation_id="v1_npc_sessions_warm", parameters=[session_id],
            request=WarmRequestSerializer, responses={ANSWER: WarmedSerializer},
        ),
        described(
            "/api/v1/analytics/questions/{question_id}/events/", "GET",
            "Each change of the question's `status` as it comes, past ones first; the last one ends the stream.",
            operation_id="v1_analytics_questions_events",
            parameters=[OpenApiParameter("question_id", OpenApiTypes.UUID, OpenApiParameter.PATH), *behind],
            responses={EVENTS: STREAM},
        ),
        described(
            "/v1/models", "GET", "Published personas and the embedding model, as OpenAI lists models.",
            operation_id="openai_models", responses=FREE_OBJECT,
        ),
        described(
            "/v1/models/{model}", "GET", "One of them.",
            operation_id="openai_model", parameters=[OpenApiParameter("model", str, OpenApiParameter.PATH)],
            responses=FREE_OBJECT,
        ),
        described(
            "/v1/chat/completions", "POST", "A persona's answer in OpenAI's shape, with `citations`.",
            operation_id="openai_chat_completions", request=FREE_OBJECT,
            responses={ANSWER: FREE_OBJECT, EVENTS: STREAM},
        ),
        described(
            "/v1/embeddings", "POST", "Vectors of texts in OpenAI's shape.",
            operation_id="openai_embeddings", request=FREE_OBJECT, responses=FREE_OBJECT,
        ),
    ]  # fmt: skip
