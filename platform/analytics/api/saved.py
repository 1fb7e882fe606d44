"""Saved questions: kept for everybody in the tenant, run again with other values."""

from typing import Any
from uuid import UUID

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset, access_saved_question
from analytics.api.questions import QuestionSerializer
from analytics.api.results import ChartChoiceSerializer
from analytics.api.runs import SqlField
from analytics.asker import Asker
from analytics.models import SavedQuestion
from analytics.results.parameters import (
    MAX_CHOICES,
    MAX_PARAMETERS,
    MAX_TEXT,
    NAME,
    TYPES,
    Parameter,
    literals_of,
)
from analytics.results.saving import parameters_of, run_saved, save_question, write_sql
from tenants.errors import Invalid
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.scope import tenant_scope
from tenants.serializing import NullsLeftOut


class ValueField(serializers.JSONField):
    """A text, a number, or a date as a text."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, str | int | float) or len(str(data)) > MAX_TEXT:
            raise serializers.ValidationError(_("Give a text or a number."))
        return data


class ParameterSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """`name` stands in the SQL as `:name`, or takes the place of the literals that are its `value`."""

    name = serializers.RegexField(NAME, max_length=63)
    label = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")  # type: ignore[assignment]
    type = serializers.ChoiceField(choices=TYPES)
    value = ValueField(help_text="Taken where a run names none.")
    choices = serializers.ListField(child=ValueField(), max_length=MAX_CHOICES, required=False)


class SavedQuestionSerializer(serializers.ModelSerializer[SavedQuestion]):
    dataset = serializers.UUIDField(source="dataset_id")
    parameters = ParameterSerializer(many=True)
    chart = serializers.SerializerMethodField()
    created_by = serializers.UUIDField(source="created_by_id", allow_null=True)

    class Meta:
        model = SavedQuestion
        fields = [
            "id", "dataset", "name", "question", "sql", "parameters", "chart", "created_by", "created_at", "updated_at",
        ]  # fmt: skip

    @extend_schema_field(ChartChoiceSerializer(allow_null=True))
    def get_chart(self, saved: SavedQuestion) -> dict[str, Any] | None:
        return saved.chart


class SaveSerializer(NullsLeftOut, serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    question = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    sql = SqlField()
    parameters = ParameterSerializer(many=True, required=False, max_length=MAX_PARAMETERS)  # type: ignore[call-arg]
    chart = ChartChoiceSerializer(required=False)


class SaveNewSerializer(SaveSerializer):
    dataset = serializers.UUIDField()


class ChangeSavedSerializer(SaveSerializer):
    """What is left out stays; `chart` null: the one by rule."""

    name = serializers.CharField(max_length=200, required=False)
    sql = SqlField(required=False)


class RunSavedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    parameters = serializers.DictField(child=ValueField(), required=False, default=dict)


class LiteralSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    type = serializers.ChoiceField(choices=["text", "number", "date"])
    column = serializers.CharField(help_text="What it is compared with, or empty.")


class LiteralsSerializer(serializers.Serializer[Any]):
    literals = LiteralSerializer(many=True)


class SqlSerializer(serializers.Serializer[Any]):
    sql = SqlField()


class SavedAskedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    dataset = serializers.UUIDField(required=False)


class SavedList(GenericAPIView[SavedQuestion]):
    required_scope = Scope.ANALYTICS
    serializer_class = SavedQuestionSerializer
    queryset = SavedQuestion.objects.none()

    @extend_schema(parameters=[SavedAskedSerializer])
    def get(self, request: Request) -> Response:
        """All of the tenant's, newest first."""
        asked = _checked(SavedAskedSerializer, request.query_params.dict())
        saved = SavedQuestion.objects.for_tenant(caller_of(request).tenant_id)
        if "dataset" in asked:
            saved = saved.filter(dataset_id=asked["dataset"])
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(saved), many=True).data)

    @extend_schema(request=SaveNewSerializer, responses={201: SavedQuestionSerializer})
    def post(self, request: Request) -> Response:
        """Keep a question with its SQL. What the gate refuses is not kept."""
        told = _checked(SaveNewSerializer, request.data)
        caller = caller_of(request)
        saved = save_question(
            dataset=access_dataset(caller.tenant_id, told["dataset"]),
            name=told["name"],
            question=told.get("question", ""),
            sql=told["sql"],
            parameters=_parameters(told.get("parameters", [])),
            chart=told.get("chart"),
            member_id=caller.member_id,
        )
        return Response(SavedQuestionSerializer(saved).data, status=201)


class SavedLiterals(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=SqlSerializer, responses=LiteralsSerializer)
    def post(self, request: Request) -> Response:
        """Which values in a statement may become parameters."""
        return Response({"literals": literals_of(_checked(SqlSerializer, request.data)["sql"])})


class SavedDetail(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses=SavedQuestionSerializer)
    def get(self, request: Request, saved_id: UUID) -> Response:
        return Response(SavedQuestionSerializer(_saved(request, saved_id)).data)

    @extend_schema(request=ChangeSavedSerializer, responses=SavedQuestionSerializer)
    def patch(self, request: Request, saved_id: UUID) -> Response:
        """Change its name, words, SQL, parameters or chart."""
        told = _checked(ChangeSavedSerializer, request.data)
        saved = _saved(request, saved_id)
        for field in ("name", "question"):
            setattr(saved, field, told.get(field, getattr(saved, field)))
        if "chart" in request.data:
            saved.chart = told.get("chart")
        parameters = _parameters(told["parameters"]) if "parameters" in told else parameters_of(saved)
        return Response(SavedQuestionSerializer(write_sql(saved, told.get("sql", saved.sql), parameters)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, saved_id: UUID) -> Response:
        _saved(request, saved_id).delete()
        return Response(status=204)


class SavedRun(APIView):
    required_scope = Scope.ANALYTICS
    # A query may take seconds, and what is refused is written down too.
    enters_scope_itself = True

    @extend_schema(request=RunSavedSerializer, responses={201: QuestionSerializer})
    def post(self, request: Request, saved_id: UUID) -> Response:
        """Run it with these values, or its own: a question that is `ready`, with all that one has."""
        given = _checked(RunSavedSerializer, request.data)["parameters"]
        caller = caller_of(request)
        with tenant_scope(caller.tenant_id):
            saved = access_saved_question(caller.tenant_id, saved_id)
            _dataset = saved.dataset  # read while it can be
        asker = Asker.of_caller(caller, "zh" if (get_language() or "").startswith("zh") else "en")
        question = run_saved(saved, given, asker)
        with tenant_scope(caller.tenant_id):
            return Response(QuestionSerializer(question).data, status=201)


def _saved(request: Request, saved_id: UUID) -> SavedQuestion:
    return access_saved_question(caller_of(request).tenant_id, saved_id)


def _parameters(told: list[dict[str, Any]]) -> list[Parameter]:
    parameters = [Parameter.of(each) for each in told]
    names = [parameter.name for parameter in parameters]
    if len(set(names)) < len(names):
        raise Invalid.field("parameters", _("Each parameter needs a name of its own."))
    for parameter in parameters:
        if parameter.type == "choice" and not parameter.choices:
            raise Invalid.field(f"parameters.{parameter.name}", _("Name the values to choose from."))
    return parameters


def _checked(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
