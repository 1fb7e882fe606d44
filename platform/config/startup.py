"""What must hold before anything is served, said in sentences."""

from typing import Any

from django.db import DatabaseError, connections

from config.environment import BadEnvironment, load

MIN_PGVECTOR = (0, 8, 2)


class CannotStart(Exception):
    """Why we refuse to serve, and what to do."""


def verify() -> None:
    """Look at the database that we are about to serve from. Raises CannotStart."""
    try:
        load()
        with connections["default"].cursor() as cursor:
            problems = database_problems(cursor)
    except BadEnvironment as error:
        raise CannotStart(str(error)) from None
    except DatabaseError as error:
        raise CannotStart(f"PostgreSQL does not answer at DATABASE_URL: {str(error).strip().splitlines()[0]}") from None
    finally:
        connections["default"].close()
    if problems:
        raise CannotStart(" ".join(problems))


OTHER_ROLE = "DATABASE_URL must connect as troupe_app or a member of it: the policies are made for that role."


def database_problems(cursor: Any) -> list[str]:
    """What this server lacks, one sentence each.

    `manage.py bootstrap_db` prints the SQL that mends most of it.
    """
    cursor.execute("SELECT has_table_privilege('pg_catalog.pg_roles', 'SELECT')")
    if not cursor.fetchone()[0]:  # bootstrap leaves that to our own roles
        return [OTHER_ROLE]
    cursor.execute("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    role, is_superuser, bypasses = cursor.fetchone()
    problems = []
    if is_superuser or bypasses:
        problems.append(
            f"DATABASE_URL connects as «{role}», which sees past row-level security; connect as troupe_app instead."
        )
    cursor.execute("SELECT pg_has_role(current_user, oid, 'USAGE') FROM pg_roles WHERE rolname = 'troupe_app'")
    found = cursor.fetchone()
    if not found or not found[0]:
        problems.append(OTHER_ROLE)
    cursor.execute("SELECT extname, extversion FROM pg_extension WHERE extname IN ('vector', 'pg_trgm')")
    versions = dict(cursor.fetchall())
    if "vector" not in versions:
        problems.append("The extension «vector» is missing; a superuser runs: CREATE EXTENSION vector;")
    elif tuple(int(part) for part in versions["vector"].split(".")[:3]) < MIN_PGVECTOR:
        problems.append(f"pgvector {versions['vector']} is too old; 0.8.2 or newer is needed (CVE-2026-3172).")
    if "pg_trgm" not in versions:
        problems.append("The extension «pg_trgm» is missing; a superuser runs: CREATE EXTENSION pg_trgm;")
    else:
        cursor.execute("SELECT cardinality(show_trgm('知识库')) > 0")
        if not cursor.fetchone()[0]:
            problems.append("This database's LC_CTYPE sees no Chinese; create it with C.UTF-8 or another UTF-8 locale.")
    return problems


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Any other WebSocket address."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})
