"""Running SQL: exact values, limits, refusals that give nothing away, stopping, and what is written down."""

import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import psycopg
import pytest
from django.db import connections
from psycopg.sql import SQL, Identifier
from uuid_utils.compat import uuid7

from analytics.asker import Asker
from analytics.errors import (
    DatasetBusy,
    DatasetNotReady,
    RunCancelled,
    SqlFailed,
    SqlTimedOut,
    TooCostly,
)
from analytics.models import Dataset, Question, SqlRun
from analytics.running import DEFAULT_LIMITS, READ_BACK_COST, RunLimits, cancel_runs, explain_sql, run_sql, sessions
from analytics.running import running as module
from analytics.running.limits import LONGEST_CELL
from tenants.errors import NotFound, PlatformError
from tests.analytics.running.conftest import CANARY

# Runs for as long as it is let, takes no memory, and looks cheap with the ceiling away.
ENDLESS = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b"
NO_CEILING = replace(DEFAULT_LIMITS, cost=1e30)


# --- Values ---------------------------------------------------------------------------------------------------
def test_values_come_as_they_are(stage):
    result = stage.run(
        "SELECT 1::int, 12345678901234567890123.10::numeric AS exact, 'NaN'::numeric AS none, '-Infinity'::float8, "
        "'文'::text, true, DATE '2024-02-29', TIME '12:30', TIMESTAMP '2024-01-01 10:00', "
        "TIMESTAMPTZ '2024-01-01 10:00+08', INTERVAL '26 hours', '{\"a\": 1.10}'::jsonb, NULL, ARRAY[1, 2], ''::text "
        "WHERE false UNION ALL SELECT 1, 12345678901234567890123.10, 'NaN', '-Infinity', '文', true, '2024-02-29', "
        "'12:30', '2024-01-01 10:00', '2024-01-01 10:00+08', INTERVAL '26 hours', '{\"a\": 1.10}', NULL, '{1,2}', ''"
    )

    (row,) = result.rows
    assert row[1] == Decimal("12345678901234567890123.10")
    assert row[2].is_nan()
    assert row[3] == float("-inf")
    assert row[6] == date(2024, 2, 29)
    assert row[8] == datetime(2024, 1, 1, 10)
    assert row[9] == datetime(2024, 1, 1, 2, tzinfo=UTC)
    assert row[10] == timedelta(hours=26)
    assert row[11] == {"a": Decimal("1.10")}
    assert (row[12], row[13]) == (None, [1, 2])
    assert [column.type for column in result.columns] == [
        "integer", "decimal", "decimal", "float", "text", "boolean", "date", "time", "timestamp", "timestamp",
        "interval", "json", "text", "json", "text",
    ]  # fmt: skip


def test_what_python_has_not_comes_as_text(stage):
    (row,) = stage.run(
        "SELECT 'infinity'::date, '0044-03-15 BC'::date, INTERVAL '1 month', '-infinity'::timestamptz"
    ).rows

    assert row == ("infinity", "0044-03-15 BC", "1 mon", "-infinity")


def test_two_columns_of_one_name_and_none_at_all(stage):
    twice = stage.run("SELECT id, id, name AS id FROM customers ORDER BY 1 LIMIT 1")
    assert [column.name for column in twice.columns] == ["id", "id", "id"]
    assert twice.rows == [(1, 1, "林晓")]
    assert stage.run("SELECT id FROM customers WHERE false").rows == []


# --- Limits ---------------------------------------------------------------------------------------------------
def test_rows_are_counted_outside_of_the_sql(stage):
    few = stage.run(
        "SELECT g, (SELECT count(*) FROM generate_series(1, 50)) FROM generate_series(1, 50) g", RunLimits(rows=7)
    )

    assert few.truncated
    assert few.rows == [(n, 50) for n in range(1, 8)]
    assert not stage.run("SELECT g FROM generate_series(1, 7) g", RunLimits(rows=7)).truncated


