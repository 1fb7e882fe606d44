"""The SQL that a superuser runs once: roles, the database, its extensions, and what nobody else may. Safe to run again.

| role | does | may not |
| --- | --- | --- |
| owner | owns database and tables, migrates, makes roles for datasets | bypass row security, be superuser |
| app | serves requests and jobs, under row-level security | own anything, bypass row security |
| system | relay and sweeper, which look across tenants | the same |
| views | owns the views of each tenant's conversations; nobody logs in as it | anything but read what they show |
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

EXTENSIONS = ("vector", "pg_trgm")
# Lower attributes first: a role that was made by hand with more rights loses them.
PLAIN = SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOREPLICATION")
# Migrations name it in policies and grants.
VIEWS = "troupe_views"

# Functions that read a query from a text, wait, lock, signal, set, or show other people's definitions. Every role may
# call them unless told otherwise; a dataset's role is kept from them by the gate, and here once more.
UNSAFE_FUNCTIONS = (
    "^(lo_.*|loread|lowrite|pg_sleep.*|pg_(try_)?advisory_.*|set_config|pg_notify|dblink.*"
    "|(query|cursor|table|schema|database)_to_xml.*|ts_stat|ts_rewrite|pg_(cancel|terminate)_backend"
    "|pg_export_snapshot|pg_current_xact_id.*|txid_current.*|pg_get_[a-z_]*def|pg_stat_get_activity"
    "|pg_(database|tablespace|relation|total_relation|table|indexes)_size|pg_log_backend_memory_contexts)$"
)
# Takes from everybody what only the roles here need. What PostgreSQL itself keeps for superusers stays with them. In a
# hosted PostgreSQL, whose administrator is no superuser, it says that it may not, and goes on: the gate stands.
CLOSE = """
DECLARE thing text;
BEGIN
    FOR thing IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE proname ~ {names} AND prokind = 'f' AND has_function_privilege('public', oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', thing);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {app}, {owner}, {system}', thing);
    END LOOP;
    FOR thing IN
        SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
          AND has_table_privilege('public', oid, 'SELECT')
    LOOP
        EXECUTE format('REVOKE SELECT ON %s FROM PUBLIC', thing);
        EXECUTE format('GRANT SELECT ON %s TO {app}, {owner}, {system}, pg_monitor', thing);
    END LOOP;
    GRANT SET ON PARAMETER temp_file_limit TO {owner};
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'Only a superuser can keep datasets from functions and catalogs: %', SQLERRM;
END
"""


@dataclass(frozen=True, slots=True)
class Login:
    role: str
    password: str


@dataclass(frozen=True, slots=True)
class Logins:
    """Who connects to the database, and its name."""

    app: Login
    owner: Login
    system: Login
    database: str = "troupe"

    @classmethod
    def of_urls(cls, *, app_url: str, owner_url: str, system_url: str) -> Logins:
        """Take roles, passwords and the database's name from the URLs that Troupe is configured with."""
        app, owner, system = (login_of(url) for url in (app_url, owner_url, system_url))
        return cls(app, owner, system, unquote(urlsplit(app_url).path.lstrip("/")))


def login_of(url: str) -> Login:
    parts = urlsplit(url)
    return Login(unquote(parts.username or ""), unquote(parts.password or ""))


def bootstrap_sql(logins: Logins) -> str:
    """Return all of it as one script for psql, for a DBA to read and run as superuser."""
    database = Identifier(logins.database)
    create = create_database(logins.database, owner=logins.owner.role, template="template0")
    script = SQL("\n").join(
        [
            SQL("-- Run once as superuser: psql -v ON_ERROR_STOP=1 -d postgres -f <this file>"),
            *roles(logins),
            SQL("SELECT {create} WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {name}) \\gexec").format(
                create=Literal(create.as_string()), name=Literal(logins.database)
            ),
            SQL("\\connect {database}").format(database=database),
            *contents(logins),
        ]
    )
    return script.as_string() + "\n"


