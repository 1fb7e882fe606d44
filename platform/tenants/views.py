from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.rest import caller_of


class MeTenantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slug = serializers.SlugField()
    name = serializers.CharField()


class MeKeySerializer(serializers.Serializer[Any]):
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)


class MeSerializer(serializers.Serializer[Any]):
    tenant = MeTenantSerializer()
    key = MeKeySerializer()


class MeView(APIView):
    """Whose key this is and what it may do."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        caller = caller_of(request)
        return Response(
            {
                "tenant": {"id": caller.tenant_id, "slug": caller.tenant_slug, "name": caller.tenant_name},
                "key": {
                    "prefix": caller.key_prefix,
                    "scopes": sorted(caller.scopes),
                    "expires_at": caller.expires_at,
                },
            }
        )
