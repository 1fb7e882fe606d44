"""What a run gives: rows of Python values that lose nothing, with the types of their columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.types.datetime import (
    DateLoader,
    IntervalLoader,
    TimeLoader,
    TimestampLoader,
    TimestamptzLoader,
    TimetzLoader,
)

from analytics.running.limits import LONGEST_CELL

_TYPES = {
    "integer": ("int2", "int4", "int8", "oid"),
    "decimal": ("numeric",),
    "float": ("float4", "float8"),
    "text": ("text", "varchar", "bpchar", "name"),
    "boolean": ("bool",),
    "date": ("date",),
    "time": ("time", "timetz"),
    "timestamp": ("timestamp", "timestamptz"),
    "interval": ("interval",),
    "json": ("json", "jsonb"),
}
_REGISTRY = psycopg.postgres.types
_TYPE_OF = {_REGISTRY[name].oid: type_ for type_, names in _TYPES.items() for name in names}
# All others are as long as somebody makes them, and come as text that is cut off.
_SHORT = {oid for oid, type_ in _TYPE_OF.items() if type_ not in {"text", "json"}} | {_REGISTRY["uuid"].oid}


@dataclass(frozen=True, slots=True)
class ResultColumn:
    name: str
    type: str  # integer decimal float text boolean date time timestamp interval json other


@dataclass(frozen=True, slots=True)
class Plan:
    """What PostgreSQL expects of a statement. `cost` is in its unit, pages read in a row."""

    cost: float
    rows: int


@dataclass(frozen=True, slots=True)
class Result:
    """`truncated`: there were more rows, or values that are longer than is kept. `sql` is what was run."""

    columns: tuple[ResultColumn, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool
    elapsed_ms: int
    plan: Plan
    sql: str


@dataclass(frozen=True, slots=True)
class Described:
    """A column as the server describes it."""

    name: str
    oid: int

    @property
    def is_array(self) -> bool:
        known = _REGISTRY.get(self.oid)
        return known is not None and known.array_oid == self.oid

    @property
    def column(self) -> ResultColumn:
        return ResultColumn(self.name, "json" if self.is_array else _TYPE_OF.get(self.oid, "other"))


def cut_to_size(sql: str, columns: Sequence[Described]) -> str:
    """The statement with values of any length cut off by the server, so that none comes that we cannot hold."""
    if all(column.oid in _SHORT for column in columns):
        return sql
    names = [f'"c{number}"' for number in range(len(columns))]
    taken = ", ".join(_cut(name, column) for name, column in zip(names, columns, strict=True))
    return f"SELECT {taken} FROM ({sql}) AS r({', '.join(names)})"  # noqa: S608 - the gate's own text


def _cut(name: str, column: Described) -> str:
    if column.oid in _SHORT:
        return name
    text = f"to_json({name})::text" if column.is_array else f"{name}::text"
    return f"left({text}, {LONGEST_CELL + 1})"


def long_cells(columns: Sequence[Described]) -> int:
    """How many values of a row may be as long as a value may be."""
    return sum(column.oid not in _SHORT for column in columns)


def value_of(value: Any, column: ResultColumn) -> tuple[Any, bool]:
    """A value as fetched, and whether it was cut off."""
    if not isinstance(value, str):
        return value, False
    if len(value) > LONGEST_CELL:
        return value[:LONGEST_CELL] + "…", True
    if column.type == "json":
        try:
            return json.loads(value, parse_float=Decimal), False
        except (ValueError, RecursionError):  # integers of thousands of digits, depths beyond us: shown as they are
            return value, False
    return value, False


def size_of(value: Any) -> int:
    """Bytes that a value takes, about."""
    match value:
        case str():
            return 50 + len(value) * (1 if value.isascii() else 3)
        case Decimal():
            return 50 + len(value.as_tuple().digits) // 2
        case list() | dict():
            return 2 * len(str(value))
    return 32


def keep_what_python_has_not(connection: psycopg.Connection[Any]) -> None:
    """Dates before Christ, infinity and months among days come as text, where Python has no such value."""
    for name, loader in (
        ("date", _Date),
        ("time", _Time),
        ("timetz", _Timetz),
        ("timestamp", _Timestamp),
        ("timestamptz", _Timestamptz),
        ("interval", _Interval),
    ):
        connection.adapters.register_loader(name, loader)


class _OrText:
    def load(self, data: Buffer) -> Any:
        try:
            return super().load(data)  # type: ignore[misc]
        except (psycopg.DataError, ValueError, OverflowError):
            return bytes(data).decode()


class _Date(_OrText, DateLoader): ...


class _Time(_OrText, TimeLoader): ...


class _Timetz(_OrText, TimetzLoader): ...


class _Timestamp(_OrText, TimestampLoader): ...


class _Timestamptz(_OrText, TimestamptzLoader): ...


class _Interval(_OrText, IntervalLoader):
    """A month is not thirty days."""

    def load(self, data: Buffer) -> Any:
        text = bytes(data).decode()
        return text if "mon" in text or "year" in text else super().load(data)