def test_bytes_are_counted_too(stage):
    wide = stage.run("SELECT g, repeat('x', 1000) FROM generate_series(1, 5000) g", RunLimits(size_bytes=100_000))

    assert wide.truncated
    assert 50 < len(wide.rows) < 150
    assert stage.run("SELECT 1").rows == [(1,)]


def test_a_huge_value_is_cut_off_by_the_server(stage):
    """Twenty megabytes stay where they are."""
    result = stage.run("SELECT string_agg(repeat('x', 1000), '') FROM generate_series(1, 20000)")

    assert result.truncated
    assert result.rows[0][0] == "x" * LONGEST_CELL + "…"
    json = stage.run("SELECT json_agg(repeat('x', 1000)) FROM generate_series(1, 2000)")
    assert (json.truncated, len(json.rows[0][0])) == (True, LONGEST_CELL + 1)


EXPLODING = {
    "cross join": "SELECT count(*) FROM " + ", ".join(f"orders o{n}" for n in range(10)),
    "series": ENDLESS,
    "recursion": "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 0 FROM r WHERE n < 10) SELECT count(*) FROM r",
    "doubling": "WITH RECURSIVE r(s, n) AS (SELECT 'x', 1 UNION ALL SELECT s || s, n + 1 FROM r WHERE n < 60) "
    "SELECT max(length(s)) FROM r",
    "sort": "SELECT max(x) FROM (SELECT a.a || '-' || b.b AS x FROM generate_series(1, 3000) AS a(a), "
    "generate_series(1, 3000) AS b(b) ORDER BY 1 OFFSET 10) y",
    "regular expression": "SELECT 'a' SIMILAR TO repeat('(a|b)*', 900)",
    "replacing": "SELECT length(replace(replace(repeat('a', 1000), 'a', repeat('a', 1000)), 'a', 'bbbbbbbbbb'))",
    "decimals": "SELECT 9.999999999 ^ 60000 > 9.999999998 ^ 60000",
    "unlimited rows": "SELECT * FROM generate_series(1, 100000) a, generate_series(1, 100000) b",
}  # fmt: skip


def test_what_explodes_is_stopped_and_the_next_question_is_answered(stage):
    """However it explodes: in time, memory or rows. The ceiling of the cost is away, so that the others show."""
    for name, sql in EXPLODING.items():
        began = time.monotonic()
        try:
            result = stage.run(sql, replace(NO_CEILING, timeout_s=0.3))
        except (SqlTimedOut, SqlFailed, TooCostly):
            pass
        else:
            assert len(result.rows) <= DEFAULT_LIMITS.rows, name
        assert time.monotonic() - began < 8, name

    assert stage.run("SELECT count(*) FROM orders").rows == [(6,)]


def test_what_costs_too_much_is_not_begun(stage):
    for sql in (ENDLESS, EXPLODING["unlimited rows"]):
        with pytest.raises(TooCostly) as refused:
            stage.run(sql)
        assert refused.value.plan.cost > DEFAULT_LIMITS.cost
        with pytest.raises(TooCostly):
            explain_sql(stage.books, sql)

    plan = explain_sql(stage.books, "SELECT sum(a * b) FROM generate_series(1, 9000) a, generate_series(1, 9000) b")
    assert plan.cost > READ_BACK_COST > explain_sql(stage.books, "SELECT * FROM orders").cost


def test_a_server_that_does_not_keep_its_limits_is_hung_up_on(stage, monkeypatch):
    begin = module.Session.begin

    def begin_without_an_end(session, limits):
        begin(session, replace(limits, timeout_s=50))

    monkeypatch.setattr(module.Session, "begin", begin_without_an_end)
    monkeypatch.setattr(module, "GRACE_S", 0.1)

    with pytest.raises(SqlTimedOut):
        stage.run(ENDLESS, replace(NO_CEILING, timeout_s=0.2))

    monkeypatch.undo()
    _wait_until(lambda: not _at_work(stage))  # the server has noticed that nobody waits


