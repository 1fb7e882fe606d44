"""The work on one question, from its words to its result."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import override

from analytics.asking.asked import history_of, normalised
from analytics.asking.asking_back import AskBack, undecided
from analytics.asking.errors import NeedsModel
from analytics.asking.explaining import explain
from analytics.asking.generating import answer_by_model
from analytics.asking.keeping import kept_result
from analytics.asking.prompt import Example
from analytics.asking.watching import Watch, watching
from analytics.asking.work import Answer, Work
from analytics.catalogues import kept_catalogue
from analytics.errors import RunCancelled, SqlFailed, SqlRejected
from analytics.meaning import approved_pairs, examples_for, likely_pairs, link, rebind, said_values
from analytics.meaning.linking import Found
from analytics.models import Dataset, Question, SqlRun, VerifiedPair
from jobs.handlers import Run
from llm.budgets import BudgetExhausted
from llm.routes import resolve_route
from personas.context import Language
from tenants.errors import PlatformError
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

_OPEN: Select[Question] = Select(
    lambda: Question.objects.filter(tenant_id=Param("tenant_id"), id=Param("id")).open().select_related(
        "dataset", "end_user"
    )
)  # fmt: skip
_SAME: Select[Question] = Select(
    lambda: Question.objects.filter(
        tenant_id=Param("tenant_id"),
        dataset_id=Param("dataset_id"),
        status=Question.Status.READY,
        cache_key=Param("cache_key"),
    ).order_by("-id")[:1]
)

DJANGO_LANGUAGES: dict[Language, str] = {"zh": "zh-hans", "en": "en"}


def answer_question(run: Run) -> None:
    """Answer one question, or store why not. Safe to call again: it begins anew, and what is over stays as it is."""
    with watching(run, run.subject_id) as watch:
        work = _begin(run, watch)
        if work is None:
            return
        with override(DJANGO_LANGUAGES[work.language]):
            status, fields = _outcome(work)
            watch.check()
            work.move(status, attempts=work.attempts, finished_at=timezone.now(), **fields)


def _begin(run: Run, watch: Watch) -> Work | None:
    """None if there is nothing left to do."""
    with tenant_scope(run.tenant_id):
        question = _OPEN.first(tenant_id=run.tenant_id, id=run.subject_id)
        if question is None:
            return None
        work = Work(
            run=run,
            watch=watch,
            question=question,
            dataset=question.dataset,
            catalogue=kept_catalogue(question.dataset),
            route=resolve_route(run.tenant_id),
            history=history_of(question),
        )
        anew = {"started_at": timezone.now(), "finished_at": None, "error_code": "", "error_detail": ""}
        work.move(Question.Status.WRITING, **anew)
    return work


def _outcome(work: Work) -> tuple[Question.Status, dict[str, Any]]:
    """What the question came to, and the fields that say so. Raises Stopped."""
    try:
        return Question.Status.READY, _answered(work)
    except AskBack as back:
        return Question.Status.NEEDS_CLARIFICATION, {"clarification": back.clarification, **back.fields}
    except RunCancelled as error:
        work.watch.look()  # most likely the question was stopped
        work.watch.check()
        return Question.Status.FAILED, _failure(error)
    except PlatformError as error:
        return Question.Status.FAILED, _failure(error)


def _failure(error: PlatformError) -> dict[str, Any]:
    return {"error_code": error.code, "error_detail": str(error.detail)}


def _answered(work: Work) -> dict[str, Any]:
    """The fields of the answered question. Raises AskBack or PlatformError."""
    if confirmed := _confirmed(work):
        return _fields(work, confirmed)
    with tenant_scope(work.run.tenant_id):
        same = _SAME.first(tenant_id=work.run.tenant_id, dataset_id=work.dataset.pk, cache_key=work.cache_key)
        pairs, values = approved_pairs(work.dataset), said_values(work.dataset, work.catalogue, work.in_full)
    if same is not None and (cached := _cached(work, same)):
        return cached
    # What a person verified is asked about first: of that nothing is left open.
    if answer := _by_pair(work, pairs, values, is_without_model=work.route.is_reader):
        return _fields(work, answer)
    linked = link(work.dataset, work.catalogue, work.in_full, values=values, route=work.route)
    if back := undecided(linked, work.catalogue, work.answers):
        raise back
    if work.route.is_reader:
        raise NeedsModel
    examples = [Example(pair.question, pair.sql) for pair in examples_for(work.dataset, pairs, work.in_full)]
    try:
        return _fields(work, answer_by_model(work, linked, examples))
    except BudgetExhausted:
        if answer := _by_pair(work, pairs, values, is_without_model=True):
            return _fields(work, answer)
        raise


def _fields(work: Work, answer: Answer) -> dict[str, Any]:
    return {
        "sql": answer.sql,
        "explanation": answer.explanation or explain(answer.sql, work.catalogue, work.language),
        "used_model": answer.used_model,
        "cache_key": work.cache_key,
        **kept_result(work.question.question, answer.result, work.language),
    }


def _confirmed(work: Work) -> Answer | None:
    """Something costly that the asker has agreed to."""
    asked, clarification = work.question, work.question.clarification or {}
    if clarification.get("kind") != "confirm" or clarification.get("place") != 0:
        return None
    work.move(Question.Status.RUNNING)
    return work.run_now(asked.sql, SqlRun.Origin.GENERATED, explanation=asked.explanation, used_model=asked.used_model)


def _cached(work: Work, same: Question) -> dict[str, Any] | None:
    """The answer of the same question. Where only an upload changes the data, its result holds; else its SQL."""
    if work.dataset.kind != Dataset.Kind.FILES:
        try:
            again = work.answer_by(
                same.sql, SqlRun.Origin.GENERATED, explanation=same.explanation, used_model=same.used_model
            )
        except (SqlRejected, SqlFailed):
            return None
        return _fields(work, again) | {"is_cached": True}
    kept = ("sql", "explanation", "used_model", "columns", "rows", "truncated", "chart", "summary", "plan_cost")
    return {name: getattr(same, name) for name in kept} | {"cache_key": work.cache_key, "is_cached": True}


def _by_pair(
    work: Work, pairs: Sequence[VerifiedPair], values: Sequence[Found], *, is_without_model: bool
) -> Answer | None:
    """By a verified question: the very same one, or without a model one that is alike, with what differs put in."""
    for pair, question in _candidates(work, pairs, is_without_model=is_without_model):
        sql = rebind(pair, question, work.catalogue, values)
        if sql is None:
            continue
        try:
            return work.answer_by(sql, SqlRun.Origin.PAIR)
        except (SqlRejected, SqlFailed) as error:
            work.attempts.append({"sql": sql, "error": str(error.detail)})
    return None


def _candidates(
    work: Work, pairs: Sequence[VerifiedPair], *, is_without_model: bool
) -> Iterator[tuple[VerifiedPair, str]]:
    """Each with the words in which it is asked now."""
    said, in_full = work.question.question, work.in_full
    same = set()
    for question in dict.fromkeys((said, in_full)):  # one said word for word leans on nothing that was asked before
        for pair in pairs:
            if normalised(pair.question) == normalised(question):
                same.add(pair.pk)
                yield pair, question
    if is_without_model:
        yield from ((pair, in_full) for pair in likely_pairs(work.dataset, pairs, in_full) if pair.pk not in same)
