"""A persona's tests: made of answers, run against its draft, compared with the run before."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from chat.grounding.claiming import declines
from chat.handover.calling import is_unsure, wish_of
from chat.history import past_messages
from chat.models import AnswerTest, Conversation, EndUser, Message, TestRun, Turn
from chat.preparing import running_persona
from chat.tracing.answering import Question, Tried, try_question
from jobs import queueing
from jobs.handlers import Stopped
from jobs.models import Job
from jobs.queueing import enqueue
from knowledge.models import Document
from llm.reader.spelling import fold
from personas.context import Said
from personas.models import Persona
from tenants.access import access_row
from tenants.errors import Conflict, PlatformError
from tenants.scope import tenant_scope

RUN_TESTS = "chat.persona_tests"
QUEUE = "interactive"
MOST_TESTS = 200
REMEMBERED_MESSAGES = 20

_PERSON = re.compile(
    r"人工|真人|客服人员|同事|转接|\b(?:human|colleague|agent|representative|a person|our team|support team|staff)\b"
)


class NoTests(Conflict):
    default_detail = gettext_lazy("This persona has no tests yet.")


class TooManyTests(Conflict):
    default_detail = gettext_lazy("A persona may have 200 tests.")


def access_test(persona: Persona, test_id: UUID) -> AnswerTest:
    """Raises NotFound, also for a test of another persona."""
    return access_row(AnswerTest, persona.tenant_id, persona=persona, pk=test_id)


def access_run(persona: Persona, run_id: UUID) -> TestRun:
    """Raises NotFound, also for a run of another persona."""
    return access_row(TestRun, persona.tenant_id, persona=persona, pk=run_id)


def create_test(persona: Persona, **fields: Any) -> AnswerTest:
    """Raises TooManyTests."""
    if AnswerTest.objects.filter(persona=persona).count() >= MOST_TESTS:
        raise TooManyTests
    test: AnswerTest = AnswerTest.objects.create(tenant_id=persona.tenant_id, persona=persona, **fields)
    return test


def made_of_turn(turn: Turn) -> dict[str, Any]:
    """A test made of an answer that was good: its question, what came before, the documents that it cites."""
    answer = turn.answer
    earlier = past_messages(turn.conversation, before_seq=turn.question.seq, limit=REMEMBERED_MESSAGES)
    is_refusal = answer is not None and declines(answer.text)
    cited = [] if is_refusal or answer is None else [citation["document_id"] for citation in answer.citations]
    return {
        "name": turn.question.text[:100],
        "question": turn.question.text,
        "history": [{"role": role, "text": text} for role, text in earlier],
        "variables": turn.variables,
        "must_cite": list(dict.fromkeys(cited)),
        "must_decline": is_refusal,
    }


# --- Running ------------------------------------------------------------------------------------------------
@transaction.atomic
def start_run(persona: Persona, *, by: str = "") -> TestRun:
    """Put all tests in line; a run that is not over is returned. Raises NoTests."""
    waiting: TestRun | None = TestRun.objects.filter(persona=persona, status__in=TestRun.Status.open()).first()
    if waiting is not None:
        return waiting
    run = new_run(persona, by=by)
    enqueue(tenant_id=persona.tenant_id, kind=RUN_TESTS, queue=QUEUE, subject_id=run.pk)
    return run


def new_run(persona: Persona, *, by: str = "") -> TestRun:
    """A run that is not in line, for who does it himself. Raises NoTests."""
    total = AnswerTest.objects.filter(persona=persona).count()
    if not total:
        raise NoTests
    run: TestRun = TestRun.objects.create(tenant_id=persona.tenant_id, persona=persona, total=total, created_by=by)
    return run


def cancel_run(run: TestRun) -> TestRun:
    """End a run that waits or goes on; what was tried stays. Nothing happens to one that is over."""
    if run.is_open:
        queueing.cancel(tenant_id=run.tenant_id, subject_id=run.pk, kind=RUN_TESTS)
        run.status, run.finished_at = TestRun.Status.CANCELLED, timezone.now()
        run.save(update_fields=["status", "finished_at"])
    return run


def run_tests(tenant_id: UUID, run_id: UUID, *, at_most: int = MOST_TESTS) -> bool:
    """Put the next tests to the persona's draft, one after the other. False when there are none left."""
    with tenant_scope(tenant_id):
        row = TestRun.objects.select_related("persona__tenant").filter(pk=run_id).first()
        if row is None or not row.is_open:
            return False
        TestRun.objects.filter(pk=run_id).update(status=TestRun.Status.RUNNING)
        known = {result["test"] for result in row.results}
        tests = [
            test
            for test in AnswerTest.objects.filter(persona_id=row.persona_id).order_by("id")
            if str(test.pk) not in known
        ]
        before = _earlier_results(row)
    for test in tests[:at_most]:
        result = _result(tenant_id, row.persona, test)
        result["change"] = _change(before.get(result["test"]), result)
        _keep(tenant_id, row, result)
    if len(tests) > at_most:
        return True
    with tenant_scope(tenant_id):
        running = TestRun.objects.filter(pk=run_id, status=TestRun.Status.RUNNING)
        running.update(status=TestRun.Status.DONE, total=len(row.results), finished_at=timezone.now())
    return False