def test_only_so_many_run_at_once(stage, monkeypatch):
    monkeypatch.setitem(sessions._places, stage.books.pk, threading.BoundedSemaphore(1))

    with stage.session():
        with pytest.raises(DatasetBusy) as refused:
            stage.run("SELECT 1", RunLimits(timeout_s=0.05))

    assert refused.value.headers == {"Retry-After": "5"}
    assert stage.run("SELECT 1").rows == [(1,)]


# --- Errors ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sql", "condition"),
    [
        ("SELECT name::int FROM customers", "22P02"),
        ("SELECT name::date FROM customers", "22007"),
        ("SELECT to_date(name, 'YYYY') FROM customers", "22007"),
        ("SELECT amount / (id - id) FROM orders", "22012"),
        ("SELECT 1 WHERE (SELECT id FROM orders) = 1", "21000"),
        ("SELECT now() AT TIME ZONE name FROM customers", "22023"),
        ("SELECT date_trunc(name, now()) FROM customers", "22023"),
        ("SELECT name::jsonb FROM customers", "22P02"),
        ("SELECT 'a' ~ ('(' || name) FROM customers", "2201B"),
        ("SELECT ('1e' || id || '0000')::float8 FROM customers", "22003"),
        ("SELECT name::uuid FROM customers", "22P02"),
        ("SELECT email::int4range FROM customers", "22P02"),
        ("SELECT format('%I%s', name) FROM customers", "22023"),
    ],
)
def test_no_value_of_the_data_is_in_an_error(stage, sql, condition):
    with pytest.raises(SqlFailed) as failed:
        stage.run(sql)

    told = f"{failed.value.detail} {failed.value.message} {failed.value.hint} {failed.value.extra}"
    assert failed.value.condition == condition
    assert not [word for word in ("林", "Ada", "Brown", "陈", "example", "1e1") if word in told]


def test_wrong_names_come_with_the_nearest(stage):
    with pytest.raises(SqlFailed) as failed:
        stage.run("SELECT amuont FROM orders")

    assert failed.value.names == ("amount",)
    assert failed.value.message == 'column "amuont" does not exist'
    assert str(failed.value.detail) == 'PostgreSQL says: column "amuont" does not exist. Did you mean amount?'
    with pytest.raises(SqlFailed) as failed:
        stage.run("SELECT status, sum(amount) FROM orders GROUP BY id, quantity")
    assert failed.value.condition == "42803"


# --- Roles and sessions: each layer alone ------------------------------------------------------------------------
def _state(session, sql):
    """The SQLSTATE of what a session's server says to a statement as it is; None where it runs."""
    try:
        session.execute(sql)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def _role(stage):
    return Identifier(stage.books.role_name)


def test_reading_only_holds_where_the_role_could_write(stage):
    insert = f'INSERT INTO "{stage.books.schema_name}".customers (id) VALUES (9)'
    table = Identifier(stage.books.schema_name, "customers")
    stage.above.execute(SQL("GRANT INSERT ON {} TO {}").format(table, _role(stage)))
    try:
        with stage.session() as session:
            session.begin(DEFAULT_LIMITS)
            assert _state(session, insert) == "25006"  # read only
            session.reset()
            session.connection.execute("BEGIN READ WRITE")
            assert _state(session, insert) is None
            session.reset()
    finally:
        stage.above.execute(SQL("REVOKE INSERT ON {} FROM {}").format(table, _role(stage)))


def test_rights_hold_where_the_session_could_write(stage):
    with stage.session() as session:
        session.connection.execute("BEGIN READ WRITE")
        assert _state(session, f'INSERT INTO "{stage.books.schema_name}".customers (id) VALUES (9)') == "42501"
        session.reset()
        for statement in ("CREATE TEMP TABLE t (id int)", "CREATE TABLE public.t (id int)", "CREATE SCHEMA s"):
            session.connection.execute("BEGIN READ WRITE")
            assert _state(session, statement) == "42501", statement
            session.reset()
        assert _state(session, "SET ROLE troupe_owner") == "42501"
        assert _state(session, "COPY (SELECT 1) TO PROGRAM 'true'") == "42501"


