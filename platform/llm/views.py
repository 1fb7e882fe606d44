from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llm.budget_views import BudgetSerializer
from llm.models import Budget
from llm.usage import GROUPINGS, usage_by
from tenants.rest import caller_of

DEFAULT_SPAN = timedelta(days=30)
# Outside of them dates can no longer be reckoned with, in Python or in PostgreSQL.
YEARS = range(2000, 3000)


class MomentField(serializers.Field[datetime, str, str, Any]):
    """A date, which means its first moment in UTC, or a time with its zone."""

    def to_internal_value(self, data: str) -> datetime:
        try:
            moment = datetime.fromisoformat(data)
        except ValueError:
            raise serializers.ValidationError(_("This must be a date or an RFC 3339 time.")) from None
        if moment.year not in YEARS:
            raise serializers.ValidationError(_("There is nothing recorded of that year."))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def to_representation(self, value: datetime) -> str:
        return value.isoformat()


class UsageQuerySerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=list(GROUPINGS), default="day")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's, so the two limits cannot be class attributes."""
        limits = {"from": MomentField(required=False), "to": MomentField(required=False)}
        return {**super().get_fields(), **limits}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end = attrs.get("to") or timezone.now()
        start = attrs.get("from") or _midnight(end - DEFAULT_SPAN)
        if start >= end:
            raise serializers.ValidationError({"from": _("This must come before «to».")})
        return {"by": attrs["by"], "from": start, "to": end}


class UsageRowSerializer(serializers.Serializer[Any]):
    group = serializers.CharField(allow_null=True, help_text="id, name or date; null: not known")
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField(help_text="part of input_tokens")
    cost = serializers.FloatField()
    currency = serializers.CharField()
    calls = serializers.IntegerField()
    turns = serializers.IntegerField()


class UsageSerializer(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=list(GROUPINGS))
    results = UsageRowSerializer(many=True)
    budgets = BudgetSerializer(many=True, help_text="how the tenant's budgets stand in this month")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        limits = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**super().get_fields(), **limits}


class UsageView(APIView):
    """What the tenant's personas used."""

    required_scope = "manage"

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.STR, description="date or time; 30 days before `to` if absent"),
            OpenApiParameter("to", OpenApiTypes.STR, description="date or time, exclusive; now if absent"),
            OpenApiParameter("by", OpenApiTypes.STR, enum=list(GROUPINGS), default="day"),
        ],
        responses=UsageSerializer,
    )
    def get(self, request: Request) -> Response:
        query = UsageQuerySerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        by, start, end = (query.validated_data[name] for name in ("by", "from", "to"))
        answer = {"by": by, "from": start, "to": end, "results": usage_by(by, start=start, end=end)}
        answer["budgets"] = Budget.objects.for_tenant(caller_of(request).tenant_id)
        return Response(UsageSerializer(answer).data)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), moment.tzinfo)
