"""The result of a question as a file or a picture, and its chart as somebody chose it."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_question
from analytics.models import Question
from analytics.results.cells import columns_from
from analytics.results.charts import KINDS, chart_of
from analytics.results.drawing import THEMES, draw
from analytics.results.exports import csv_of, xlsx_of
from tenants.errors import Conflict, NotFound
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.scope import tenant_scope
from tenants.serializing import NullsLeftOut

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A picture opened by itself is a document: nothing in it may run or be fetched.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
LONGEST_NAME = 60


class NoResult(Conflict):
    """The question has none yet, or ended without."""


class ChartChoiceSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """Names of columns of the result. Several `y` become series, and then there is no other."""

    kind = serializers.ChoiceField(choices=KINDS)
    x = serializers.CharField(max_length=200, trim_whitespace=False, allow_blank=True)
    y = serializers.ListField(child=serializers.CharField(max_length=200, trim_whitespace=False), max_length=10)
    series = serializers.CharField(max_length=200, required=False, trim_whitespace=False)


class ChartChangeSerializer(ChartChoiceSerializer):
    kind = serializers.ChoiceField(choices=[*KINDS, "none"])
    x = serializers.CharField(max_length=200, required=False, trim_whitespace=False, allow_blank=True, default="")
    y = serializers.ListField(
        child=serializers.CharField(max_length=200, trim_whitespace=False), max_length=10, required=False, default=list
    )


class ChartSerializer(serializers.Serializer[Any]):
    chart = serializers.JSONField(allow_null=True, help_text="A Vega-Lite v6 specification with its data.")


class PictureSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """Without `kind` the question's own chart is drawn. `y` may be there several times."""

    theme = serializers.ChoiceField(choices=THEMES, required=False, default="light")
    kind = serializers.ChoiceField(choices=KINDS, required=False)
    x = serializers.CharField(max_length=200, required=False, trim_whitespace=False, allow_blank=True, default="")
    y = serializers.CharField(max_length=200, required=False, trim_whitespace=False)
    series = serializers.CharField(max_length=200, required=False, trim_whitespace=False)


class ResultCsv(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses={(200, CSV): OpenApiTypes.BINARY})
    def get(self, request: Request, question_id: UUID) -> HttpResponse:
        """The rows as CSV in UTF-8 with a BOM. Text that spreadsheets would run has an apostrophe in front."""
        question = _ready(request, question_id)
        return _file(question, csv_of(columns_from(question.columns), question.rows), CSV, "csv")


class ResultXlsx(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses={(200, XLSX): OpenApiTypes.BINARY})
    def get(self, request: Request, question_id: UUID) -> HttpResponse:
        """The rows as a sheet: numbers and dates as such, numbers of more than 15 digits as text, no formulas."""
        question = _ready(request, question_id)
        columns = columns_from(question.columns)
        return _file(question, xlsx_of(columns, question.rows, sheet=question.question), XLSX, "xlsx")


class Picture(APIView):
    """Drawn outside of the transaction: it may take a second."""

    required_scope = Scope.ANALYTICS
    enters_scope_itself = True
    format: ClassVar[Any]
    content_type: ClassVar[str]

    def picture(self, request: Request, question_id: UUID) -> HttpResponse:
        asked = _checked(PictureSerializer, request.query_params.dict())
        with tenant_scope(caller_of(request).tenant_id):
            question = _ready(request, question_id)
        chart = question.chart
        if "kind" in asked:
            chart = _chart(question, {**asked, "y": request.query_params.getlist("y")})
        if chart is None:
            raise NotFound(_("This result has no chart of its own; choose one."))
        response = HttpResponse(draw(chart, theme=asked["theme"], format=self.format), content_type=self.content_type)
        response["Content-Security-Policy"] = PICTURE_POLICY
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, max-age=60"
        return response


class ChartSvg(Picture):
    format = "svg"
    content_type = "image/svg+xml"

    @extend_schema(parameters=[PictureSerializer], responses={(200, "image/svg+xml"): OpenApiTypes.BINARY})
    def get(self, request: Request, question_id: UUID) -> HttpResponse:
        """The chart as a picture, of the kind and columns that are named, else of those chosen by rule."""
        return self.picture(request, question_id)


class ChartPng(Picture):
    format = "png"
    content_type = "image/png"

    @extend_schema(parameters=[PictureSerializer], responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, question_id: UUID) -> HttpResponse:
        """The same as PNG, on a ground of its own."""
        return self.picture(request, question_id)


class ChartChange(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=ChartChangeSerializer, responses=OpenApiResponse(ChartSerializer))
    def post(self, request: Request, question_id: UUID) -> Response:
        """Choose the chart that the question shows from now on; `kind` "none" for none."""
        choice = _checked(ChartChangeSerializer, request.data)
        question = _ready(request, question_id)
        question.chart = None if choice["kind"] == "none" else _chart(question, choice)
        question.save(update_fields=["chart"])
        return Response({"chart": question.chart})


def _chart(question: Question, choice: dict[str, Any]) -> dict[str, Any]:
    return chart_of(
        columns_from(question.columns),
        question.rows,
        question.language,
        kind=choice["kind"],
        x=choice["x"],
        y=choice["y"],
        series=choice.get("series"),
    )


def _ready(request: Request, question_id: UUID) -> Question:
    question = access_question(caller_of(request).tenant_id, question_id)
    if question.status != Question.Status.READY:
        raise NoResult(_("This question has no result."))
    return question


def _file(question: Question, content: Any, content_type: str, ending: str) -> HttpResponse:
    """Named as the question; where it is not all of the result, the header says so."""
    response = HttpResponse(content, content_type=content_type)
    name = " ".join(question.question.split())[:LONGEST_NAME].replace("/", "-") or "result"
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.{ending}")
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    if question.truncated:
        response["X-Result-Truncated"] = "true"
    return response


def _checked(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
