"""What comes after a turn: the game accepts or rejects what was proposed, and looks at how it came about."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from npc.api.serializers import StateSerializer
from npc.hooks.asking import ActionResultSerializer
from npc.turns.replaying import replay_turn
from npc.turns.settling import Result, settle_action
from tenants.rest import caller_of


class SettledSerializer(StateSerializer):
    """`say`: a line for the character to say about a rejection, if the world has one that fits."""

    say = serializers.CharField(required=False)


class ActionResultView(APIView):
    required_scope = "npc"

    @extend_schema(request=ActionResultSerializer, responses=SettledSerializer)
    def post(self, request: Request, session_id: UUID, action_id: UUID) -> Response:
        """Accept or reject a proposed action; only an accepted one is remembered. Sending it again changes nothing."""
        serializer = ActionResultSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        result = Result(action_id=action_id, **serializer.validated_data)
        return Response(settle_action(caller_of(request).tenant_id, session_id, result))


class ReplayDifferenceSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    logged = serializers.JSONField()
    replayed = serializers.JSONField()


class ReplaySerializer(serializers.Serializer[Any]):
    identical = serializers.BooleanField()
    differences = ReplayDifferenceSerializer(many=True)


class ReplayRequestSerializer(serializers.Serializer[Any]):
    """`world_version`: replay as if the play had been in this version of its world."""

    world_version = serializers.IntegerField(min_value=1, required=False, allow_null=True, default=None)


class ReplayView(APIView):
    required_scope = "npc"

    @extend_schema(request=ReplayRequestSerializer, responses=ReplaySerializer)
    def post(self, request: Request, session_id: UUID, turn_id: UUID) -> Response:
        """Do all but the model's part of a turn again, from the log. Changes nothing."""
        serializer = ReplayRequestSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(replay_turn(caller_of(request).tenant_id, session_id, turn_id, **serializer.validated_data))
