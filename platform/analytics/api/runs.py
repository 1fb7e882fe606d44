"""SQL written by hand: the same checks and limits as for what a model writes."""

from typing import Any

from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset
from analytics.asker import Asker
from analytics.models import SqlRun
from analytics.results.cells import to_rows
from analytics.running import run_sql
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.scope import tenant_scope


@extend_schema_field(OpenApiTypes.STR)
class SqlField(serializers.Field[Any, Any, Any, Any]):
    """Any text as it is: what is wrong with it, the gate says."""

    default_error_messages = {"invalid": serializers.CharField.default_error_messages["invalid"]}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)


ROWS = (
    "Cells by their columns' types. integer, decimal, float: a number where JavaScript keeps all of its digits, else "
    "a text of all of them, as NaN and Infinity are texts. date, time, timestamp: ISO 8601, in UTC where they have a "
    "zone; interval: ISO 8601 where it has no months; json: as it is; what there is not: null; all else: text."
)


@extend_schema_field({"type": "array", "items": {"type": "array", "items": {}}, "description": ROWS})
class RowsField(serializers.JSONField):
    """Kept as they are: there may be many."""


class RunSerializer(serializers.Serializer[Any]):
    sql = SqlField()


class ResultColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.CharField(
        help_text="integer decimal float text boolean date time timestamp interval json other",
    )


class ResultSerializer(serializers.Serializer[Any]):
    columns = ResultColumnSerializer(many=True)
    rows = RowsField()
    truncated = serializers.BooleanField()
    elapsed_ms = serializers.IntegerField()
    sql = serializers.CharField(help_text="What was run: the statement as the gate wrote it anew.")


class RunView(APIView):
    required_scope = Scope.ANALYTICS
    # A query may take seconds, and what is refused is written down too.
    enters_scope_itself = True

    @extend_schema(request=RunSerializer, responses=ResultSerializer)
    def post(self, request: Request, dataset_id: str) -> Response:
        """Run one statement on a dataset. 422 `sql_rejected` names the rule that refused it."""
        asked = RunSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        caller = caller_of(request)
        with tenant_scope(caller.tenant_id):
            dataset = access_dataset(caller.tenant_id, dataset_id)
        asker = Asker.of_caller(caller, "zh" if (get_language() or "").startswith("zh") else "en")
        result = run_sql(dataset, asked.validated_data["sql"], origin=SqlRun.Origin.WRITTEN, asker=asker)
        return Response(
            {
                "columns": [{"name": column.name, "type": column.type} for column in result.columns],
                "rows": to_rows(result.rows),
                "truncated": result.truncated,
                "elapsed_ms": result.elapsed_ms,
                "sql": result.sql,
            }
        )
