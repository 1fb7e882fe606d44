"""Cells as people write them to text as PostgreSQL reads it, or None for what is no such value."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal, InvalidOperation
from functools import partial

from analytics.reading.shapes import BOOLEAN, NOTHING

TEXT = "text"
BIGINT = "bigint"
NUMERIC = "numeric"
DOUBLE = "double precision"
BOOL = "boolean"
DATE = "date"
TIMESTAMP = "timestamp without time zone"
TIMESTAMPTZ = "timestamp with time zone"
TIME = "time without time zone"
INTERVAL = "interval"
JSON = "jsonb"
TYPES = (TEXT, BIGINT, NUMERIC, DOUBLE, BOOL, DATE, TIMESTAMP, TIMESTAMPTZ, TIME, INTERVAL, JSON)

# Longer ones are no numbers that anybody counts with; PostgreSQL would take 131 072 digits.
MAX_DIGITS = 1_000

Convert = Callable[[str], str | None]

_EXACT = Context(prec=2 * MAX_DIGITS)
_ORNAMENTS = re.compile(r"[¥￥$€£元圆,\s()+%％万亿]|CN¥|CNY|RMB|人民币|US\$?D?|EUR|GBP|美元|欧元|英镑")
_DIGITS = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SCALES = (("%", -2), ("％", -2), ("万", 4), ("亿", 8))
_NOTHING = re.compile(NOTHING)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MOMENT = re.compile(
    r"(?:(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})[日号]?|(?P<cy>\d{4})(?P<cm>\d{2})(?P<cd>\d{2})"
    r"|(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})[-/.](?P<xy>\d{4})"
    r"|(?P<nd>\d{1,2})[- ]?(?P<nm>[A-Za-z]{3})[a-z]*\.?[- ,]{1,2}(?P<ny>\d{4})"
    r"|(?P<om>[A-Za-z]{3})[a-z]*\.? (?P<od>\d{1,2}),? (?P<oy>\d{4}))"
    r"(?:,?[T ]{1,2}(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp])[Mm])?(?: ?(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?)?",
    re.ASCII,
)
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII)
_SPAN = re.compile(r"-?\d{1,6}:[0-5]\d:[0-5]\d(?:\.\d{1,6})?", re.ASCII)


def converter(type: str, format: str = "") -> Convert:
    """What turns a cell into text that PostgreSQL takes for this type, or into None. `format` as in ColumnDraft."""
    if type in (DATE, TIMESTAMP, TIMESTAMPTZ):
        return partial(_TEMPORAL[type], is_day_first=format != "mdy")
    if type in (BIGINT, NUMERIC, DOUBLE):
        return partial(_NUMERIC[type], has_comma=format == "1.234,5")
    return {BOOL: to_boolean, TIME: to_time, INTERVAL: to_interval, JSON: to_json, TEXT: to_text}[type]


def is_nothing(cell: str) -> bool:
    return bool(_NOTHING.fullmatch(cell))


def to_text(cell: str) -> str:
    return cell


def to_numeric(cell: str, *, has_comma: bool = False) -> str | None:
    """ "¥1,234.50" is 1234.50, "(3)" is -3, "12%" is 0.12, "1.5万" is 15000; with `has_comma` "1.234,5" is 1234.5."""
    if len(cell) > MAX_DIGITS:
        return None
    is_negative = cell.startswith("(") and cell.endswith(")")
    scale = sum(by for sign, by in _SCALES if sign in cell)
    if has_comma:
        cell = cell.replace(".", "").replace(",", ".")
    digits = _ORNAMENTS.sub("", cell)
    if not _DIGITS.fullmatch(digits):
        return None
    if is_negative:
        digits = f"-{digits}"
    try:
        return f"{_EXACT.scaleb(Decimal(digits), scale):f}" if scale else digits
    except InvalidOperation:
        return None


def to_double(cell: str, *, has_comma: bool = False) -> str | None:
    number = to_numeric(cell, has_comma=has_comma)
    if number is None:
        return None
    value = float(number)
    return None if value in (float("inf"), float("-inf")) else repr(value)


def to_bigint(cell: str, *, has_comma: bool = False) -> str | None:
    number = to_numeric(cell, has_comma=has_comma)
    if number is None:
        return None
    value = Decimal(number)
    if value.adjusted() > 18 or value != int(value) or not -(2**63) <= value < 2**63:
        return None
    return str(int(value))


def to_boolean(cell: str) -> str | None:
    cell = cell.lower()
    for value, words in BOOLEAN.items():
        if cell in words:
            return value
    return {"1": "true", "0": "false"}.get(cell)


def moment_of(cell: str, is_day_first: bool) -> tuple[datetime, bool] | None:
    """The moment, and whether the cell has a time of day. It has a zone if the cell has one."""
    found = _MOMENT.fullmatch(cell)
    if not found:
        return None
    part = found.groupdict()
    try:
        day = _day_of(part, is_day_first)
        if part["hour"] is None:
            return datetime(day.year, day.month, day.day), False
        clock = time(_hour(part), int(part["minute"]), int(part["second"] or 0), _microseconds(part["part"]))
        return datetime.combine(day, clock, _zone(part["zone"])), True
    except ValueError:
        return None


def _day_of(part: dict[str, str | None], is_day_first: bool) -> date:
    number = {name: int(value) for name, value in part.items() if value and value.isdecimal()}
    if "y" in number:
        return date(number["y"], number["m"], number["d"])
    if "cy" in number:
        return date(number["cy"], number["cm"], number["cd"])
    if "xy" in number:
        first, second = number["a"], number["b"]
        if part["sep"] == "." or is_day_first:
            return date(number["xy"], second, first)
        return date(number["xy"], first, second)
    if "ny" in number:
        return date(number["ny"], _month(part["nm"]), number["nd"])
    return date(number["oy"], _month(part["om"]), number["od"])


def _month(name: str | None) -> int:
    return _MONTHS.index((name or "").lower()) + 1


def _hour(part: dict[str, str | None]) -> int:
    hour = int(part["hour"] or 0)
    if not part["half"]:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("no hour of half a day")
    return hour % 12 + (12 if part["half"] in "pP" else 0)


def _microseconds(part: str | None) -> int:
    return int((part or "0")[:6].ljust(6, "0"))


def _zone(zone: str | None) -> timezone | None:
    if zone is None:
        return None
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if zone[0] == "-" else offset)


def to_date(cell: str, *, is_day_first: bool) -> str | None:
    """None for a moment whose time of day would be lost."""
    found = moment_of(cell, is_day_first)
    if found is None or found[0].time() != time() or found[0].tzinfo:
        return None
    return found[0].date().isoformat()


def to_timestamp(cell: str, *, is_day_first: bool) -> str | None:
    """None for a moment with a zone: what it means would be lost."""
    found = moment_of(cell, is_day_first)
    return None if found is None or found[0].tzinfo else found[0].isoformat(sep=" ")


def to_timestamptz(cell: str, *, is_day_first: bool) -> str | None:
    """In UTC, which is also taken for the zone of a cell without one."""
    found = moment_of(cell, is_day_first)
    if found is None:
        return None
    moment = found[0] if found[0].tzinfo else found[0].replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC).isoformat(sep=" ")
    except OverflowError:
        return None


def to_time(cell: str) -> str | None:
    found = _CLOCK.fullmatch(cell)
    if not found:
        return None
    hour, minute, second, part = found.groups()
    try:
        return time(int(hour), int(minute), int(second or 0), _microseconds(part)).isoformat()
    except ValueError:
        return None


def to_interval(cell: str) -> str | None:
    if _SPAN.fullmatch(cell):
        return cell
    return f"{cell}:00" if _CLOCK.fullmatch(cell) and cell.count(":") == 1 else None


def to_json(cell: str) -> str | None:
    try:
        json.loads(cell)
    except (ValueError, RecursionError):
        return None
    return None if "\\u0000" in cell else cell


_NUMERIC = {BIGINT: to_bigint, NUMERIC: to_numeric, DOUBLE: to_double}
_TEMPORAL = {DATE: to_date, TIMESTAMP: to_timestamp, TIMESTAMPTZ: to_timestamptz}
