"""The whole corpus on a real server: in sessions of their own, and one after the other in one session."""

from contextlib import ExitStack, nullcontext
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from analytics.errors import SqlRejected
from analytics.gate import check
from analytics.models import SqlRun
from analytics.running import RunLimits
from analytics.running.sessions import Session
from tenants.errors import PlatformError
from tests.analytics.gate.corpus import BENIGN, HOSTILE, Statement
from tests.analytics.running.conftest import CANARY, Stage

# Enough for everything benign here.
QUICK = RunLimits(timeout_s=5)


def sql_of(statement: Statement, stage: Stage) -> str:
    return statement.of(stage.books.schema_name, stage.vault.schema_name)


@pytest.fixture(autouse=True)
def _one_catalogue(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read once for seven hundred runs."""
    monkeypatch.setattr("analytics.running.running.kept_catalogue", lambda dataset: stage.catalogue)


def test_the_corpus_is_as_large_as_it_should_be():
    assert len(HOSTILE) >= 500
    assert len(BENIGN) >= 140
    assert len({statement.kind for statement in HOSTILE}) >= 18


def test_nothing_hostile_passes_and_every_attempt_is_written_down(stage):
    before = stage.effects()
    with stage.acme.scope():
        written = SqlRun.objects.count()

    for statement in HOSTILE:
        with pytest.raises(SqlRejected) as refused:
            stage.run(sql_of(statement, stage))
        assert refused.value.rule, statement
        assert CANARY not in str(refused.value.detail)

    assert stage.effects() == before
    with stage.acme.scope():
        runs = SqlRun.objects.order_by("pk")[written:]
        assert len(runs) == len(HOSTILE)
        assert not [run for run in runs if run.verdict == SqlRun.OK or run.sql_run or run.rows]


def test_everything_benign_answers_as_postgresql_answers_the_very_words(stage, as_alice):
    """Each in a session of its own; and by hand, without the gate, for comparison."""
    for statement in BENIGN:
        sql = sql_of(statement, stage)
        try:
            result = stage.run(sql, QUICK)
        except PlatformError as error:
            pytest.fail(f"{statement.text}\n{error}\n{getattr(error, 'message', '')}")
        names, rows = by_hand(as_alice, sql)
        assert [column.name for column in result.columns] == names, statement
        assert comparable(result.rows) == comparable(rows), (statement, result.sql)
        assert not result.truncated


def test_one_session_serves_everybody_after_each_other(stage):
    """What one statement does to a session, the next does not find."""
    before = stage.effects()
    with stage.session() as session:
        for statement in (*BENIGN, *HOSTILE):
            sql = sql_of(statement, stage)
            try:
                sql = check(sql, stage.catalogue).sql
            except SqlRejected:
                continue
            result = stage.run_in(session, sql, QUICK)
            assert CANARY not in str(result.rows), statement
        assert session.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        left = session.connection.execute(
            "SELECT current_setting('search_path'), current_setting('TimeZone'), current_setting('app.tenant', true)"
        ).fetchone()

    assert left == (stage.books.schema_name, "UTC", None)
    assert stage.effects() == before


@pytest.mark.parametrize("each_alone", [False, True], ids=["one session for all", "a session each"])
def test_without_the_gate_the_role_still_shows_nothing_of_others_and_changes_nothing(stage, each_alone):
    """Every hostile statement as it is, as the dataset's role: the last line holds alone."""
    before = stage.effects()
    shown = 0
    with ExitStack() as open_for_all:
        session = None if each_alone else open_for_all.enter_context(stage.session())
        for statement in HOSTILE:
            if statement.kind == "too large for one answer":
                continue  # that is not a matter of rights
            with nullcontext(session) if session else stage.session() as its_session:
                shown += shown_raw(its_session, statement, stage)

    assert shown > 100  # the statements did run: this is the server's word, not the gate's
    assert stage.effects() == before


def shown_raw(session: Session, statement: Statement, stage: Stage) -> int:
    """How many rows a statement gives that nobody has looked at; none of them is a secret of others."""
    sql = sql_of(statement, stage).replace("\0", "").encode("utf-8", "replace").decode()
    try:
        session.connection.execute("ROLLBACK")
        session.connection.execute("SET statement_timeout = 50")
        rows = session.execute(sql)
    except psycopg.Error:
        assert not session.connection.closed, statement
        return 0
    cells = [rows.get_value(row, column) for row in range(min(rows.ntuples, 50)) for column in range(rows.nfields)]
    is_own = "payroll" in statement.text.lower()
    assert is_own or CANARY.encode() not in b"|".join(cell or b"" for cell in cells), statement
    return int(rows.ntuples)


def by_hand(connection: psycopg.Connection[Any], sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = connection.execute(sql)
    assert cursor.description
    return [column.name for column in cursor.description], cursor.fetchall()


def comparable(rows: list[tuple[Any, ...]]) -> list[str]:
    """Values by what they are, whatever Python holds them in."""
    return [str([plain(value) for value in row]) for row in rows]


def plain(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case float():
            return repr(value)
        case dict():
            return {key: in_json(each) for key, each in value.items()}
        case list():
            return [in_json(each) for each in value]
    return value


def in_json(value: Any) -> Any:
    """Numbers of JSON and of arrays look different, and are the same."""
    return float(value) if isinstance(value, int | float | Decimal) else plain(value)


@pytest.fixture
def as_alice(stage: Stage) -> Any:
    """A plain connection of the dataset's role."""
    from analytics.running.results import keep_what_python_has_not
    from analytics.running.sessions import connection_parameters

    with psycopg.connect(**connection_parameters(stage.books), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        keep_what_python_has_not(connection)
        yield connection