def bootstrap(superuser_url: str, logins: Logins, *, template: str | None = None) -> None:
    """Do it, over the superuser's URL of any database of the server. What is there already is kept.

    `template` names a template database to make as well, with the extensions in it: the owner can make test
    databases from it, which it could not give the extensions itself.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for statement in roles(logins):
            connection.execute(statement)
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()]
        if template is not None and template not in names:
            connection.execute(create_database(template, owner=logins.owner.role, template="template0"))
        if logins.database not in names:
            connection.execute(create_database(logins.database, owner=logins.owner.role, template="template0"))
        if template is not None:
            connection.execute(SQL("ALTER DATABASE {} IS_TEMPLATE true").format(Identifier(template)))
    for database in filter(None, (template, logins.database)):
        with psycopg.connect(superuser_url, dbname=database, autocommit=True) as connection:
            for statement in contents(logins):
                connection.execute(statement)


def roles(logins: Logins) -> list[Composed]:
    """Statements that make the three roles, or bring them back to what they should be."""
    # What the owner makes (a role per dataset) it may also act as.
    grant_self = SQL("ALTER ROLE {} SET createrole_self_grant = 'set, inherit';").format(Identifier(logins.owner.role))
    return [
        *role(logins.owner, SQL("CREATEDB CREATEROLE")),
        grant_self,
        *role(logins.app, SQL("NOCREATEDB NOCREATEROLE")),
        *role(logins.system, SQL("NOCREATEDB NOCREATEROLE")),
        _create_role(VIEWS),
        SQL("ALTER ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS NOREPLICATION NOCREATEDB NOCREATEROLE;").format(
            Identifier(VIEWS)
        ),
        SQL("GRANT {} TO {} WITH INHERIT TRUE, SET TRUE;").format(Identifier(VIEWS), Identifier(logins.owner.role)),
    ]


def role(login: Login, rights: SQL) -> list[Composed]:
    return [
        _create_role(login.role),
        SQL("ALTER ROLE {role} {plain} {rights} PASSWORD {password};").format(
            role=Identifier(login.role), plain=PLAIN, rights=rights, password=Literal(login.password)
        ),
    ]


def _create_role(name: str) -> Composed:
    create = SQL("CREATE ROLE {}").format(Identifier(name)).as_string()
    body = f"BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END"
    return SQL("DO {};").format(Literal(body))


def create_database(name: str, *, owner: str, template: str) -> Composed:
    # LC_CTYPE must know Unicode, or trigrams see no Chinese.
    return SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ENCODING 'UTF8' LOCALE 'C.UTF-8'").format(
        Identifier(name), Identifier(owner), Identifier(template)
    )


def contents(logins: Logins) -> list[Composed]:
    """Statements for inside the database."""
    app, owner, system = (Identifier(login.role) for login in (logins.app, logins.owner, logins.system))
    database = Identifier(logins.database)
    close = SQL(CLOSE).format(names=Literal(UNSAFE_FUNCTIONS), app=app, owner=owner, system=system)
    return [
        *(SQL("CREATE EXTENSION IF NOT EXISTS {};").format(Identifier(name)) for name in EXTENSIONS),
        # The owner's already, unless the database was made by somebody else.
        SQL("GRANT ALL ON SCHEMA public TO {};").format(owner),
        SQL("GRANT CREATE ON DATABASE {} TO {};").format(database, owner),
        # A dataset's role is let in by name, makes no temporary tables and sees nothing of what is ours.
        SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC;").format(database),
        SQL("GRANT CONNECT ON DATABASE {} TO {}, {}, {};").format(database, app, owner, system),
        SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC;").format(),
        SQL("GRANT USAGE ON SCHEMA public TO {}, {}, {};").format(app, system, Identifier(VIEWS)),
        SQL("DO {};").format(Literal(close.as_string())),
    ]
