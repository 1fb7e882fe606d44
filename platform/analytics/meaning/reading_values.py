"""Counting and sampling what is in a dataset's columns: bounded, through the gate, as the dataset's own role."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

from analytics.catalogue import Catalogue, Column
from analytics.errors import SqlRejected
from analytics.gate import check
from analytics.models import Dataset
from analytics.running.limits import RunLimits
from analytics.running.sessions import Session, deadline, session_of

logger = logging.getLogger(__name__)

# Rows that are looked at: of a larger table the first ones, which is enough to say what a column holds.
MOST_ROWS = 200_000
MOST_VALUES = 1000  # of a column, by rank
COLUMNS_AT_ONCE = 20
CUT = 200  # characters of a value
LIMITS = RunLimits(timeout_s=30)
_ORDERED = ("smallint", "integer", "bigint", "numeric", "real", "double precision", "date", "timestamp", "time")


@dataclass(slots=True)
class Counted:
    """What is in one column. `values` are texts with how often they occur, the most frequent first."""

    distinct: int = 0
    filled: int = 0
    nulls: int = 0
    least: str | None = None
    most: str | None = None
    values: list[tuple[str, int]] = field(default_factory=list)


def has_order(type_: str) -> bool:
    """Whether least and most say something of a column of this type: numbers and times."""
    return type_.startswith(_ORDERED) and not type_.endswith("[]")


def count(dataset: Dataset, catalogue: Catalogue, table: str, columns: Sequence[Column]) -> dict[str, Counted]:
    """What is in these columns, by name; those whose reading fails or takes too long are missing.

    No transaction of ours may be open. Raises DatasetBusy, DatasetUnreachable.
    """
    found: dict[str, Counted] = {}
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        batch = columns[start : start + COLUMNS_AT_ONCE]
        parts = SQL(", ").join(part for column in batch for part in _counted(column))
        for row in rows_of(dataset, catalogue, SQL("SELECT count(*), {} FROM {} t").format(parts, _some(table))):
            for at, column in enumerate(batch):
                distinct, filled, least, most = row[1 + 4 * at : 5 + 4 * at]
                found[column.name] = Counted(distinct, filled, row[0] - filled, least, most)
    for column in columns:
        if column.name in found:
            query = SQL(
                "SELECT {text} AS value, count(*) AS times FROM {source} t WHERE {name} IS NOT NULL "
                "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {most}"
            ).format(text=_text(column), source=_some(table), name=Identifier(column.name), most=Literal(MOST_VALUES))
            found[column.name].values = [(value, times) for value, times in rows_of(dataset, catalogue, query)]
    return found


def share_contained(dataset: Dataset, catalogue: Catalogue, left: tuple[str, str], right: tuple[str, str]) -> float:
    """Which part of the values of one column (the first so many) occur in the other; 0 if there are none."""
    query = SQL(
        "SELECT count(*), count(r.v) FROM (SELECT DISTINCT CAST({left} AS text) AS v FROM {of_left} s "
        "WHERE {left} IS NOT NULL LIMIT {most}) l "
        "LEFT JOIN (SELECT DISTINCT CAST({right} AS text) AS v FROM {of_right} s) r ON r.v = l.v"
    ).format(
        left=Identifier(left[1]),
        of_left=_some(left[0]),
        right=Identifier(right[1]),
        of_right=_some(right[0]),
        most=Literal(MOST_VALUES),
    )
    rows = rows_of(dataset, catalogue, query)
    return rows[0][1] / rows[0][0] if rows and rows[0][0] else 0.0


def rows_of(dataset: Dataset, catalogue: Catalogue, query: Composed) -> list[tuple[Any, ...]]:
    """The rows of a statement of ours. None for what the database cannot do in time: a profile is a help, no more."""
    try:
        checked = check(query.as_string(None), catalogue)
        with session_of(dataset, name="troupe profile", limits=LIMITS) as session:
            with deadline(session, LIMITS.timeout_s):
                return _read(session, checked.sql)
    except (psycopg.Error, SqlRejected) as error:
        logger.info("Nothing is known of some columns of dataset %s: %s", dataset.pk, type(error).__name__)
        return []


def _read(session: Session, sql: str) -> list[tuple[Any, ...]]:
    session.begin(LIMITS)
    rows = list(session.rows(sql, MOST_VALUES))
    session.reset()
    return rows


def _some(table: str) -> Composed:
    return SQL("(SELECT * FROM {} LIMIT {})").format(Identifier(table), Literal(MOST_ROWS))


def _text(column: Column) -> Composed:
    return SQL("left(CAST({} AS text), {})").format(Identifier(column.name), Literal(CUT))


def _counted(column: Column) -> tuple[Composed, ...]:
    name = Identifier(column.name)
    extremes = ("CAST(min({}) AS text)", "CAST(max({}) AS text)") if has_order(column.type) else ("NULL", "NULL")
    counts = (SQL("count(DISTINCT {})").format(_text(column)), SQL("count({})").format(name))
    return *counts, *(SQL(extreme).format(name) for extreme in extremes)
