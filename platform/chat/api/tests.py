"""A persona's tests, and runs of them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chat.models import AnswerTest, TestRun
from chat.tracing.testing import RUN_TESTS, access_run, access_test, cancel_run, create_test, start_run
from jobs.models import Job
from jobs.queueing import queue_position
from knowledge.errors import in_readers_language
from personas.access import access_persona
from personas.models import Persona
from personas.serializers import StrictSerializer
from personas.variables import check_variables
from tenants.rest import caller_of


class SaidSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=["user", "bot", "human"])
    text = serializers.CharField(max_length=8000)


def _phrases(**options: Any) -> Any:
    return serializers.ListField(child=serializers.CharField(max_length=1000), max_length=50, required=False, **options)


class AnswerTestWriteSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    question = serializers.CharField(max_length=8000)
    history = serializers.ListField(child=SaidSerializer(), required=False, max_length=40)
    variables = serializers.DictField(required=False)
    must_contain = _phrases()
    must_not_contain = _phrases()
    must_cite = serializers.ListField(child=serializers.UUIDField(), max_length=50, required=False)
    must_hand_over = serializers.BooleanField(required=False)
    must_decline = serializers.BooleanField(required=False)

    def validate_variables(self, variables: Any) -> dict[str, str]:
        return dict(check_variables(variables))

    def validate_must_cite(self, documents: list[UUID]) -> list[str]:
        return [str(document) for document in documents]


class AnswerTestSerializer(serializers.ModelSerializer[AnswerTest]):
    history = SaidSerializer(many=True)
    variables = serializers.DictField(child=serializers.CharField())
    must_contain = serializers.ListField(child=serializers.CharField())
    must_not_contain = serializers.ListField(child=serializers.CharField())
    must_cite = serializers.ListField(child=serializers.UUIDField())

    class Meta:
        model = AnswerTest
        fields = [
            "id", "name", "question", "history", "variables", "must_contain", "must_not_contain", "must_cite",
            "must_hand_over", "must_decline", "created_at",
        ]  # fmt: skip


class ResultCitationSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    title = serializers.CharField()
    document_id = serializers.UUIDField()


class TestResultSerializer(serializers.Serializer[Any]):
    test = serializers.UUIDField()
    name = serializers.CharField()
    question = serializers.CharField()
    passed = serializers.BooleanField()
    failures = serializers.ListField(child=serializers.CharField())
    change = serializers.ChoiceField(choices=["new", "fixed", "broken", "reworded", "same"])
    text = serializers.CharField()
    citations = ResultCitationSerializer(many=True)
    cost = serializers.FloatField()
    total_ms = serializers.IntegerField(allow_null=True)
    model = serializers.CharField()
    route = serializers.CharField()


class TestRunInListSerializer(serializers.ModelSerializer[TestRun]):
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = TestRun
        fields = ["id", "status", "progress", "queue", "passed", "total", "error", "created_at", "finished_at"]

    def get_progress(self, run: TestRun) -> dict[str, int]:
        return {"done": run.done, "total": run.total}

    def get_queue(self, run: TestRun) -> dict[str, Any] | None:
        if run.status != TestRun.Status.QUEUED:
            return None
        job = Job.objects.filter(subject_id=run.pk, kind=RUN_TESTS).unfinished().first()
        return queue_position(job) if job else None

    def get_error(self, run: TestRun) -> dict[str, str] | None:
        if not run.error_code:
            return None
        return {"code": run.error_code, "detail": in_readers_language(run.error_detail)}


class TestRunSerializer(TestRunInListSerializer):
    results = TestResultSerializer(many=True)

    class Meta:
        model = TestRun
        fields = [*TestRunInListSerializer.Meta.fields, "results"]


def _persona(request: Request, persona: str) -> Persona:
    return access_persona(caller_of(request).tenant_id, persona)


def _checked(request: Request, *, partial: bool = False) -> dict[str, Any]:
    serializer = AnswerTestWriteSerializer(data=request.data, partial=partial)
    serializer.is_valid(raise_exception=True)
    fields: dict[str, Any] = serializer.validated_data
    return fields


class AnswerTestList(GenericAPIView[AnswerTest]):
    required_scope = "manage"
    serializer_class = AnswerTestSerializer

    def get(self, request: Request, persona: str) -> Response:
        """The persona's tests, newest first."""
        page = self.paginate_queryset(AnswerTest.objects.filter(persona=_persona(request, persona)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(request=AnswerTestWriteSerializer, responses={201: AnswerTestSerializer})
    def post(self, request: Request, persona: str) -> Response:
        """Add a test: a question, and what must hold of the answer."""
        fields = _checked(request)
        fields["name"] = fields.get("name") or fields["question"][:100]
        return Response(AnswerTestSerializer(create_test(_persona(request, persona), **fields)).data, status=201)


class AnswerTestDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses=AnswerTestSerializer)
    def get(self, request: Request, persona: str, test_id: UUID) -> Response:
        return Response(AnswerTestSerializer(access_test(_persona(request, persona), test_id)).data)

    @extend_schema(request=AnswerTestWriteSerializer(partial=True), responses=AnswerTestSerializer)
    def patch(self, request: Request, persona: str, test_id: UUID) -> Response:
        """Change a test. What is not sent stays."""
        test = access_test(_persona(request, persona), test_id)
        for name, value in _checked(request, partial=True).items():
            setattr(test, name, value)
        test.save()
        return Response(AnswerTestSerializer(test).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, persona: str, test_id: UUID) -> Response:
        access_test(_persona(request, persona), test_id).delete()
        return Response(status=204)


class RunTests(APIView):
    required_scope = "manage"

    @extend_schema(request=None, responses={202: TestRunSerializer})
    def post(self, request: Request, persona: str) -> Response:
        """Put all tests to the draft, in the background. A run that is not over yet is returned."""
        caller = caller_of(request)
        return Response(TestRunSerializer(start_run(_persona(request, persona), by=caller.key_prefix)).data, status=202)


class TestRunList(GenericAPIView[TestRun]):
    required_scope = "manage"
    serializer_class = TestRunInListSerializer

    def get(self, request: Request, persona: str) -> Response:
        """Runs of the persona's tests, newest first, without their results."""
        page = self.paginate_queryset(TestRun.objects.filter(persona=_persona(request, persona)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class TestRunDetail(APIView):
    required_scope = "manage"

    @extend_schema(responses=TestRunSerializer)
    def get(self, request: Request, persona: str, run_id: UUID) -> Response:
        """One run with what each test came to so far."""
        return Response(TestRunSerializer(access_run(_persona(request, persona), run_id)).data)


class TestRunCancel(APIView):
    required_scope = "manage"

    @extend_schema(request=None, responses=TestRunSerializer)
    def post(self, request: Request, persona: str, run_id: UUID) -> Response:
        """End a run; what was tried by then stays."""
        return Response(TestRunSerializer(cancel_run(access_run(_persona(request, persona), run_id))).data)
