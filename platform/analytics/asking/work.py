"""All that is known of one question while it is answered."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, cast

from analytics.asker import Asker
from analytics.asking import progress
from analytics.asking.asked import in_full, normalised
from analytics.asking.asking_back import confirmation
from analytics.asking.explaining import explain
from analytics.asking.watching import Watch
from analytics.catalogue import Catalogue
from analytics.errors import SqlRejected, TooCostly
from analytics.gate import Checked
from analytics.models import Dataset, Question, SqlRun
from analytics.running import DEFAULT_LIMITS, READ_BACK_COST, Result, RunLimits, run_sql
from jobs.handlers import Run, Stopped
from llm.types import RouteConfig
from personas.context import Language
from tenants.scope import tenant_scope

# What costs more is read back first.
READ_BACK_LIMITS = replace(DEFAULT_LIMITS, cost=READ_BACK_COST)


@dataclass(frozen=True, slots=True)
class Answer:
    """SQL that ran, with its result. `explanation` empty: rules shall tell it."""

    sql: str
    result: Result
    explanation: str = ""
    used_model: str = ""


@dataclass
class Work:
    """A question, what it is about, and what was tried so far."""

    run: Run
    watch: Watch
    question: Question
    dataset: Dataset
    catalogue: Catalogue
    route: RouteConfig
    history: Sequence[Question]  # of its thread, oldest first
    attempts: list[dict[str, Any]] = field(default_factory=list)
    _status: str = ""

    @property
    def language(self) -> Language:
        return cast(Language, self.question.language)

    @property
    def asker(self) -> Asker:
        asked = self.question
        return Asker(
            asked.tenant_id,
            member_id=asked.member_id,
            key_id=asked.key_id,
            end_user_id=asked.end_user_id,
            language=asked.language,
        )

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What the asker said when we asked back which reading was meant: {said, place: (table, column)}."""
        clarification = self.question.clarification or {}
        answers = list(clarification.get("answers", ()))
        if clarification.get("kind") == "reading" and "place" in clarification:
            place = clarification["places"][clarification["place"]]
            answers.append({"said": clarification["said"], "place": place})
        return answers

    @property
    def in_full(self) -> str:
        """The question with those before it that it leans on."""
        return in_full(self.question.question, self.history)

    @property
    def cache_key(self) -> str:
        """The same for all that must have the same SQL. With the day: "last month" is another one tomorrow."""
        parts = [
            str(self.dataset.pk), self.dataset.version, today().isoformat(), normalised(self.question.question),
            [earlier.sql for earlier in self.history], self.answers,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()

    def move(self, *statuses: Question.Status, **fields: Any) -> None:
        """Note how far we have come. Raises Stopped if the question is not ours to answer any more."""
        if statuses[-1] == self._status and not fields:
            return
        self._status = statuses[-1]
        with tenant_scope(self.run.tenant_id):
            self.run.check_in()
            if not progress.move(self.run.tenant_id, self.question.pk, *statuses, **fields):
                raise Stopped

    def answer_by(self, sql: str, origin: SqlRun.Origin, *, explanation: str = "", used_model: str = "") -> Answer:
        """Run a statement that somebody wrote.

        Raises what `run_sql` raises, and AskBack for something costly, which is not run then.
        """
        passed: list[Checked] = []

        def run_on(checked: Checked) -> None:
            passed.append(checked)
            # The check takes some milliseconds: that it was made is told with what follows on it.
            self.move(Question.Status.CHECKING, Question.Status.RUNNING)

        try:
            return self.run_now(
                sql, origin, explanation=explanation, used_model=used_model, limits=READ_BACK_LIMITS, on_checked=run_on
            )
        except SqlRejected:
            self.move(Question.Status.CHECKING)
            raise
        except TooCostly as error:
            if error.plan is None or error.plan.cost > DEFAULT_LIMITS.cost:
                raise
            read = [table for name in passed[0].tables if (table := self.catalogue.table(name))]
            told = explanation or explain(sql, self.catalogue, self.language)
            raise confirmation(
                sql=sql, explanation=told, tables=read, plan_cost=error.plan.cost, language=self.language
            ) from None

    def run_now(
        self,
        sql: str,
        origin: SqlRun.Origin,
        *,
        explanation: str = "",
        used_model: str = "",
        limits: RunLimits = DEFAULT_LIMITS,
        on_checked: Callable[[Checked], None] | None = None,
    ) -> Answer:
        """Run a statement that may cost what it costs, within the limits of all runs."""
        result = run_sql(
            self.dataset,
            sql,
            origin=origin,
            asker=self.asker,
            question_id=self.question.pk,
            limits=limits,
            on_checked=on_checked,
        )
        shown = self.without_schema(result.sql)
        self.attempts.append({"sql": shown, "error": None})
        return Answer(shown, result, explanation, used_model)

    def without_schema(self, sql: str) -> str:
        """What the gate wrote, as people and models read it. The gate puts the schema in again."""
        return sql.replace(f'"{self.catalogue.schema}".', "")


def today() -> date:
    return datetime.now(UTC).date()
