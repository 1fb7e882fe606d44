"""Budgets over REST."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from llm.budgets import Rung, open_budget, standing_of
from llm.models import Budget
from tenants.access import access_row
from tenants.errors import Conflict
from tenants.rest import CursorPages, caller_of

FIXED = _("Whose a budget is, and its currency, cannot be changed; make another one.")


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    """`spent`, `reserved`, `percent` and `rung` are this month's, in UTC."""

    amount = serializers.DecimalField(18, 9, min_value=Decimal(0), coerce_to_string=False, normalize_output=True)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", default="USD")
    spent = serializers.SerializerMethodField()
    reserved = serializers.SerializerMethodField()
    percent = serializers.SerializerMethodField()
    rung = serializers.SerializerMethodField()

    class Meta:
        model = Budget
        fields = [
            "id", "of", "subject_id", "amount", "currency", "warn_at", "cheaper_at", "cheaper_route", "at_end",
            "text_en", "text_zh", "spent", "reserved", "percent", "rung",
        ]  # fmt: skip
        validators: list[Any] = []

    def get_spent(self, budget: Budget) -> float:
        return float(standing_of(budget).spent)

    def get_reserved(self, budget: Budget) -> float:
        return float(standing_of(budget).reserved)

    def get_percent(self, budget: Budget) -> float:
        return round(float(standing_of(budget).percent), 1)

    @extend_schema_field(serializers.ChoiceField(choices=Rung.values))
    def get_rung(self, budget: Budget) -> str:
        return standing_of(budget).rung.value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = self.instance or Budget()
        whole = {name: attrs.get(name, getattr(now, name)) for name in ("of", "subject_id", "warn_at", "cheaper_at")}
        wrong = Budget(**whole).what_is_wrong()
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class BudgetList(GenericAPIView[Budget]):
    required_scope = "manage"
    serializer_class = BudgetSerializer
    pagination_class = CursorPages

    def get(self, request: Request) -> Response:
        """The tenant's budgets and how they stand, newest first."""
        page = self.paginate_queryset(Budget.objects.for_tenant(caller_of(request).tenant_id).order_by())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request) -> Response:
        """Say what may be spent in a month. What was spent in this one is counted."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        budget = open_budget(Budget(**serializer.validated_data))
        return Response(self.get_serializer(budget).data, status=201)


class BudgetDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses=BudgetSerializer)
    def get(self, request: Request, budget_id: UUID) -> Response:
        """A budget and how it stands."""
        return Response(BudgetSerializer(access_budget(caller_of(request).tenant_id, budget_id)).data)

    @extend_schema(request=BudgetSerializer, responses=BudgetSerializer)
    def patch(self, request: Request, budget_id: UUID) -> Response:
        """Change what may be spent, and what happens on the way down; whose it is and its currency stay."""
        budget = access_budget(caller_of(request).tenant_id, budget_id)
        serializer = BudgetSerializer(budget, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        for name, value in serializer.validated_data.items():
            if name in ("of", "subject_id", "currency") and value != getattr(budget, name):
                raise Conflict(FIXED)
            setattr(budget, name, value)
        # Not the counters, which turns change meanwhile.
        budget.save(update_fields=list(serializer.validated_data))
        return Response(BudgetSerializer(budget).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, budget_id: UUID) -> Response:
        """Spend without this limit. The ledger stays."""
        access_budget(caller_of(request).tenant_id, budget_id).delete()
        return Response(status=204)


def access_budget(tenant_id: UUID, budget_id: UUID) -> Budget:
    """Raises NotFound, for a neighbour's as for none."""
    return access_row(Budget, tenant_id, pk=budget_id)
