"""How long things are kept, what is kept of a person, and its erasure with a receipt."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.access import access_end_user
from chat.api.public import PublicView, in_keys_tenant
from chat.models import Erasure, RetentionPolicy
from chat.models.retention import LONGEST_DAYS
from chat.posting import storable
from chat.retention.erasing import ERASE, erase_person
from chat.retention.handing_out import export_of
from chat.retention.receipts import digest_of, is_genuine, receipt_of
from jobs.models import Job
from jobs.queueing import enqueue_again, queue_position
from personas.models import Persona
from tenants.access import access_row
from tenants.describing import problems
from tenants.errors import Conflict
from tenants.models import Scope
from tenants.rest import caller_of


class RetentionSerializer(serializers.ModelSerializer[RetentionPolicy]):
    """Days; null keeps for good."""

    conversations_days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, allow_null=True, required=False)
    traces_days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, allow_null=True, required=False)

    class Meta:
        model = RetentionPolicy
        fields = ["conversations_days", "traces_days"]


class RetentionView(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(responses={200: RetentionSerializer, **problems()})
    def get(self, request: Request) -> Response:
        """The tenant's policy."""
        return Response(RetentionSerializer(_policy(request) or RetentionPolicy()).data)

    @extend_schema(request=RetentionSerializer, responses={200: RetentionSerializer, **problems(422)})
    def patch(self, request: Request) -> Response:
        """Change it. What is too old by then goes within a day."""
        policy = _policy(request) or RetentionPolicy(tenant_id=caller_of(request).tenant_id)
        serializer = RetentionSerializer(policy, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save(looked_at=None)
        return Response(serializer.data)


def _policy(request: Request) -> RetentionPolicy | None:
    found: RetentionPolicy | None = RetentionPolicy.objects.for_tenant(caller_of(request).tenant_id).first()
    return found


class ErasureProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ErasureErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField()


class ReceiptSerializer(serializers.Serializer[Any]):
    """`is_genuine`: the receipt is as it was signed."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    person_digest = serializers.CharField()
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField()
    found = serializers.DictField(child=serializers.IntegerField())
    left = serializers.DictField(child=serializers.IntegerField())
    total_left = serializers.IntegerField()
    signature = serializers.CharField()
    is_genuine = serializers.BooleanField()


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    receipt = serializers.SerializerMethodField()

    class Meta:
        model = Erasure
        fields = ["id", "origin", "status", "progress", "queue", "error", "requested_at", "finished_at", "receipt"]

    @extend_schema_field(ErasureProgressSerializer)
    def get_progress(self, erasure: Erasure) -> dict[str, int]:
        """In conversations."""
        return {"done": erasure.done, "total": len(erasure.conversation_ids)}

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_queue(self, erasure: Erasure) -> dict[str, Any] | None:
        if erasure.status != Erasure.Status.QUEUED:
            return None
        job = _job_of(erasure)
        return queue_position(job) if job else None

    @extend_schema_field(ErasureErrorSerializer(allow_null=True))
    def get_error(self, erasure: Erasure) -> dict[str, str] | None:
        return {"code": erasure.error_code, "detail": erasure.error_detail} if erasure.error_code else None

    @extend_schema_field(ReceiptSerializer(allow_null=True))
    def get_receipt(self, erasure: Erasure) -> dict[str, Any] | None:
        if erasure.status != Erasure.Status.DONE:
            return None
        return {**receipt_of(erasure), "signature": erasure.signature, "is_genuine": is_genuine(erasure)}


def _job_of(erasure: Erasure) -> Job | None:
    jobs = Job.objects.for_tenant(erasure.tenant_id).filter(kind=ERASE, subject_id=erasure.pk)
    job: Job | None = jobs.order_by("-created_at").first()
    return job


class ErasureRequestSerializer(serializers.Serializer[Any]):
    end_user = serializers.CharField(max_length=200)


class ErasureList(GenericAPIView[Erasure]):
    required_scope = Scope.MANAGE
    serializer_class = ErasureSerializer

    @extend_schema(parameters=[OpenApiParameter("end_user", str)])
    def get(self, request: Request) -> Response:
        """Receipts, newest first; `?end_user=` those of one person, whose id we do not keep."""
        tenant_id = caller_of(request).tenant_id
        found = Erasure.objects.for_tenant(tenant_id)
        if person := request.query_params.get("end_user"):
            found = found.filter(person_digest=digest_of(tenant_id, person))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(request=ErasureRequestSerializer, responses={202: ErasureSerializer, **problems(404, 422)})
    def post(self, request: Request) -> Response:
        """Erase everything of a person: what he said and was told, what was learnt from it, and himself."""
        asked = ErasureRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        end_user = access_end_user(caller_of(request).tenant_id, asked.validated_data["end_user"])
        erasure = erase_person(end_user, Erasure.Origin.TENANT)
        return Response(ErasureSerializer(erasure).data, status=202)


class ErasureDetail(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(responses={200: ErasureSerializer, **problems(404)})
    def get(self, request: Request, erasure_id: UUID) -> Response:
        """How far it is, and in the end the receipt."""
        return Response(ErasureSerializer(_erasure(request, erasure_id)).data)


class ErasureRetry(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(request=None, responses={202: ErasureSerializer, **problems(404, 409)})
    def post(self, request: Request, erasure_id: UUID) -> Response:
        """Try again what failed."""
        erasure = _erasure(request, erasure_id)
        job = _job_of(erasure)
        if erasure.status != Erasure.Status.FAILED or job is None:
            raise Conflict(_("Only an erasure that failed can be tried again."))
        enqueue_again(job)
        erasure.refresh_from_db()
        return Response(ErasureSerializer(erasure).data, status=202)


def _erasure(request: Request, erasure_id: UUID) -> Erasure:
    return access_row(Erasure, caller_of(request).tenant_id, pk=erasure_id)


class EndUserExport(APIView):
    required_scope = Scope.MANAGE

    @extend_schema(
        parameters=[OpenApiParameter("end_user", str, required=True)],
        responses={200: OpenApiTypes.OBJECT, **problems(404)},
    )
    def get(self, request: Request) -> Response:
        """Everything that is kept of a person, for him."""
        end_user = access_end_user(caller_of(request).tenant_id, storable(request.query_params.get("end_user", "")))
        return Response(
            export_of(end_user), headers={"Content-Disposition": 'attachment; filename="what-is-kept.json"'}
        )


class PublicErasure(PublicView):
    @extend_schema(request=None, responses={202: ErasureSerializer, **problems(404)}, auth=[])
    @in_keys_tenant
    def post(self, request: Request, persona: Persona, conversation_id: UUID) -> Response:
        """A visitor has everything of his erased; his session's token opens it."""
        end_user = self.own_conversation(request, persona, conversation_id).end_user
        return Response(ErasureSerializer(erase_person(end_user, Erasure.Origin.VISITOR)).data, status=202)
