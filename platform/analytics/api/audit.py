"""Every statement that ran or was refused, for those who answer for the data."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.models import Dataset, Question, SqlRun
from tenants.models import ApiKey, Member, Scope
from tenants.rest import caller_of
from tenants.serializing import NullsLeftOut


class RunsAskedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    dataset = serializers.UUIDField(required=False)


class WhoRanSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["member", "key", "end_user", "operator"])
    id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(help_text="an email address or a key's prefix; empty once they are gone")


class SqlRunSerializer(serializers.ModelSerializer[SqlRun]):
    """In a list, with the names of what the ids mean in `context["names"]`."""

    dataset = serializers.UUIDField(source="dataset_id")
    question_id = serializers.UUIDField(allow_null=True)
    dataset_name = serializers.SerializerMethodField()
    question = serializers.SerializerMethodField()
    who = serializers.SerializerMethodField()

    class Meta:
        model = SqlRun
        fields = [
            "id", "dataset", "dataset_name", "question_id", "question", "origin", "sql_given", "sql_run", "verdict",
            "rows", "elapsed_ms", "plan_cost", "who", "at",
        ]  # fmt: skip

    def get_dataset_name(self, run: SqlRun) -> str:
        return self._name(run.dataset_id)

    def get_question(self, run: SqlRun) -> str:
        return self._name(run.question_id)

    @extend_schema_field(WhoRanSerializer)
    def get_who(self, run: SqlRun) -> dict[str, Any]:
        for kind, who_id in (("member", run.member_id), ("key", run.key_id), ("end_user", run.end_user_id)):
            if who_id is not None:
                return {"kind": kind, "id": str(who_id), "name": self._name(who_id)}
        return {"kind": "operator", "id": None, "name": ""}

    def _name(self, row_id: UUID | None) -> str:
        return str(self.context["names"].get(row_id, ""))


class RunList(GenericAPIView[SqlRun]):
    required_scope = Scope.MANAGE
    serializer_class = SqlRunSerializer
    queryset = SqlRun.objects.none()

    @extend_schema(parameters=[RunsAskedSerializer])
    def get(self, request: Request) -> Response:
        """What ran or was refused, newest first."""
        asked = RunsAskedSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        runs = SqlRun.objects.for_tenant(caller_of(request).tenant_id)
        if dataset_id := asked.validated_data.get("dataset"):
            runs = runs.filter(dataset_id=dataset_id)
        page = self.paginate_queryset(runs) or []
        serializer = SqlRunSerializer(page, many=True, context={"names": _names(page)})
        return self.get_paginated_response(serializer.data)


def _names(runs: Iterable[SqlRun]) -> dict[UUID, str]:
    """What the ids in these runs are called, by one query for each kind of row."""
    ids = {field: {getattr(run, field) for run in runs} - {None} for field in _NAMED}
    names: dict[UUID, str] = {}
    for field, (model, called) in _NAMED.items():
        names.update(model.objects.filter(pk__in=ids[field]).values_list("pk", called))
    return names


_NAMED: dict[str, tuple[Any, str]] = {
    "dataset_id": (Dataset, "name"),
    "question_id": (Question, "question"),
    "member_id": (Member, "user__email"),
    "key_id": (ApiKey, "prefix"),
}
