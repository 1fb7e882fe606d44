"""A dataset's own role reads its own schema, and nothing else of the database."""

from typing import Any

import psycopg
import pytest
from django.db import connections

from analytics.catalogues import catalogue_of
from analytics.datasets.roles import CONNECTION_LIMIT, ROLE_SETTINGS, TEMP_FILE_LIMIT, parameters_of
from analytics.datasets.schemas import drop_schema
from tests.analytics.conftest import fill_table, make_dataset
from tests.conftest import Business


def as_role(dataset: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(**parameters_of(dataset.role_name, dataset.password), autocommit=True)


def test_the_role_reads_its_own_tables(shop):
    with as_role(shop) as connection:
        assert connection.execute("SELECT count(*), sum(quantity) FROM orders").fetchone() == (6, 12)


def test_the_catalogue_names_what_may_be_read(acme: Business, shop):
    with acme.scope():
        catalogue = catalogue_of(shop)

    assert catalogue.schema == shop.schema_name
    assert [table.name for table in catalogue.tables] == ["customers", "orders"]
    assert catalogue.tables[1].label == "订单"
    assert catalogue.tables[1].column("amount").type == "numeric(10,2)"


def refused(connection: Any, sql: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql)
    return str(caught.value)


def test_the_role_writes_nothing_makes_nothing_and_sees_nothing_else(acme: Business, globex: Business, shop):
    theirs = make_dataset(globex, {"secrets": ([("word", "text")], [("silver-7731",)])})
    with as_role(shop) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for sql in (
            "INSERT INTO orders (id) VALUES (9)",
            "DELETE FROM orders",
            "CREATE TABLE mine (id int)",
            "CREATE TEMP TABLE mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE VIEW seen AS SELECT 1",
            f"SELECT * FROM {theirs.schema_name}.secrets",
            "SELECT * FROM public.tenants_tenant",
            "SELECT * FROM pg_class",
            "SELECT * FROM pg_roles",
            "SELECT * FROM pg_stat_activity",
            "SELECT set_config('app.tenant', 'x', false)",
            "SELECT pg_sleep(60)",
            "SELECT pg_advisory_lock(1)",
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'x')",
            "SELECT query_to_xml('SELECT 1', true, true, '')",
            "SELECT pg_notify('a', 'b')",
            "SELECT pg_terminate_backend(pg_backend_pid())",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY orders TO PROGRAM 'true'",
            f"SET ROLE {theirs.role_name}",
            "SET temp_file_limit = -1",
        ):
            assert "permission denied" in refused(connection, sql), sql


def test_whatever_it_does_is_bounded(shop):
    with as_role(shop) as connection:
        found = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in [*ROLE_SETTINGS, "temp_file_limit"]}
    assert found == {**ROLE_SETTINGS, "temp_file_limit": TEMP_FILE_LIMIT, "statement_timeout": "1min"}
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            """SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit,
                      EXISTS (SELECT FROM pg_shdepend WHERE refobjid = pg_roles.oid AND deptype = 'o')
               FROM pg_roles WHERE rolname = %s""",
            [shop.role_name],
        )
        assert cursor.fetchone() == (False, False, False, False, False, False, CONNECTION_LIMIT, False)


def test_the_password_is_kept_sealed_and_the_server_keeps_its_verifier(acme: Business, shop):
    assert len(shop.password) >= 32
    assert shop.password.encode() not in bytes(shop.sealed_password)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(**parameters_of(shop.role_name, "guess"))


def test_a_table_that_comes_later_is_read_as_well(shop):
    fill_table(shop, "visits", [("day", "date")], [("2025-01-01",)])

    with as_role(shop) as connection:
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (1,)


def test_nothing_is_left_of_a_schema_that_was_dropped(shop):
    with as_role(shop) as open_session:
        drop_schema(shop.schema_name)

        with pytest.raises(psycopg.OperationalError):
            open_session.execute("SELECT 1")
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_roles, pg_namespace WHERE rolname = %s OR nspname = %s", [shop.role_name] * 2
        )
        assert cursor.fetchone() == (0,)
    drop_schema(shop.schema_name)
