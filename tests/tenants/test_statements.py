"""SQL that is written once reads and writes what the ORM does, whoever's turn it is."""

import os
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from psycopg.pq import TransactionStatus

from llm.models import ModelCall, Route
from tenants.models import ApiKey
from tenants.postgresql.direct import DirectCursor, keeps_statements
from tenants.statements import Param, Select, Update, insertion, write, write_at_once

NAMED = Select(lambda: Route.objects.filter(slug=Param("slug")).select_related("tenant").order_by("pk"))
PRICES = Select(
    lambda: Route.objects.filter(price_input__gte=Param("least")).order_by("slug").values_list("slug", "price_input")
)
RENAME = Update(lambda: Route.objects.filter(slug=Param("slug")), "name", "price_input", timeout_s=F("timeout_s") + 1)


def route(slug: str, **fields: object) -> Route:
    return Route.objects.create(slug=slug, name=slug.title(), base_url="https://models.example/v1", **fields)


def test_rows_are_read_as_the_orm_reads_them(acme):
    with acme.scope():
        route("main", price_input=Decimal("2.50"))
        found = NAMED.first(slug="main")
        expected = Route.objects.get(slug="main")

    assert found == expected
    assert model_to_dict(found) == model_to_dict(expected)
    assert found.tenant == acme.tenant  # with the related row, so that nobody asks for it again
    assert not found._state.adding


def test_values_are_filled_in_anew_with_each_call(acme):
    with acme.scope():
        route("cheap", price_input=Decimal(1))
        route("dear", price_input=Decimal(30))

        assert [slug for slug, _price in PRICES.all(least=Decimal(0))] == ["cheap", "dear"]
        assert PRICES.all(least=Decimal(10)) == [("dear", Decimal(30))]
        assert PRICES.first(least=Decimal(31)) is None


def test_django_does_not_write_the_sql_again(acme, monkeypatch):
    with acme.scope():
        NAMED.first(slug="main")
        monkeypatch.setattr("django.db.models.sql.compiler.SQLCompiler.as_sql", None)

        assert NAMED.first(slug="nothing of this name") is None


def test_a_value_is_a_value_and_never_sql(acme):
    with acme.scope():
        route("main")

        assert NAMED.first(slug="' OR true --") is None
        assert RENAME(slug="main", name="%s'); DROP TABLE llm_route; --", price_input=Decimal(1)) == 1
        assert Route.objects.get().name == "%s'); DROP TABLE llm_route; --"


def test_the_neighbours_rows_are_neither_read_nor_changed(acme, globex):
    with acme.scope():
        route("main")
    with globex.scope():
        assert NAMED.all(slug="main") == []
        assert RENAME(slug="main", name="Mine now", price_input=Decimal(0)) == 0
    assert NAMED.all(slug="main") == []  # nor outside of any scope

    with acme.scope():
        assert Route.objects.get().name == "Main"


def test_an_update_sets_what_is_given_and_what_is_always_set(acme):
    with acme.scope():
        before = route("main", price_input=Decimal(1))
        assert RENAME(slug="main", name="Everyday", price_input=Decimal("0.15")) == 1
        after = Route.objects.get()

    assert (after.name, after.price_input, after.timeout_s) == ("Everyday", Decimal("0.15"), before.timeout_s + 1)


def test_a_row_is_inserted_as_it_would_be_saved(acme):
    with acme.scope():
        call = ModelCall(operation="chat", route="main", model="m", outcome="ok", cost=Decimal("0.001"))
        write(insertion(call))

        assert model_to_dict(ModelCall.objects.get()) == model_to_dict(call)
        assert call.tenant_id == acme.tenant.pk
        call.outcome = "failed"
        call.save()  # it is known to be there: this updates
        assert ModelCall.objects.get().outcome == "failed"


def test_fields_that_are_no_plain_values_are_inserted_too(acme):
    with acme.scope():
        key = ApiKey(name="server", prefix="tk_1", digest="d" * 64, scopes=["chat", "npc"])
        write(insertion(key))

        assert ApiKey.objects.get(pk=key.pk).scopes == ["chat", "npc"]


def test_several_writes_go_one_after_the_other(acme):
    with acme.scope(), CaptureQueriesContext(connection) as queries:
        write(
            insertion(Route(slug="main", name="Main", base_url="https://models.example/v1")),
            insertion(Route(slug="spare", name="Spare", base_url="https://models.example/v1")),
            RENAME.of(slug="main", name="100 % ours", price_input=Decimal(2)),
        )

        assert len(queries) == 3
        assert list(Route.objects.order_by("slug").values_list("name", flat=True)) == ["100 % ours", "Spare"]


def test_a_row_for_a_neighbour_is_refused(acme, globex):
    with pytest.raises(Exception, match="row-level security"), acme.scope():
        write(insertion(Route(tenant_id=globex.tenant.pk, slug="x", name="X", base_url="https://models.example/v1")))


