"""What characters may know and what they keep, for game servers and their designers."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from npc.knowledge.facts import known_now
from npc.knowledge.forgetting import forget_memory, memories_of
from npc.sessions.writing import reading, writing
from personas.models import Memory
from tenants.errors import Invalid
from tenants.rest import CursorPages, caller_of


class WithheldSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    reason = serializers.ChoiceField(choices=["not_known_by", "condition"])


class KnowledgeSerializer(serializers.Serializer[Any]):
    may_know = serializers.ListField(child=serializers.CharField())
    withheld = WithheldSerializer(many=True)


class MemorySerializer(serializers.ModelSerializer[Memory]):
    class Meta:
        model = Memory
        fields = ["id", "seq", "kind", "text", "importance", "game_time", "at", "source", "derived_from"]


class NewestMemories(CursorPages):
    ordering = "-seq"


class KnowledgeView(APIView):
    required_scope = "npc"

    @extend_schema(parameters=[OpenApiParameter("character", str, required=True)], responses=KnowledgeSerializer)
    def get(self, request: Request, session_id: UUID) -> Response:
        """Which facts may enter the character's prompt now, and why the others may not."""
        now = reading(caller_of(request).tenant_id, session_id)
        character = request.query_params.get("character", "")
        if character not in now.world.characters:
            raise Invalid.field("character", _("There is no such character."))
        known = known_now(now.world, now.play, character)
        return Response({"may_know": known.may_know, "withheld": [one._asdict() for one in known.withheld]})


class MemoriesView(GenericAPIView[Memory]):
    required_scope = "npc"
    serializer_class = MemorySerializer
    pagination_class = NewestMemories

    def get(self, request: Request, session_id: UUID, character: str) -> Response:
        """What the character keeps on the live branch, newest first, each with where it comes from."""
        kept = memories_of(reading(caller_of(request).tenant_id, session_id), character).defer("embedding")
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(kept), many=True).data)


class MemoryView(APIView):
    required_scope = "npc"

    @extend_schema(responses={204: None})
    def delete(self, request: Request, session_id: UUID, character: str, memory_id: UUID) -> Response:
        """Let the character forget this for good, and all that was made of it."""
        with writing(caller_of(request).tenant_id, session_id) as writer:
            forget_memory(writer, character, memory_id)
        return Response(status=204)
