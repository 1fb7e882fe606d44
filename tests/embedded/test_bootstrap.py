"""The roles, the database and what is in it: as the launcher makes them, and as a DBA would."""

import secrets
import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from embedded.bootstrap import Login, Logins, bootstrap, bootstrap_sql
from embedded.postgres import installed_at
from tests.plugin import services


@pytest.fixture
def logins() -> Iterator[Logins]:
    """Names that nobody has used; awkward ones, since a DBA chooses them."""
    mark = secrets.token_hex(4)
    made = Logins(
        Login(f"app-{mark}", "it's \\ tea"),
        Login(f'own"er-{mark}', "乌龙'; --"),
        Login(f"system {mark}", "x"),
        f"tea house {mark}",
    )
    yield made
    with superuser() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{made.database}"')
        for login in (made.app, made.owner, made.system):
            name = login.role.replace('"', '""')
            connection.execute(f'DROP OWNED BY "{name}"')
            connection.execute(f'DROP ROLE "{name}"')


def superuser(**options: str) -> psycopg.Connection:
    return psycopg.connect(services.superuser_url, autocommit=True, **options)


def login(as_: Login, logins: Logins) -> psycopg.Connection:
    return psycopg.connect(
        services.superuser_url, user=as_.role, password=as_.password, dbname=logins.database, autocommit=True
    )


def rights(login: Login) -> tuple[bool, ...] | None:
    query = """
        SELECT rolsuper, rolbypassrls, rolreplication, rolcreaterole, rolcreatedb, rolcanlogin
        FROM pg_roles WHERE rolname = %s"""
    with superuser() as connection:
        return connection.execute(query, [login.role]).fetchone()


def test_roles_may_what_they_must_and_nothing_else(logins):
    bootstrap(services.superuser_url, logins)

    assert rights(logins.app) == (False, False, False, False, False, True)
    assert rights(logins.system) == (False, False, False, False, False, True)
    assert rights(logins.owner) == (False, False, False, True, True, True)


def test_it_may_be_run_again_and_takes_back_what_was_given_by_hand(logins):
    bootstrap(services.superuser_url, logins)
    with superuser() as connection:
        connection.execute(f"ALTER ROLE \"{logins.app.role}\" SUPERUSER BYPASSRLS CREATEDB PASSWORD 'other'")

    bootstrap(services.superuser_url, logins)

    assert rights(logins.app) == (False, False, False, False, False, True)
    with login(logins.app, logins) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_script_for_a_dba_does_the_same(logins):
    for _ in range(2):
        done = subprocess.run(
            [installed_at() / "pginstall/bin/psql", "-v", "ON_ERROR_STOP=1", services.superuser_url],
            input=bootstrap_sql(logins), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    assert rights(logins.owner) == (False, False, False, True, True, True)
    with login(logins.owner, logins) as connection:
        connection.execute("CREATE TABLE tea (name text)")
    with login(logins.app, logins) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM tea")


def test_the_database_knows_chinese_and_vectors(logins):
    bootstrap(services.superuser_url, logins)

    with login(logins.app, logins) as connection:
        trigrams = connection.execute("SELECT cardinality(show_trgm('知识库检索'))").fetchone()
        distance = connection.execute("SELECT '[1,2]'::vector <-> '[1,4]'::vector").fetchone()
        version = connection.execute("SELECT extversion FROM pg_extension WHERE extname = %s", ["vector"]).fetchone()
    assert trigrams == (6,)
    assert distance == (2.0,)
    assert tuple(map(int, version[0].split("."))) >= (0, 8, 2)


def test_the_owner_makes_roles_for_datasets_and_acts_as_them(logins):
    bootstrap(services.superuser_url, logins)
    reader = f"dataset_{secrets.token_hex(4)}"

    with login(logins.owner, logins) as connection:
        connection.execute(f"CREATE ROLE {reader} LOGIN")
        connection.execute(f"CREATE SCHEMA AUTHORIZATION {reader}")
        connection.execute(f"SET ROLE {reader}")
        connection.execute(f"CREATE VIEW {reader}.one AS SELECT 1")
        connection.execute("RESET ROLE")
        connection.execute(f"DROP SCHEMA {reader} CASCADE")
        connection.execute(f"DROP ROLE {reader}")


def test_nobody_gets_in_without_the_password():
    for role in ("postgres", "troupe_app", "troupe_owner"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(services.superuser_url, user=role, password="guess")


def test_the_owner_makes_databases_from_the_template():
    name = f"fresh_{secrets.token_hex(4)}"
    with psycopg.connect(services.database_owner_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE troupe_template")
    with psycopg.connect(services.database_owner_url, dbname=name) as connection:
        connection.execute("CREATE TABLE t (e vector(3)); CREATE EXTENSION IF NOT EXISTS vector")
    with psycopg.connect(services.database_owner_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name}")