def plans_after_eight_times() -> list[tuple[int, int]]:
    """Of what is prepared on a fresh connection: how often with a plan for these values, and with the one kept."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as fresh:
        for number in range(8):
            DirectCursor(fresh, prepares=keeps_statements(fresh)).execute(
                "SELECT slug FROM llm_route WHERE slug = %s", [f"route {number}"]
            )
        return fresh.execute("SELECT custom_plans, generic_plans FROM pg_prepared_statements").fetchall()


def test_the_database_plans_a_statement_once(acme):
    ((custom, kept),) = plans_after_eight_times()

    assert custom + kept == 8
    assert kept > 0


def test_nothing_is_prepared_where_a_pooler_deals_out_servers(acme, monkeypatch):
    monkeypatch.setattr(psycopg.ConnectionInfo, "backend_pid", 1)  # a pooler makes one up

    assert plans_after_eight_times() == []


@pytest.fixture
def fresh() -> Iterator[psycopg.Connection[Any]]:
    """A connection that nothing was prepared on."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as fresh:
        yield fresh


def ask(fresh: psycopg.Connection[Any], sql: str, values: Any = (), *, prepares: bool = True) -> list[Any]:
    cursor = DirectCursor(fresh, prepares=prepares)
    cursor.execute(sql, values)
    return cursor.fetchall()


@pytest.mark.parametrize("prepares", [True, False])
def test_places_may_have_names_and_a_percent_sign_is_two(fresh, prepares):
    named = "SELECT %(a)s::int - %(b)s::int, %(a)s::int, '100 %%'"
    assert ask(fresh, named, {"a": 5, "b": 3}, prepares=prepares) == [(2, 5, "100 %")]
    assert ask(fresh, "SELECT %s::text || %s", ["a", "%s"], prepares=prepares) == [("a%s",)]


@pytest.mark.parametrize("sql", ["SELECT %d", "SELECT 100 % of"])
def test_a_percent_sign_that_means_nothing_is_refused(fresh, sql):
    with pytest.raises(psycopg.ProgrammingError, match="no place for a value"):
        ask(fresh, sql)


@pytest.mark.parametrize(
    ("sql", "values", "error"),
    [
        ("SELECT nonsense", [], psycopg.errors.UndefinedColumn),  # as it is prepared
        ("SELECT 1 / %s", [0], psycopg.errors.DivisionByZero),  # as it is run
        ("SELECT %s::text", [], psycopg.errors.ProtocolViolation),  # too few values
    ],
)
def test_what_fails_is_told_as_psycopg_tells_it_and_leaves_nothing_behind(fresh, sql, values, error):
    with pytest.raises(error):
        ask(fresh, sql, values)

    assert ask(fresh, "SELECT 1 / %s", [1]) == [(1,)]


def test_of_what_is_prepared_the_least_used_goes(fresh, monkeypatch):
    monkeypatch.setattr("tenants.postgresql.direct.MOST_STATEMENTS", 3)

    for number in range(6):
        assert ask(fresh, f"SELECT %s + {number}", [1]) == [(1 + number,)]
        assert ask(fresh, "SELECT %s", ["often"]) == [("often",)]

    kept = {statement for (statement,) in fresh.execute("SELECT statement FROM pg_prepared_statements").fetchall()}
    assert kept == {"SELECT $1", "SELECT $1 + 4", "SELECT $1 + 5"}


def test_a_transaction_begins_with_the_first_statement(fresh):
    fresh.autocommit = False

    ask(fresh, "SELECT 1")
    assert fresh.info.transaction_status == TransactionStatus.INTRANS
    fresh.rollback()

    assert ask(fresh, "SELECT 1") == [(1,)]  # what was prepared outlives it


def test_a_server_that_hangs_up_is_away(fresh):
    with socket.socket(fileno=os.dup(fresh.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)

    with pytest.raises(psycopg.OperationalError):
        ask(fresh, "SELECT 1")


def test_statements_at_once_write_what_they_write_one_by_one(acme, monkeypatch):
    with acme.scope():
        route("main")
        told = []
        monkeypatch.setattr(
            "tenants.statements.write", lambda *statements: (told.extend(statements), write(*statements))
        )

        rows = [
            Route(slug=f"route-{number}", name="Route", base_url="https://models.example/v1") for number in range(4)
        ]
        renamed = RENAME.of(slug="main", name="New", price_input=Decimal(3))
        write_at_once(*map(insertion, rows), renamed)

        assert Route.objects.filter(slug__startswith="route-").count() == 4
        assert Route.objects.get(slug="main").name == "New"
        for row in rows:
            assert model_to_dict(Route.objects.get(pk=row.pk)) == model_to_dict(row)
    assert len(told) == 1
