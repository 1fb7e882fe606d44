"""`/api/v1/webhooks/`: endpoints, their secrets, and what became of what they were told."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.models import Scope
from tenants.rest import caller_of
from tenants.serializing import NullsLeftOut
from webhooks.access import access_delivery, access_endpoint
from webhooks.endpoints import (
    MAX_URL_CHARACTERS,
    change_endpoint,
    create_endpoint,
    resend,
    resend_failed,
    rotate_secret,
    send_test,
)
from webhooks.models import Delivery, Endpoint, EventType


class WebhookSerializer(serializers.ModelSerializer[Endpoint]):
    """`event_types` empty: all. `enabled` false: `disabled_reason` says why."""

    enabled = serializers.BooleanField(source="is_enabled")

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "url",
            "description",
            "event_types",
            "enabled",
            "disabled_reason",
            "failing_since",
            "created_at",
        ]


class WebhookWithSecretSerializer(WebhookSerializer):
    """The only answers that hold the secret."""

    secret = serializers.CharField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class ChangeWebhookSerializer(NullsLeftOut, serializers.Serializer[Any]):
    url = serializers.CharField(max_length=MAX_URL_CHARACTERS, required=False)
    description = serializers.CharField(max_length=200, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=EventType.choices), max_length=50, required=False, help_text="Empty: all."
    )
    enabled = serializers.BooleanField(required=False)


class NewWebhookSerializer(ChangeWebhookSerializer):
    url = serializers.CharField(max_length=MAX_URL_CHARACTERS)


class AttemptSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    status = serializers.IntegerField(allow_null=True, help_text="null: nothing answered")
    duration_ms = serializers.IntegerField()
    error = serializers.CharField(help_text="timeout, unreachable, forbidden, invalid, secret_unreadable, or empty")
    body = serializers.CharField(help_text="the first characters of what came back")


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = [
            "id", "event_id", "type", "data", "occurred_at", "status", "attempt_count", "attempts", "response_status",
            "next_try_at", "delivered_at",
        ]  # fmt: skip


class DeliveriesAskedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Delivery.Status.choices, required=False)
    type = serializers.CharField(max_length=40, required=False)


class ResendSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(help_text="Events from then on that did not arrive.")


class ResentSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class WebhookList(GenericAPIView[Endpoint]):
    required_scope = Scope.MANAGE
    serializer_class = WebhookSerializer
    queryset = Endpoint.objects.none()

    def get(self, request: Request) -> Response:
        """All of the tenant's, newest first."""
        endpoints = Endpoint.objects.for_tenant(caller_of(request).tenant_id)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(endpoints), many=True).data)

    @extend_schema(request=NewWebhookSerializer, responses={201: WebhookWithSecretSerializer})
    def post(self, request: Request) -> Response:
        """An address that is to be told. Its secret is in this answer, and not shown again."""
        told = _checked(NewWebhookSerializer, request.data)
        endpoint = create_endpoint(
            url=told["url"],
            event_types=told.get("event_types", []),
            description=told.get("description", ""),
            is_enabled=told.get("enabled", True),
        )
        return Response(WebhookWithSecretSerializer(endpoint).data, status=201)


class WebhookDetail(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Where it leads and how it fares."""
        return Response(WebhookSerializer(_endpoint(request, webhook_id)).data)

    @extend_schema(request=ChangeWebhookSerializer, responses=WebhookSerializer)
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change it; or switch it off and on: what waits is kept meanwhile, what happens meanwhile is not told."""
        told = _checked(ChangeWebhookSerializer, request.data)
        endpoint = _endpoint(request, webhook_id)
        change_endpoint(
            endpoint,
            url=told.get("url"),
            description=told.get("description"),
            event_types=told.get("event_types"),
            is_enabled=told.get("enabled"),
        )
        return Response(WebhookSerializer(endpoint).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """With what waits for it, and its log."""
        _endpoint(request, webhook_id).delete()
        return Response(status=204)


class WebhookRotate(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(request=None, responses=WebhookWithSecretSerializer)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """A new secret, shown in this answer alone. For 24 hours both sign."""
        endpoint = _endpoint(request, webhook_id)
        rotate_secret(endpoint)
        return Response(WebhookWithSecretSerializer(endpoint).data)


class WebhookTest(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send it a `webhook.test`, whatever it listens to."""
        return Response(DeliverySerializer(send_test(_endpoint(request, webhook_id))).data, status=202)


class WebhookResend(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(request=ResendSerializer, responses={202: ResentSerializer})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send all again that did not arrive since then, under their own ids."""
        since = _checked(ResendSerializer, request.data)["since"]
        return Response({"count": resend_failed(_endpoint(request, webhook_id), since=since)}, status=202)


class DeliveryList(GenericAPIView[Delivery]):
    required_scope = Scope.MANAGE
    serializer_class = DeliverySerializer
    queryset = Delivery.objects.none()

    @extend_schema(parameters=[DeliveriesAskedSerializer])
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """What it was told in the last 30 days, newest first."""
        asked = _checked(DeliveriesAskedSerializer, request.query_params.dict())
        deliveries = _endpoint(request, webhook_id).deliveries.filter(**asked)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(deliveries), many=True).data)


class DeliveryDetail(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(responses=DeliverySerializer)
    def get(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """One event, and each try to tell it."""
        return Response(DeliverySerializer(access_delivery(_endpoint(request, webhook_id), delivery_id)).data)


class DeliveryResend(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send it once more, whatever became of it."""
        delivery = access_delivery(_endpoint(request, webhook_id), delivery_id)
        return Response(DeliverySerializer(resend(delivery)).data, status=202)


def _endpoint(request: Request, webhook_id: UUID) -> Endpoint:
    return access_endpoint(caller_of(request).tenant_id, webhook_id)


def _checked(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
