"""What there is in a tenant's own database: tables, columns, keys, and whether its user is fit for this."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from analytics.datasets.connecting import external_parameters
from analytics.datasets.describing import ColumnFound, TableFound
from analytics.errors import (
    DatasetDatabaseMissing,
    DatasetLoginRefused,
    DatasetRoleTooStrong,
    DatasetSchemaEmpty,
    DatasetTooWide,
    DatasetUnreachable,
)

# More than anybody asks about, and little enough to read at once.
MAX_TABLES = 500
MAX_COLUMNS = 20_000
TIMEOUT_MS = 15_000

_ROLE = "SELECT rolsuper OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
           CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'm') THEN c.reltuples::bigint END,
           left(obj_description(c.oid, 'pg_class'), 2000), left(col_description(c.oid, a.attnum), 2000),
           has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
               OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    ORDER BY c.relname, a.attnum
    LIMIT %s
"""
_KEYS = """
    SELECT l.relname, la.attname, r.relname, ra.attname
    FROM pg_constraint k
    JOIN pg_namespace n ON n.oid = k.connamespace AND n.nspname = %s
    JOIN pg_class l ON l.oid = k.conrelid
    JOIN pg_class r ON r.oid = k.confrelid AND r.relnamespace = n.oid
    JOIN pg_attribute la ON la.attrelid = l.oid AND la.attnum = k.conkey[1]
    JOIN pg_attribute ra ON ra.attrelid = r.oid AND ra.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
    ORDER BY 1, 2 LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Found:
    tables: tuple[TableFound, ...]
    # Foreign keys of one column: (table, column) and what it names.
    keys: tuple[tuple[tuple[str, str], tuple[str, str]], ...]
    # Its user could write, were it not for our read-only transactions.
    may_write: bool


def look_into(address: dict[str, Any], password: str, schema: str) -> Found:
    """Read the tables and views of one schema that the user may read.

    Raises DatasetUnreachable, DatasetLoginRefused, DatasetDatabaseMissing, DatasetRoleTooStrong, DatasetSchemaEmpty,
    DatasetTooWide. Nothing of the server's own words is passed on.
    """
    with _connected(address, password) as connection:
        strong = connection.execute(_ROLE).fetchone()
        if strong is None or strong[0]:
            raise DatasetRoleTooStrong
        rows = connection.execute(_COLUMNS, [schema, MAX_COLUMNS + 1]).fetchall()
        keys = connection.execute(_KEYS, [schema]).fetchall()
    if not rows:
        raise DatasetSchemaEmpty
    tables = _tables(rows)
    if len(rows) > MAX_COLUMNS or len(tables) > MAX_TABLES:
        raise DatasetTooWide
    return Found(tables, tuple(((a, b), (c, d)) for a, b, c, d in keys), any(row[6] for row in rows))


def _tables(rows: list[tuple[Any, ...]]) -> tuple[TableFound, ...]:
    columns: dict[str, list[ColumnFound]] = defaultdict(list)
    facts: dict[str, tuple[int | None, str]] = {}
    for table, column, kind, row_count, about_table, about_column, _may_write in rows:
        columns[table].append(ColumnFound(column, kind, description=about_column or ""))
        facts[table] = row_count, about_table or ""
    return tuple(
        TableFound(name, tuple(columns[name]), description=about, row_count=row_count)
        for name, (row_count, about) in facts.items()
    )


@contextmanager
def _connected(address: dict[str, Any], password: str) -> Iterator[Connection[Any]]:
    """A read-only transaction there. Its errors may quote the password or rows: they end here."""
    try:
        with psycopg.connect(
            **external_parameters(address, password), application_name="troupe", client_encoding="utf8"
        ) as connection:
            connection.read_only = True
            connection.prepare_threshold = None
            connection.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}; SET LOCAL search_path = pg_catalog")
            yield connection
            connection.rollback()
    except psycopg.Error as error:
        raise _failure(error) from None


def _failure(error: psycopg.Error) -> Exception:
    """By SQLSTATE; libpq gives none for a refused login, whose text is then all there is to tell by."""
    state, text = error.sqlstate or "", str(error)
    if state.startswith("28") or "authentication failed" in text or "no pg_hba.conf entry" in text:
        return DatasetLoginRefused()
    if state == "3D000" or ("database" in text and "does not exist" in text):
        return DatasetDatabaseMissing()
    return DatasetUnreachable()
