"""Questions in plain language: asked, followed, stopped, judged."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.access import access_dataset, access_question
from analytics.api.runs import ResultColumnSerializer, RowsField
from analytics.asker import Asker
from analytics.asking.learning import judge
from analytics.asking.posting import ANSWER, ask, clarify
from analytics.asking.progress import follow
from analytics.asking.stopping import stop_question
from analytics.models import Question
from chat.api.streaming import after_of, event_stream
from jobs.models import Job
from jobs.queueing import queue_position
from knowledge.errors import in_readers_language
from tenants.adminsite.base import EDITORS
from tenants.asynchronous import for_callers
from tenants.authentication import Caller
from tenants.models import Member, Scope
from tenants.rest import caller_of
from tenants.scope import in_tenant
from tenants.serializing import NullsLeftOut

STEPS = [Question.Status.QUEUED, Question.Status.WRITING, Question.Status.CHECKING, Question.Status.RUNNING]


class AskSerializer(NullsLeftOut, serializers.Serializer[Any]):
    dataset = serializers.CharField(max_length=100)
    # How long it may be is said in one place, for all who ask.
    question = serializers.CharField(allow_blank=True, trim_whitespace=False)
    conversation_id = serializers.UUIDField(required=False)


class ClarifySerializer(serializers.Serializer[Any]):
    choice = serializers.CharField(max_length=1000)


class FeedbackSerializer(NullsLeftOut, serializers.Serializer[Any]):
    correct = serializers.BooleanField()
    sql = serializers.CharField(required=False, max_length=100_000, trim_whitespace=False)


class QuestionsAskedSerializer(NullsLeftOut, serializers.Serializer[Any]):
    dataset = serializers.UUIDField(required=False)
    conversation_id = serializers.UUIDField(required=False)
    status = serializers.ChoiceField(choices=Question.Status.choices, required=False)


class QuestionInListSerializer(serializers.ModelSerializer[Question]):
    dataset = serializers.UUIDField(source="dataset_id")
    conversation_id = serializers.UUIDField(source="thread")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Question
        fields = [
            "id", "dataset", "question", "conversation_id", "status", "sql", "summary", "error", "is_cached",
            "is_correct", "created_at", "finished_at",
        ]  # fmt: skip

    def get_error(self, question: Question) -> dict[str, str] | None:
        if not question.error_code:
            return None
        return {"code": question.error_code, "detail": in_readers_language(question.error_detail)}


class QuestionSerializer(QuestionInListSerializer):
    progress = serializers.SerializerMethodField()
    queue = serializers.SerializerMethodField()
    clarification = serializers.SerializerMethodField()
    columns = ResultColumnSerializer(many=True)
    rows = RowsField()

    class Meta:
        model = Question
        fields = [
            *QuestionInListSerializer.Meta.fields, "language", "progress", "queue", "explanation", "columns", "rows",
            "truncated", "chart", "attempts", "clarification", "used_model", "started_at",
        ]  # fmt: skip

    def get_progress(self, question: Question) -> dict[str, int]:
        status = Question.Status(question.status)
        return {"done": STEPS.index(status) if status in STEPS else len(STEPS), "total": len(STEPS)}

    def get_queue(self, question: Question) -> dict[str, Any] | None:
        if question.status != Question.Status.QUEUED:
            return None
        job = Job.objects.filter(subject_id=question.pk, kind=ANSWER).unfinished().first()
        return queue_position(job) if job else None

    def get_clarification(self, question: Question) -> dict[str, Any] | None:
        """What is asked back, or was, with the answer."""
        told = question.clarification
        if told is None:
            return None
        return {name: told[name] for name in ("kind", "question", "choices", "answer") if name in told}


class QuestionList(GenericAPIView[Question]):
    required_scope = "analytics"
    serializer_class = QuestionInListSerializer

    @extend_schema(parameters=[QuestionsAskedSerializer])
    def get(self, request: Request) -> Response:
        """What was asked, newest first, without the results."""
        asked = _checked(QuestionsAskedSerializer, request.query_params.dict())
        names = {"dataset": "dataset_id", "conversation_id": "thread", "status": "status"}
        wanted = {names[name]: value for name, value in asked.items()}
        questions = Question.objects.for_tenant(caller_of(request).tenant_id).without_result().filter(**wanted)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(questions), many=True).data)

    @extend_schema(request=AskSerializer, responses={202: QuestionSerializer})
    def post(self, request: Request) -> Response:
        """Ask. The answer is worked on in the background; within a conversation it builds on what was asked there."""
        asked = _checked(AskSerializer, request.data)
        caller = caller_of(request)
        question = ask(
            tenant=caller.tenant_id,
            dataset=access_dataset(caller.tenant_id, asked["dataset"]),
            question=asked["question"],
            asker=_asker(caller),
            conversation_id=asked.get("conversation_id"),
        )
        return Response(QuestionSerializer(question).data, status=202)


class QuestionDetail(APIView):
    required_scope = "analytics"

    @extend_schema(responses=QuestionSerializer)
    def get(self, request: Request, question_id: UUID) -> Response:
        """The question with all that became of it."""
        return Response(QuestionSerializer(_question(request, question_id)).data)


class QuestionCancel(APIView):
    required_scope = "analytics"

    @extend_schema(request=None, responses=QuestionSerializer)
    def post(self, request: Request, question_id: UUID) -> Response:
        """Stop at once, the query in the database included."""
        return Response(QuestionSerializer(stop_question(_question(request, question_id))).data)


class QuestionClarify(APIView):
    required_scope = "analytics"

    @extend_schema(request=ClarifySerializer, responses={202: QuestionSerializer})
    def post(self, request: Request, question_id: UUID) -> Response:
        """Answer what was asked back, by the text of a choice or its number from 1."""
        choice = _checked(ClarifySerializer, request.data)["choice"]
        return Response(QuestionSerializer(clarify(_question(request, question_id), choice)).data, status=202)


class QuestionFeedback(APIView):
    required_scope = "analytics"

    @extend_schema(request=FeedbackSerializer, responses=QuestionSerializer)
    def post(self, request: Request, question_id: UUID) -> Response:
        """Say whether the answer is right, perhaps with the SQL that would be: later questions learn from it."""
        told = _checked(FeedbackSerializer, request.data)
        caller = caller_of(request)
        question = judge(
            _question(request, question_id),
            is_correct=told["correct"],
            sql=told.get("sql", ""),
            asker=_asker(caller),
            may_approve=may_approve(caller),
        )
        return Response(QuestionSerializer(question).data)


@for_callers("analytics", "GET")
async def events_view(request: HttpRequest, caller: Caller, question_id: UUID) -> HttpResponseBase:
    """Each change of status, from `Last-Event-ID` or `?after=` on, as it comes; the last one ends it."""
    after = after_of(request) or 0
    await in_tenant(caller.tenant_id, access_question, caller.tenant_id, question_id)
    return await event_stream(follow(caller.tenant_id, question_id, after))


def _question(request: Request, question_id: UUID) -> Question:
    return access_question(caller_of(request).tenant_id, question_id)


def _asker(caller: Caller) -> Asker:
    return Asker.of_caller(caller, "zh" if (get_language() or "").startswith("zh") else "en")


def may_approve(caller: Caller) -> bool:
    """Whoever answers for the data: a key to manage with, or a member who may edit."""
    if caller.member_id is None:
        return Scope.MANAGE in caller.scopes
    return Member.objects.filter(pk=caller.member_id, role__in=EDITORS).exists()


def _checked(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
