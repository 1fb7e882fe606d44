"""The server refuses to serve from a database that isolates nothing, and says why."""

import gc
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import OperationalError, connections
from psycopg.sql import SQL, Identifier

from config.startup import CannotStart, database_problems, verify
from tests.plugin import services


@contextmanager
def superuser(**options: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(services.superuser_url, autocommit=True, **options) as connection:
        yield connection


def problems_of(**options: str) -> list[str]:
    """What is found over the superuser's address with these parts changed."""
    with superuser(**options) as connection:
        return database_problems(connection.cursor())


@pytest.fixture
def our_database() -> str:
    return str(connections["default"].settings_dict["NAME"])


@pytest.fixture
def name() -> str:
    return f"startup-{secrets.token_hex(4)}"


@pytest.fixture
def bare_database(name: str) -> Iterator[str]:
    """A database without our extensions, whose characters are bytes."""
    with superuser() as connection:
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'").format(Identifier(name))
        )
        yield name
        connection.execute(SQL("DROP DATABASE {}").format(Identifier(name)))


@pytest.fixture
def bypassing_role(name: str) -> Iterator[str]:
    """Serves as the application does, yet no policy holds for it."""
    with superuser() as connection:
        role = Identifier(name)
        connection.execute(SQL("CREATE ROLE {} LOGIN BYPASSRLS PASSWORD 'x' IN ROLE troupe_app").format(role))
        yield name
        connection.execute(SQL("DROP ROLE {}").format(role))


def test_our_own_database_lacks_nothing():
    verify()

    with connections["default"].cursor() as cursor:
        assert database_problems(cursor) == []


def test_a_superuser_sees_past_the_walls(our_database):
    assert any("row-level security" in problem for problem in problems_of(dbname=our_database))


def test_a_role_that_bypasses_row_security_is_refused(our_database, bypassing_role):
    problems = problems_of(dbname=our_database, user=bypassing_role, password="x")

    assert len(problems) == 1
    assert f"«{bypassing_role}»" in problems[0]
    assert "row-level security" in problems[0]


def test_a_role_that_the_policies_do_not_know_is_refused(our_database, name):
    with superuser() as connection:
        role, database = Identifier(name), Identifier(our_database)
        connection.execute(SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(role))
        connection.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
        try:
            problems = problems_of(dbname=our_database, user=name, password="x")
        finally:
            connection.execute(SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(database, role))
            connection.execute(SQL("DROP ROLE {}").format(role))

    assert len(problems) == 1
    assert "troupe_app" in problems[0]


def test_missing_extensions_are_named_with_what_mends_them(bare_database):
    problems = " ".join(problems_of(dbname=bare_database))

    assert "CREATE EXTENSION vector;" in problems
    assert "CREATE EXTENSION pg_trgm;" in problems


def test_a_database_that_sees_no_chinese_is_refused(bare_database):
    with superuser(dbname=bare_database) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE EXTENSION pg_trgm")

    problems = problems_of(dbname=bare_database)

    assert any("LC_CTYPE" in problem for problem in problems)
    assert not any("EXTENSION" in problem for problem in problems)


def test_a_database_that_does_not_answer_stops_the_start(monkeypatch: pytest.MonkeyPatch):
    class Away:
        def cursor(self) -> None:
            raise OperationalError("connection refused\nIs the server running?")

        def close(self) -> None:
            pass

    monkeypatch.setattr("config.startup.connections", {"default": Away()})

    with pytest.raises(CannotStart, match=r"does not answer at DATABASE_URL: connection refused$"):
        verify()


def test_an_old_pgvector_is_refused():
    class OldServer:
        """Answers as a server with pgvector 0.7.4 would."""

        def execute(self, query: str) -> None:
            self.query = query

        def fetchone(self) -> tuple[Any, ...]:
            if "pg_roles WHERE rolname = current_user" in self.query:
                return ("troupe_app", False, False)
            return (True,)

        def fetchall(self) -> list[tuple[str, str]]:
            return [("vector", "0.7.4"), ("pg_trgm", "1.6")]

    assert database_problems(OldServer()) == ["pgvector 0.7.4 is too old; 0.8.2 or newer is needed (CVE-2026-3172)."]


def test_what_was_not_looked_for_while_all_was_imported_is_looked_for_again():
    gc.disable()
    try:
        apps.get_app_config("troupe").ready()

        assert gc.isenabled()
    finally:
        gc.enable()
