"""Laying a session ready before its player speaks."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework import serializers

from npc.turns.warming import warm
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller


class WarmRequestSerializer(serializers.Serializer[Any]):
    """`characters`: who will be spoken to; without it, those where the player is."""

    characters = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_null=True, max_length=500, default=None
    )


class WarmedSerializer(serializers.Serializer[Any]):
    """For whom all is laid ready, how many facts and memories they have at hand, and which models read meanwhile."""

    characters = serializers.ListField(child=serializers.CharField())
    facts = serializers.IntegerField()
    memories = serializers.IntegerField()
    models = serializers.ListField(child=serializers.CharField())


@for_callers("npc", "POST")
async def warm_view(request: HttpRequest, caller: Caller, session_id: UUID) -> HttpResponseBase:
    """Load world, vectors and prompts; 200 at once, while models go on reading."""
    asked = validated(WarmRequestSerializer, json_body(request))
    return JsonResponse(await warm(caller.tenant_id, session_id, asked["characters"], api_key_id=caller.key_id))