def test_rights_hold_for_the_tables_of_others(stage):
    """And with the right, the row is seen: the canary sings."""
    query = f'SELECT secret FROM "{stage.vault.schema_name}".vault'
    schema, role = Identifier(stage.vault.schema_name), _role(stage)
    with stage.session() as session:
        assert _state(session, query) == "42501"
        assert _state(session, "SELECT * FROM public.tenants_tenant") == "42501"
        stage.above.execute(SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        stage.above.execute(SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, role))
        try:
            assert session.execute(query).get_value(0, 0) == CANARY.encode()
        finally:
            stage.above.execute(SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(schema, role))
            stage.above.execute(SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, role))


@pytest.mark.parametrize(
    "call",
    [
        "pg_sleep(0)", "set_config('a.b', 'c', true)", "pg_advisory_lock(1)", "lo_create(1)", "pg_notify('a', 'b')",
        "query_to_xml('SELECT 1', true, true, '')", "pg_terminate_backend(1)", "pg_read_file('/etc/passwd')",
        "pg_ls_dir('.')", "lo_import('/etc/passwd')", "pg_reload_conf()",
    ],
)  # fmt: skip
def test_rights_hold_for_functions(stage, call):
    with stage.session() as session:
        assert _state(session, f"SELECT {call}") == "42501"


def test_one_text_is_one_statement(stage):
    with stage.session() as session:
        assert _state(session, "SELECT 1; SELECT 2") == "42601"
        with pytest.raises(psycopg.errors.SyntaxError):
            session.describe("SELECT 1; SELECT 2")
        assert session.execute("SELECT 1").get_value(0, 0) == b"1"


def test_names_without_a_schema_are_postgresqls(stage):
    with stage.session() as session:
        session.begin(DEFAULT_LIMITS)
        assert _state(session, "SELECT * FROM orders") == "42P01"


def test_the_time_is_up_on_the_server(stage):
    with stage.session() as session:
        session.begin(RunLimits(timeout_s=0.05))
        assert _state(session, ENDLESS) == "57014"


# --- Stopping -------------------------------------------------------------------------------------------------
@pytest.fixture
def question(stage):
    with stage.acme.scope():
        return Question.objects.create(dataset=stage.books, question="How many?", status=Question.Status.RUNNING)


@pytest.fixture
def running(stage, question):
    """An endless query for a question, on a thread of its own; what it ended with."""
    ended = []

    def run():
        try:
            run_sql(
                stage.books, ENDLESS, origin=SqlRun.Origin.GENERATED, asker=stage.alice, question_id=question.pk,
                limits=NO_CEILING,
            )  # fmt: skip
        except Exception as error:  # told to the test
            ended.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    _wait_until(lambda: _at_work(stage))
    yield ended
    thread.join(30)


def test_a_question_is_stopped_in_the_database_at_once(stage, question, running):
    began = time.monotonic()

    cancel_runs(question.pk)

    _wait_until(lambda: running)
    assert isinstance(running[0], RunCancelled)
    _wait_until(lambda: not _at_work(stage))
    assert time.monotonic() - began < 5


def test_another_process_stops_it_too(stage, question, running):
    with patch.object(module, "_under_way", {}):  # that knows of no session
        with stage.acme.scope():
            cancel_runs(question.pk)

    _wait_until(lambda: running)
    assert isinstance(running[0], RunCancelled)
    _wait_until(lambda: not _at_work(stage))


def test_a_neighbour_stops_nothing(stage, globex, question, running):
    with patch.object(module, "_under_way", {}):
        with globex.scope():
            cancel_runs(question.pk)
        cancel_runs(uuid7())

    assert _at_work(stage)
    assert not running
    cancel_runs(question.pk)


def test_one_that_was_stopped_before_it_began_does_not_begin(stage, question):
    with stage.acme.scope():
        Question.objects.filter(pk=question.pk).update(status=Question.Status.CANCELLED)

    with pytest.raises(RunCancelled):
        run_sql(stage.books, "SELECT 1", origin=SqlRun.Origin.GENERATED, asker=stage.alice, question_id=question.pk)


