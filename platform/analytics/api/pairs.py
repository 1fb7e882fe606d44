"""Verified questions of a dataset: examples for a model, and answers where there is none."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset, access_pair
from analytics.api.glossary import may_approve
from analytics.meaning.pairs import add_pair, change_pair, remove_pair
from analytics.models import Approval, VerifiedPair
from tenants.errors import NotFound, ScopeMissing
from tenants.models import Scope
from tenants.rest import caller_of
from tenants.serializing import NullsLeftOut


class PairSerializer(serializers.ModelSerializer[VerifiedPair]):
    class Meta:
        model = VerifiedPair
        fields = ["id", "question", "sql", "language", "status", "origin", "created_at"]


class PairAddSerializer(NullsLeftOut, serializers.Serializer[Any]):
    question = serializers.CharField(max_length=10_000)
    sql = serializers.CharField(max_length=100_000, trim_whitespace=False)
    status = serializers.ChoiceField(Approval.choices, required=False, help_text="Approved, if the key may manage.")


class PairChangeSerializer(NullsLeftOut, serializers.Serializer[Any]):
    question = serializers.CharField(max_length=10_000, required=False)
    sql = serializers.CharField(max_length=100_000, trim_whitespace=False, required=False)
    status = serializers.ChoiceField(Approval.choices, required=False)


class PairsAskedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    status = serializers.ChoiceField(Approval.choices, required=False)


class PairList(GenericAPIView[VerifiedPair]):
    required_scope = Scope.ANALYTICS
    serializer_class = PairSerializer

    @extend_schema(parameters=[PairsAskedSerializer])
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Verified questions, newest first; those that nobody has approved yet among them."""
        dataset = access_dataset(caller_of(request).tenant_id, dataset_id)
        wanted = _checked(PairsAskedSerializer, request.query_params.dict())
        pairs = VerifiedPair.objects.for_tenant(dataset.tenant_id).filter(dataset=dataset, **wanted)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(pairs), many=True).data)

    @extend_schema(request=PairAddSerializer, responses={201: PairSerializer})
    def post(self, request: Request, dataset_id: UUID) -> Response:
        """A question with the SQL that answers it. 422 `sql_rejected` for what may not run."""
        caller = caller_of(request)
        dataset = access_dataset(caller.tenant_id, dataset_id)
        asked = _checked(PairAddSerializer, request.data)
        usual = Approval.APPROVED if may_approve(request) else Approval.PROPOSED
        pair = add_pair(
            dataset,
            question=asked["question"],
            sql=asked["sql"],
            status=_allowed(request, asked.get("status", usual)),
            asked_by_id=caller.member_id,
        )
        return Response(PairSerializer(pair).data, status=201)


class PairDetail(APIView):
    required_scope = Scope.ANALYTICS

    @extend_schema(responses=PairSerializer)
    def get(self, request: Request, dataset_id: UUID, pair_id: UUID) -> Response:
        return Response(PairSerializer(_pair(request, dataset_id, pair_id)).data)

    @extend_schema(request=PairChangeSerializer, responses=PairSerializer)
    def patch(self, request: Request, dataset_id: UUID, pair_id: UUID) -> Response:
        """Change the question or its SQL, or approve it."""
        pair = _pair(request, dataset_id, pair_id)
        asked = _checked(PairChangeSerializer, request.data)
        _allowed(request, asked.get("status", pair.status))
        change_pair(pair, **asked)
        return Response(PairSerializer(pair).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, dataset_id: UUID, pair_id: UUID) -> Response:
        """Take it away: no later question is answered by it."""
        pair = _pair(request, dataset_id, pair_id)
        _allowed(request, pair.status)
        remove_pair(pair)
        return Response(status=204)


def _pair(request: Request, dataset_id: UUID, pair_id: UUID) -> VerifiedPair:
    pair = access_pair(caller_of(request).tenant_id, pair_id)
    if pair.dataset_id != dataset_id:
        raise NotFound
    return pair


def _allowed(request: Request, status: str) -> str:
    """Whatever is approved needs one who answers for the data. Raises ScopeMissing."""
    if status == Approval.APPROVED and not may_approve(request):
        raise ScopeMissing
    return status


def _checked(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
