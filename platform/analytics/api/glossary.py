"""What a dataset's tables mean, as a part of the dataset: read with it, and changed by its PATCH."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset
from analytics.meaning.glossary import glossary_of
from analytics.meaning.suggesting import post_suggesting
from analytics.models import Approval, DatasetColumn
from tenants.errors import ScopeMissing
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.serializing import NullsLeftOut

MAX_CHANGES = 500
# Longer texts are cut, not refused: what is pasted from a manual should not fail.
MAX_TEXT = 20_000


class WordsSerializer(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.UUIDField()
    description = serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    synonyms = serializers.ListField(child=serializers.CharField(max_length=MAX_TEXT), required=False, max_length=100)
    dismiss_proposal = serializers.BooleanField(required=False, help_text="What a model proposes for it is not wanted.")


class TableChangeSerializer(WordsSerializer):
    is_hidden = serializers.BooleanField(required=False)


class ColumnChangeSerializer(WordsSerializer):
    samples_off = serializers.BooleanField(required=False)
    pii = serializers.ChoiceField(["", *DatasetColumn.Pii.values], required=False)


class MetricChangeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False, help_text="Left out for a new one.")
    name = serializers.CharField(required=False, max_length=200)
    table = serializers.CharField(required=False, max_length=63)
    sql = serializers.CharField(required=False, max_length=5_000, help_text="An expression over the table's columns.")
    description = serializers.CharField(required=False, allow_blank=True, max_length=MAX_TEXT)
    synonyms = serializers.ListField(child=serializers.CharField(max_length=MAX_TEXT), required=False, max_length=100)
    status = serializers.ChoiceField(Approval.choices, required=False)
    delete = serializers.BooleanField(required=False)


class PlaceSerializer(serializers.Serializer[Any]):
    table = serializers.CharField(max_length=63)
    column = serializers.CharField(max_length=63)


class JoinChangeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    id = serializers.UUIDField(required=False, help_text="Left out for a new one.")
    left = PlaceSerializer(required=False)
    right = PlaceSerializer(required=False)
    status = serializers.ChoiceField(Approval.choices, required=False)
    delete = serializers.BooleanField(required=False)


class GlossaryChangeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    """Only what is named changes. What a person writes counts at once; metrics and joins once they are approved."""

    tables = serializers.ListField(child=TableChangeSerializer(), required=False, max_length=MAX_CHANGES)
    columns = serializers.ListField(child=ColumnChangeSerializer(), required=False, max_length=MAX_CHANGES)
    metrics = serializers.ListField(child=MetricChangeSerializer(), required=False, max_length=MAX_CHANGES)
    joins = serializers.ListField(child=JoinChangeSerializer(), required=False, max_length=MAX_CHANGES)


class MetricSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    table = serializers.CharField()
    sql = serializers.CharField()
    description = serializers.CharField()
    synonyms = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(Approval.choices)


class JoinSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    left = PlaceSerializer()
    right = PlaceSerializer()
    status = serializers.ChoiceField(Approval.choices)


class ProposalSerializer(serializers.Serializer[Any]):
    """What a model proposes for a table or column: its PATCH takes it over, or dismisses it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(["table", "column"])
    name = serializers.CharField()
    description = serializers.CharField()
    synonyms = serializers.ListField(child=serializers.CharField())


class GlossarySerializer(serializers.Serializer[Any]):
    """Of `glossary_of`. Descriptions and synonyms stand with the tables and columns themselves."""

    metrics = MetricSerializer(many=True)
    joins = JoinSerializer(many=True)
    proposals = ProposalSerializer(many=True)


def may_approve(request: Any) -> bool:
    """Whoever answers for the data: a key to manage with, or a member who may edit."""
    return Scope.MANAGE in caller_of(request).scopes


class SuggestView(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(request=None, responses={202: GlossarySerializer})
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """Have the model propose what tables and columns mean: see `glossary.proposals`. 409 without a model."""
        dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
        if not may_approve(request):
            raise ScopeMissing
        post_suggesting(dataset)
        return Response(GlossarySerializer(glossary_of(dataset)).data, status=202)
