"""Rate limits over REST."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access import access_row
from tenants.errors import Conflict
from tenants.limits.policies import exceeds_default, forget_limits
from tenants.models import RateLimit
from tenants.rest import CursorPages, caller_of


class RateLimitSerializer(serializers.ModelSerializer[RateLimit]):
    class Meta:
        model = RateLimit
        fields = ["id", "of", "subject_id", "limit", "window_s"]
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = self.instance or RateLimit()
        whole = RateLimit(**{name: attrs.get(name, getattr(now, name)) for name in self.Meta.fields[1:]})
        if wrong := whole.what_is_wrong():
            raise serializers.ValidationError(wrong)
        if exceeds_default(whole):
            raise serializers.ValidationError({"limit": _("This is more than a tenant may give itself.")})
        return attrs


class RateLimitList(GenericAPIView[RateLimit]):
    required_scope = "manage"
    serializer_class = RateLimitSerializer
    pagination_class = CursorPages

    def get(self, request: Request) -> Response:
        """Limits that the tenant has chosen itself, newest first."""
        page = self.paginate_queryset(RateLimit.objects.for_tenant(caller_of(request).tenant_id).order_by())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        """Choose a limit. `subject_id` is one key or persona; without it the limit is that of each of them."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                chosen = RateLimit.objects.create(**serializer.validated_data)
        except IntegrityError:
            raise Conflict(_("There is such a limit already; change that one.")) from None
        _forget(request)
        return Response(self.get_serializer(chosen).data, status=201)


class RateLimitDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses=RateLimitSerializer)
    def get(self, request: Request, limit_id: UUID) -> Response:
        """One limit."""
        return Response(RateLimitSerializer(self._found(request, limit_id)).data)

    @extend_schema(request=RateLimitSerializer, responses=RateLimitSerializer)
    def patch(self, request: Request, limit_id: UUID) -> Response:
        """Change how many there may be, and in which time."""
        chosen = self._found(request, limit_id)
        serializer = RateLimitSerializer(chosen, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        for name, value in serializer.validated_data.items():
            if name in ("of", "subject_id") and value != getattr(chosen, name):
                raise Conflict(_("What a limit is of cannot be changed; make another one."))
            setattr(chosen, name, value)
        chosen.save()
        _forget(request)
        return Response(RateLimitSerializer(chosen).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, limit_id: UUID) -> Response:
        """Go back to the limit that everybody has."""
        self._found(request, limit_id).delete()
        _forget(request)
        return Response(status=204)

    def _found(self, request: Request, limit_id: UUID) -> RateLimit:
        return access_row(RateLimit, caller_of(request).tenant_id, pk=limit_id)


def _forget(request: Request) -> None:
    tenant_id = caller_of(request).tenant_id
    transaction.on_commit(lambda: forget_limits(tenant_id))