def _at_work(stage):
    return stage.above.execute(
        "SELECT 1 FROM pg_stat_activity WHERE usename = %s AND state = 'active'", [stage.books.role_name]
    ).fetchall()


def _wait_until(holds, seconds=20):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


# --- The audit ------------------------------------------------------------------------------------------------
def test_every_attempt_is_written_down(stage):
    attempts = {
        "SELECT * FROM customers": "ok",
        "DELETE FROM customers": "not_a_query",
        "SELECT name::int FROM customers": "sql_failed",
        ENDLESS: "sql_too_costly",
    }
    for sql in attempts:
        with suppress(PlatformError):
            stage.run(sql)

    with stage.acme.scope():
        runs = list(SqlRun.objects.order_by("-pk")[: len(attempts)])
    assert {run.sql_given: run.verdict for run in runs} == attempts
    by_verdict = {run.verdict: run for run in runs}
    assert by_verdict["ok"].rows == 3
    assert by_verdict["ok"].sql_run == f'SELECT * FROM "{stage.books.schema_name}"."customers"'
    assert by_verdict["ok"].plan_cost > 0
    assert by_verdict["not_a_query"].sql_run == ""
    assert by_verdict["sql_too_costly"].plan_cost > DEFAULT_LIMITS.cost


def test_only_its_own_tenant_runs_on_a_dataset_and_only_when_it_is_ready(stage, globex):
    with pytest.raises(NotFound):
        run_sql(stage.books, "SELECT 1", origin=SqlRun.Origin.WRITTEN, asker=Asker(globex.id))

    with stage.acme.scope():
        unready = Dataset.objects.create(name="Later", kind=Dataset.Kind.FILES)
    with pytest.raises(DatasetNotReady):
        run_sql(unready, "SELECT 1", origin=SqlRun.Origin.WRITTEN, asker=stage.alice)


# --- The API --------------------------------------------------------------------------------------------------
def test_sql_is_run_through_the_api(stage):
    answer = stage.acme.api.post(
        f"/api/v1/analytics/datasets/{stage.books.pk}/run/",
        {"sql": "SELECT 城市, 金额 FROM 订单 WHERE 金额 > 100 ORDER BY 订单号"},
    )

    assert answer.status_code == 200
    body = answer.json()
    assert body["columns"] == [{"name": "城市", "type": "text"}, {"name": "金额", "type": "decimal"}]
    assert body["rows"] == [["杭州", 120], ["杭州", 300]]
    assert body["truncated"] is False
    assert body["elapsed_ms"] >= 0
    assert body["sql"].startswith('SELECT "城市", "金额" FROM "ds_')


@pytest.mark.parametrize(
    ("sql", "code", "rule"),
    [
        ("SELECT pg_sleep(1)", "sql_rejected", "function"),
        ("", "sql_rejected", "one_statement"),
        ("SELECT '\0'", "sql_rejected", "characters"),
        ("SELECT '\ud800'", "sql_rejected", "characters"),
        ("x" * 100_000, "sql_rejected", "too_long"),
        ("SELECT nothing FROM orders", "sql_failed", None),
        (ENDLESS, "sql_too_costly", None),
        (7, "invalid", None),
        (None, "invalid", None),
    ],
)
def test_the_api_says_which_rule_refused(stage, sql, code, rule):
    answer = stage.acme.api.post(f"/api/v1/analytics/datasets/{stage.books.pk}/run/", {"sql": sql})

    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json().get("rule") == rule


def test_the_api_needs_the_scope(stage, open_business):
    answer = open_business("Keyless", ("chat",)).api.post(
        f"/api/v1/analytics/datasets/{stage.books.pk}/run/", {"sql": "SELECT 1"}
    )

    assert answer.status_code == 403


def test_the_tenants_own_conversations_are_asked_the_same_way(stage, globex):
    for business in (stage.acme, globex):
        answer = business.api.post(
            "/api/v1/analytics/datasets/conversations/run/", {"sql": "SELECT count(*) AS n FROM conversations"}
        )
        assert answer.status_code == 200, answer.content
        assert answer.json()["rows"] == [[0]]
