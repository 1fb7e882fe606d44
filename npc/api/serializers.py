"""Shapes of bodies and answers. They give size and type; what the world says is checked by the services."""

from typing import Any

from rest_framework import serializers

from npc.models import GameSession, LogEntry, Save
from npc.sessions.opening import SEED_BITS
from tenants.serializing import NullsLeftOut


class PlayerField(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.CharField(max_length=190)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    scene = serializers.CharField(max_length=64, required=False, allow_null=True)


class OpenRequestSerializer(serializers.Serializer[Any]):
    world = serializers.CharField(max_length=100)
    player = PlayerField()
    state = serializers.DictField(required=False, allow_null=True)
    seed = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**SEED_BITS - 1)
    save = serializers.UUIDField(required=False, allow_null=True)  # type: ignore[assignment]


class StateSerializer(serializers.Serializer[Any]):
    state_version = serializers.IntegerField()
    state = serializers.DictField()


class OpenedSerializer(StateSerializer):
    id = serializers.UUIDField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    websocket_url = serializers.CharField()
    branch_id = serializers.UUIDField()


class SessionPlayerField(serializers.Serializer[Any]):
    id = serializers.CharField(source="player_id")
    name = serializers.CharField(source="player_name")


class GameSessionSerializer(serializers.ModelSerializer[GameSession]):
    world = serializers.CharField(source="world.slug")
    version = serializers.IntegerField(source="version.number")
    player = SessionPlayerField(source="*")
    branch_id = serializers.UUIDField(source="live_id")

    class Meta:
        model = GameSession
        fields = ["id", "world", "version", "player", "seed", "branch_id", "opened_at"]


class EventRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    type = serializers.RegexField(r"^\w[\w.\-]*$", max_length=64)
    text = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    # `data` is a word of a serializer's own.
    scene = serializers.CharField(max_length=64, required=False, allow_null=True)
    witnesses = serializers.ListField(
        child=serializers.CharField(max_length=190), required=False, allow_null=True, max_length=500
    )
    moves = serializers.DictField(child=serializers.CharField(max_length=64, allow_null=True), required=False)
    game_time = serializers.FloatField(required=False, allow_null=True, min_value=-1e15, max_value=1e15)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "data": serializers.DictField(required=False)}


class EventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class SaveRequestSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**53)


class SaveSerializer(serializers.ModelSerializer[Save]):
    bytes = serializers.IntegerField(source="size_bytes")

    class Meta:
        model = Save
        fields = ["id", "seq", "bytes", "saved_at"]


class LogEntrySerializer(serializers.ModelSerializer[LogEntry]):
    class Meta:
        model = LogEntry
        fields = ["seq", "kind", "subject", "data", "game_time", "at"]

    # `data` is a word of a serializer's own.
    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "data": serializers.DictField()}
