"""Running SQL on a dataset: through the gate, as the dataset's role, within limits, and written down."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.sql import SQL

from analytics.asker import Asker
from analytics.catalogue import Catalogue
from analytics.catalogues import kept_catalogue
from analytics.datasets.schemas import as_owner
from analytics.errors import (
    DatasetNotReady,
    DatasetUnreachable,
    RunCancelled,
    SqlRejected,
    SqlTimedOut,
    TooCostly,
)
from analytics.gate import Checked, check
from analytics.models import Dataset, Question, SqlRun
from analytics.running.failing import failure
from analytics.running.limits import DEFAULT_LIMITS, LONGEST_CELL, RunLimits
from analytics.running.results import (
    Described,
    Plan,
    Result,
    cut_to_size,
    long_cells,
    size_of,
    value_of,
)
from analytics.running.sessions import GRACE_S, Session, deadline, hang_up_on, session_of
from tenants.errors import NotFound, PlatformError
from tenants.scope import current_tenant_id, tenant_scope
from tenants.statements import Param, Select, insertion, write

# Bytes of rows that are held before they are counted.
_HELD_BYTES = 4 * 1024 * 1024
_MOST_AT_ONCE = 200

_STATUS: Select[str] = Select(
    lambda: Question.objects.filter(tenant_id=Param("tenant_id"), id=Param("id")).values_list("status", flat=True)
)

_under_way: dict[UUID, list[Session]] = {}
_under_way_lock = threading.Lock()


@dataclass(slots=True)
class _Attempt:
    """What the audit says of one."""

    sql_given: str
    sql_run: str = ""
    verdict: str = RunCancelled.code  # as long as nothing else came of it
    rows: int = 0
    cost: float | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)


def run_sql(
    dataset: Dataset,
    sql: str,
    *,
    origin: SqlRun.Origin,
    asker: Asker,
    question_id: UUID | None = None,
    limits: RunLimits = DEFAULT_LIMITS,
    on_checked: Callable[[Checked], None] | None = None,
) -> Result:
    """Check a statement, run it and keep it in the audit, whatever becomes of it. No transaction of ours may be open.

    `on_checked` is called when the gate has let it pass and who cancels can find it; it raises if that came before.
    Raises SqlRejected, SqlFailed, TooCostly, SqlTimedOut, RunCancelled, DatasetBusy, DatasetUnreachable,
    DatasetNotReady.
    """
    if dataset.tenant_id != asker.tenant_id:
        raise NotFound
    attempt = _Attempt(sql)
    try:
        catalogue = _catalogue(dataset)
        checked = check(sql, catalogue)
        attempt.sql_run = checked.sql
        with (
            session_of(dataset, name=_name_of(question_id), limits=limits) as session,
            _cancellable(session, question_id),
        ):
            if on_checked is not None:
                on_checked(checked)
            else:
                _see_whether_cancelled(dataset, question_id)
            result = run_in(session, attempt.sql_run, catalogue, limits)
        attempt.verdict, attempt.rows, attempt.cost = SqlRun.OK, len(result.rows), result.plan.cost
        return result
    except SqlRejected as rejected:
        attempt.verdict = rejected.rule
        raise
    except TooCostly as error:
        attempt.verdict, attempt.cost = error.code, error.plan and error.plan.cost
        raise
    except PlatformError as error:
        attempt.verdict = error.code
        raise
    finally:
        _write_down(dataset, attempt, origin, asker, question_id)


def explain_sql(dataset: Dataset, sql: str) -> Plan:
    """What PostgreSQL expects of a statement, which is not run: names, types and cost are looked at.

    Raises what `run_sql` raises. Nothing is written down, since no row is read.
    """
    catalogue = _catalogue(dataset)
    checked = check(sql, catalogue)
    with session_of(dataset) as session:
        with _bounded(session, catalogue, DEFAULT_LIMITS):
            plan = _plan(session, cut_to_size(checked.sql, session.describe(checked.sql)))
    if plan.cost > DEFAULT_LIMITS.cost:
        raise TooCostly(plan)
    return plan


def cancel_runs(question_id: UUID) -> None:
    """End what runs for a question, at once: in this process, and in the scope of its tenant in any other."""
    with _under_way_lock:
        sessions = list(_under_way.get(question_id, ()))
    for session in sessions:
        session.was_cancelled = True
        with suppress(psycopg.Error):
            session.connection.cancel_safe(timeout=1)
        hang_up_on(session)
    if sessions or (tenant_id := current_tenant_id()) is None:
        return
    with tenant_scope(tenant_id):
        question = Question.objects.for_tenant(tenant_id).select_related("dataset").filter(pk=question_id).first()
    if question and question.dataset.status == Dataset.Status.READY:
        _end_elsewhere(question.dataset, question_id)


def run_in(session: Session, sql: str, catalogue: Catalogue, limits: RunLimits) -> Result:
    """Run what the gate wrote in a session that may have been used before. The session is left clean or closed."""
    with _bounded(session, catalogue, limits) as phase:
        described = session.describe(sql)
        cut = cut_to_size(sql, described)
        plan = _plan(session, cut)
        if plan.cost > limits.cost:
            raise TooCostly(plan)
        phase.has_read = True
        began = time.monotonic()
        session.execute(f"DECLARE result NO SCROLL CURSOR FOR {cut}")
        rows, truncated = _fetched(session, described, limits)
        elapsed_ms = round((time.monotonic() - began) * 1000)
    columns = tuple(column.column for column in described)
    return Result(columns, rows, truncated, elapsed_ms, plan, sql)


@dataclass(slots=True)
class _Phase:
    has_read: bool = False


@contextmanager
def _bounded(session: Session, catalogue: Catalogue, limits: RunLimits) -> Iterator[_Phase]:
    """A transaction that only reads, for as long as the limits say; errors of the server become ours."""
    phase, began = _Phase(), time.monotonic()
    with deadline(session, limits.timeout_s + GRACE_S) as hung_up:
        try:
            session.begin(limits)
            yield phase
            session.reset()
        except psycopg.Error as error:
            if hung_up.is_set():
                raise SqlTimedOut from None
            if session.was_cancelled:
                raise RunCancelled from None
            if session.connection.broken and error.sqlstate is None:
                raise DatasetUnreachable from None
            is_late = time.monotonic() - began >= limits.timeout_s
            raise failure(error, catalogue, has_read=phase.has_read, is_late=is_late) from None


def _plan(session: Session, sql: str) -> Plan:
    result = session.execute(f"EXPLAIN (FORMAT JSON) {sql}")
    plan = json.loads(result.get_value(0, 0))[0]["Plan"]
    return Plan(cost=float(plan["Total Cost"]), rows=int(plan["Plan Rows"]))


def _fetched(session: Session, described: list[Described], limits: RunLimits) -> tuple[list[tuple[object, ...]], bool]:
    """The rows up to the limits, and whether there would have been more."""
    columns = [column.column for column in described]
    at_once = max(1, min(_MOST_AT_ONCE, _HELD_BYTES // (1 + long_cells(described) * LONGEST_CELL * 4)))
    rows: list[tuple[object, ...]] = []
    size, truncated = 0, False
    with closing(session.rows(f"FETCH FORWARD {limits.rows + 1} FROM result", at_once)) as fetched:
        for row in fetched:
            if len(rows) == limits.rows or size > limits.size_bytes:
                return rows, True
            values = [value_of(value, column) for value, column in zip(row, columns, strict=True)]
            rows.append(tuple(value for value, _is_cut in values))
            truncated = truncated or any(is_cut for _value, is_cut in values)
            size += sum(size_of(value) for value, _is_cut in values)
    return rows, truncated


def _catalogue(dataset: Dataset) -> Catalogue:
    if dataset.status != Dataset.Status.READY:
        raise DatasetNotReady
    return kept_catalogue(dataset)


def _name_of(question_id: UUID | None) -> str:
    return f"troupe question {question_id.hex}" if question_id else "troupe question"


@contextmanager
def _cancellable(session: Session, question_id: UUID | None) -> Iterator[None]:
    if question_id is None:
        yield
        return
    with _under_way_lock:
        sessions = _under_way.setdefault(question_id, [])
        sessions.append(session)
    try:
        yield
    finally:
        with _under_way_lock:
            sessions.remove(session)
            if not sessions:
                _under_way.pop(question_id, None)


def _see_whether_cancelled(dataset: Dataset, question_id: UUID | None) -> None:
    """Raise RunCancelled if that came before the session could be seen by whoever cancels."""
    if question_id is None:
        return
    with tenant_scope(dataset.tenant_id):
        if _STATUS.first(tenant_id=dataset.tenant_id, id=question_id) == Question.Status.CANCELLED:
            raise RunCancelled


def _end_elsewhere(dataset: Dataset, question_id: UUID) -> None:
    """In our own database the owner does it: a dataset's role may neither look at sessions nor end them."""
    with _who_may_end(dataset) as connection:
        connection.execute(
            SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = {}").format(
                _name_of(question_id)
            )
        )


@contextmanager
def _who_may_end(dataset: Dataset) -> Iterator[psycopg.Connection[Any]]:
    if dataset.kind == Dataset.Kind.POSTGRES:
        with session_of(dataset, name="troupe cancelling") as session:
            yield session.connection
    else:
        with as_owner() as owner:
            yield owner


def _write_down(
    dataset: Dataset, attempt: _Attempt, origin: SqlRun.Origin, asker: Asker, question_id: UUID | None
) -> None:
    with tenant_scope(asker.tenant_id):
        run = SqlRun(
            tenant_id=asker.tenant_id,
            dataset=dataset,
            question_id=question_id,
            origin=origin,
            sql_given=_storable(attempt.sql_given),
            sql_run=attempt.sql_run,
            verdict=attempt.verdict,
            rows=attempt.rows,
            elapsed_ms=attempt.elapsed_ms,
            plan_cost=attempt.cost,
            member_id=asker.member_id,
            key_id=asker.key_id,
            end_user_id=asker.end_user_id,
        )
        write(insertion(run))


def _storable(text: str) -> str:
    """What was given may be anything; it is kept as far as one statement may be long."""
    return text[: 16 * 1024].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
