"""Questions that are kept with their SQL, and run again with other values."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.asker import Asker
from analytics.asking import progress
from analytics.asking.explaining import explain
from analytics.asking.keeping import kept_result
from analytics.catalogues import catalogue_of
from analytics.errors import DatasetNotReady
from analytics.gate import check
from analytics.models import Dataset, Question, SavedQuestion, SqlRun
from analytics.results.cells import columns_from
from analytics.results.charts import ChartImpossible, chart_of
from analytics.results.parameters import Parameter, bind, with_parameters
from analytics.running import run_sql
from personas.context import Language
from tenants.errors import Invalid, PlatformError
from tenants.scope import tenant_scope

MOST_OF_A_DATASET = 500


def save_question(
    *,
    dataset: Dataset,
    name: str,
    sql: str,
    parameters: Sequence[Parameter],
    question: str = "",
    chart: Mapping[str, Any] | None = None,
    member_id: UUID | None = None,
) -> SavedQuestion:
    """Keep SQL under a name, once the gate has let it through. A literal that is a parameter's value becomes its name.

    In the tenant's scope. Raises Invalid, SqlRejected.
    """
    if SavedQuestion.objects.filter(dataset=dataset).count() >= MOST_OF_A_DATASET:
        raise Invalid(
            _("A dataset has at most %(most)d saved questions; delete one first.") % {"most": MOST_OF_A_DATASET}
        )
    saved = SavedQuestion(
        tenant_id=dataset.tenant_id, dataset=dataset, name=name, question=question, chart=chart, created_by_id=member_id
    )
    return write_sql(saved, sql, parameters)


def write_sql(saved: SavedQuestion, sql: str, parameters: Sequence[Parameter]) -> SavedQuestion:
    """Give a saved question its SQL, with the parameters in it, and store it. Raises Invalid, SqlRejected."""
    saved.sql = with_parameters(sql, parameters)
    saved.parameters = [parameter.as_dict() for parameter in parameters]
    check(bind(saved.sql, parameters, {}), catalogue_of(saved.dataset))
    saved.updated_at = timezone.now()
    saved.save()
    return saved


def parameters_of(saved: SavedQuestion) -> list[Parameter]:
    return [Parameter.of(stored) for stored in saved.parameters]


def run_saved(saved: SavedQuestion, given: Mapping[str, Any], asker: Asker) -> Question:
    """Run it with these values, as a question of its own that holds the result; a failed one says why, and is raised.

    Outside of any transaction. Raises Invalid, DatasetNotReady and what `run_sql` raises.
    """
    parameters = parameters_of(saved)
    sql = bind(saved.sql, parameters, given)
    dataset = saved.dataset
    if dataset.status != Dataset.Status.READY:
        raise DatasetNotReady
    with tenant_scope(saved.tenant_id):
        question = Question.objects.create(
            tenant_id=saved.tenant_id,
            dataset=dataset,
            question=_title(saved, parameters, given),
            language=asker.language,
            status=Question.Status.RUNNING,
            sql=sql,
            member_id=asker.member_id,
            key_id=asker.key_id,
            end_user_id=asker.end_user_id,
            started_at=timezone.now(),
            events=[progress.next_event([], Question.Status.RUNNING)],
        )
    try:
        result = run_sql(dataset, sql, origin=SqlRun.Origin.SAVED, asker=asker, question_id=question.pk)
    except PlatformError as error:
        told = {"error_code": error.code, "error_detail": str(error.detail)}
        _end(question, Question.Status.FAILED, **told)
        raise
    language = cast(Language, asker.language)
    kept = kept_result(question.question, result, language)
    with tenant_scope(saved.tenant_id):
        explanation = explain(result.sql, catalogue_of(dataset), language)
    _end(question, Question.Status.READY, sql=result.sql, explanation=explanation, **_with_chart(saved, kept, language))
    with tenant_scope(saved.tenant_id):
        question.refresh_from_db()
    return question


def _end(question: Question, status: Question.Status, **fields: Any) -> None:
    progress.move(question.tenant_id, question.pk, status, finished_at=timezone.now(), **fields)


def _with_chart(saved: SavedQuestion, kept: dict[str, Any], language: Language) -> dict[str, Any]:
    """The result with the chart that was saved, where its columns still have it."""
    if not saved.chart:
        return kept
    try:
        chart = chart_of(columns_from(kept["columns"]), kept["rows"], language, **saved.chart)
    except ChartImpossible:
        return kept
    return kept | {"chart": chart}


def _title(saved: SavedQuestion, parameters: Sequence[Parameter], given: Mapping[str, Any]) -> str:
    values = [f"{each.label or each.name}: {given.get(each.name, each.value)}" for each in parameters]
    return " · ".join([saved.name, *values])