def _keep(tenant_id: UUID, run: TestRun, result: dict[str, Any]) -> None:
    """Write one result down. Raises Stopped when the run was cancelled meanwhile."""
    run.results.append(result)
    run.passed = sum(each["passed"] for each in run.results)
    with tenant_scope(tenant_id):
        running = TestRun.objects.filter(pk=run.pk, status=TestRun.Status.RUNNING)
        if not running.update(results=run.results, passed=run.passed):
            raise Stopped
        AnswerTest.objects.filter(pk=result["test"]).update(has_passed=result["passed"])


def note_failure(job: Job, error: PlatformError) -> None:
    """The last attempt failed."""
    TestRun.objects.filter(pk=job.subject_id).update(
        status=TestRun.Status.FAILED, error_code=error.code, error_detail=str(error.detail), finished_at=timezone.now()
    )


def _earlier_results(run: TestRun) -> dict[str, Mapping[str, Any]]:
    """What each test came to when it was run last."""
    earlier = TestRun.objects.filter(persona_id=run.persona_id, status=TestRun.Status.DONE).exclude(pk=run.pk)
    last = earlier.order_by("-id").values_list("results", flat=True).first() or []
    return {result["test"]: result for result in last}


def _change(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """`new`, `fixed`, `broken`, `reworded` (another text, the same verdict) or `same`."""
    if before is None:
        return "new"
    if before["passed"] != now["passed"]:
        return "fixed" if now["passed"] else "broken"
    return "same" if before["text"] == now["text"] else "reworded"


def _result(tenant_id: UUID, persona: Persona, test: AnswerTest) -> dict[str, Any]:
    try:
        tried = try_question(tenant_id, lambda: _question(persona, test))
    except PlatformError as error:
        return _row(test, [str(error.detail)])
    with tenant_scope(tenant_id):
        failures = [str(tried.error.detail)] if tried.error else failures_of(test, tried, persona)
    answer = tried.as_dict()
    return _row(
        test,
        failures,
        text=answer["text"],
        citations=[{name: each[name] for name in ("n", "title", "document_id")} for each in answer["citations"]],
        cost=answer["usage"]["cost"],
        total_ms=answer["timing"]["total_ms"],
        model=answer["trace"].get("model", ""),
        route=answer["trace"].get("route", ""),
    )


def _row(test: AnswerTest, failures: list[str], **answer: Any) -> dict[str, Any]:
    empty = {"text": "", "citations": [], "cost": 0.0, "total_ms": None, "model": "", "route": ""}
    return {
        "test": str(test.pk),
        "name": test.name,
        "question": test.question,
        "passed": not failures,
        "failures": failures,
        **empty,
        **answer,
    }


def failures_of(test: AnswerTest, tried: Tried, persona: Persona) -> list[str]:
    """What does not hold of an answer, in sentences. In the tenant's scope."""
    text = fold(tried.outcome.text)
    cited = {citation["document_id"] for citation in tried.outcome.citations}
    failures = [
        _("It does not contain «%(words)s».") % {"words": words}
        for words in test.must_contain
        if fold(words) not in text
    ]
    failures += [
        _("It contains «%(words)s».") % {"words": words} for words in test.must_not_contain if fold(words) in text
    ]
    failures += [
        _("It does not cite «%(title)s».") % {"title": title} for title in _titles(set(test.must_cite) - cited)
    ]
    if test.must_hand_over and not _hands_over(test, tried, persona):
        failures.append(_("It does not offer a person."))
    if test.must_decline and not tried.declined:
        failures.append(_("It does not say that it does not know."))
    return failures


def _titles(document_ids: set[str]) -> list[str]:
    """Of these documents, or their ids where they are gone."""
    titles = {str(pk): title for pk, title in Document.objects.filter(pk__in=document_ids).values_list("pk", "title")}
    return [titles.get(document_id, document_id) for document_id in sorted(document_ids)]


def _hands_over(test: AnswerTest, tried: Tried, persona: Persona) -> bool:
    """Whether the persona's rules would call a person, or the answer speaks of one.

    What takes several answers in a row cannot be told from one.
    """
    settings, answer = running_persona(persona, is_test=True).settings, tried.outcome
    unsure = is_unsure(refusal=settings.refusal, answer=answer.text, has_citations=bool(answer.citations))
    found_nothing = unsure and bool(settings.knowledge_bases)
    wish = wish_of(settings.handoff, test.question, called=tried.called, is_unsure=found_nothing)
    calling = wish is not None and wish.streak <= 1
    return calling or _PERSON.search(fold(answer.text)) is not None


def _question(persona: Persona, test: AnswerTest) -> Question:
    """As a test chat with the draft would ask it; rows that are never saved."""
    visitor = EndUser(tenant_id=persona.tenant_id, external_id="persona-test")
    conversation = Conversation(tenant_id=persona.tenant_id, persona=persona, end_user=visitor, is_test=True)
    turn = Turn(pk=uuid7(), tenant_id=persona.tenant_id, conversation=conversation, variables=test.variables)
    asked = Message(tenant_id=persona.tenant_id, text=test.question, role=Message.Role.USER, seq=1)
    return turn, asked, tuple(Said(role=each["role"], text=each["text"]) for each in test.history)
