"""The values of a result as JSON that loses nothing, and the way back.

A number is a JSON number where JavaScript keeps all of its digits, and a text of all of them where it would not:
integers beyond ±(2⁵³-1), decimals that no double shows, NaN and the infinities. Whoever computes takes the text by its
column's type. Zeros at the end of a decimal are no digits: 1.50 comes as 1.5. Times are RFC 3339, in UTC where
they have a zone; intervals ISO 8601; bytes as PostgreSQL writes them, `\\x…`; what has no JSON of its own is its text.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

# Numbers of these types are computed with; the other types are shown.
NUMBER_TYPES = frozenset({"integer", "decimal", "float"})
TIME_TYPES = frozenset({"date", "timestamp"})
MAX_SAFE_INTEGER = 2**53 - 1

Cell = Any  # a JSON value
_UNSTORABLE = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


class ResultColumn(Protocol):
    """`type`: integer decimal float text boolean date time timestamp interval json other."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column of a result that was kept."""

    name: str
    type: str


def columns_from(stored: Iterable[Mapping[str, Any]]) -> tuple[StoredColumn, ...]:
    """From `[{"name", "type"}, …]`."""
    return tuple(StoredColumn(str(column["name"]), str(column["type"])) for column in stored)


def to_rows(rows: Iterable[Sequence[Any]]) -> list[list[Cell]]:
    return [[to_cell(value) for value in row] for row in rows]


def to_cell(value: Any) -> Cell:
    """One value of a row, as the module says. A cell stays what it is."""
    match value:
        case None | bool():
            return value
        case str():
            return _storable(value)
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
        case float():
            return value if math.isfinite(value) else _name_of(value)
        case Decimal():
            return _decimal_cell(value)
        case datetime():
            return _moment(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return duration(value)
        case bytes() | bytearray() | memoryview():
            return "\\x" + bytes(value).hex()
        case Mapping():
            return {_storable(str(key)): to_cell(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_cell(each) for each in value]
    return _storable(str(value))


def from_cell(cell: Cell, type_: str) -> Any:
    """The value of a cell: int, Decimal, float, date, datetime or time; itself where it is none of its type."""
    if type_ in NUMBER_TYPES:
        return _number(cell, type_)
    if isinstance(cell, str) and type_ in _FROM_TEXT:
        with suppress(ValueError):
            return _FROM_TEXT[type_](cell)
    return cell


def exact(cell: Cell) -> Decimal | None:
    """The finite number that a cell is, all of its digits; None for another."""
    if isinstance(cell, bool) or not isinstance(cell, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(cell))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def plain(number: Decimal) -> str:
    """All digits and nothing else: no exponent, no zeros at the end of a fraction."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def duration(value: timedelta) -> str:
    """ISO 8601: P1DT2H3M4.5S. A negative one has its minus in front."""
    sign = "-" if value < timedelta() else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{value.days}D" if value.days else ""
    exact_seconds = plain(Decimal(seconds) + Decimal(value.microseconds) / 1_000_000)
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (exact_seconds != "0", f"{exact_seconds}S"))
    clock = "".join(text for is_there, text in parts if is_there)
    if not (days or clock):
        clock = "0S"
    return f"{sign}P{days}{'T' + clock if clock else ''}"


def _decimal_cell(value: Decimal) -> Cell:
    if not value.is_finite():
        return _name_of(value)
    text = plain(value)
    if "." not in text:
        return to_cell(int(text))
    number = float(text)
    return number if math.isfinite(number) and Decimal(repr(number)) == value else text


def _name_of(value: float | Decimal) -> str:
    if "nan" in str(value).lower():
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _number(cell: Cell, type_: str) -> Any:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return cell
    if type_ == "float":
        with suppress(ValueError):
            return float(cell)
        return cell
    try:
        number = Decimal(str(cell))
    except InvalidOperation:
        return cell
    return int(number) if type_ == "integer" and number == number.to_integral_value() else number


def _storable(text: str) -> str:
    """PostgreSQL keeps no U+0000 and no half of a pair, which a JSON value may hold as an escape."""
    return text if text.isascii() and "\0" not in text else text.translate(_UNSTORABLE)


_FROM_TEXT = {"date": date.fromisoformat, "timestamp": datetime.fromisoformat, "time": time.fromisoformat}
