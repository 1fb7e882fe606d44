"""What the columns of a result are to a reader: times, categories, numbers; read off types, names and values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from analytics.results.cells import NUMBER_TYPES, TIME_TYPES, Cell, ResultColumn, exact, from_cell

# period: an ordered part of time that is no moment, as a year's number or "2026-01".
Role = Literal["time", "period", "category", "number", "other"]
Grain = Literal["year", "month", "day", "minute"]

_ID = re.compile(r"(?:^|_)(?:id|uuid|code|no|zip|phone)$|(?:编号|单号|工号|学号|代码|邮编|电话|手机号?)$", re.I)
# What is the last in a name says what the number is, finest first.
PERIODS: tuple[tuple[re.Pattern[str], int, int], ...] = (
    (re.compile(r"(?:^|_|\b)hours?$|小时$|(?<!工)时$", re.I), 0, 24),
    (re.compile(r"(?:^|_|\b)(?:dow|weekday)$|星期$|周几$", re.I), 0, 7),
    (re.compile(r"(?:^|_|\b)day$|日$", re.I), 1, 31),
    (re.compile(r"(?:^|_|\b)week$|周$", re.I), 1, 53),
    (re.compile(r"(?:^|_|\b)(?:month|mon)$|月份?$", re.I), 1, 12),
    (re.compile(r"(?:^|_|\b)(?:quarter|qtr)$|季度?$", re.I), 1, 4),
    (re.compile(r"(?:^|_|\b)(?:year|yr)$|年[份度]?$", re.I), 1900, 2200),
)
_WRITTEN_PERIOD = re.compile(
    r"(?:19|20|21)\d\d(?:[-/.年]?(?:0?[1-9]|1[0-2])月?|[-/ ]?[QW]\d{1,2}|年?第?\d{1,2}[季周]度?)"
)
# Sums of these say nothing.
_NOT_ADDITIVE = re.compile(
    r"avg|average|mean|median|percentile|stddev|variance|(?:^|_|\b)(?:rate|ratio|percent|pct|share|max|min|price|score|"
    r"rank|rating|age|cumulative|running|balance|highest|lowest|latest|earliest|per)(?:_|\b|$)|平均|均[价值]|中位|[率比]$|占比|"
    r"比[例率重]|百分|最[大小高低多少新早晚]|单价|价格|评分|得分|排名|名次|年龄|累计|余额|每[人单个天月]|增长|增幅",
    re.I,
)
_RATIO = re.compile(r"(?:^|_|\b)(?:rate|ratio|percent|pct|share)(?:_|\b|$)|率$|占比|比[例率重]|百分|增幅", re.I)


@dataclass(frozen=True)
class Field:
    """One column with its values: Decimal of numbers, date or datetime of times, else the cells. None stays None."""

    position: int
    name: str
    type: str
    role: Role
    values: tuple[Any, ...]

    @cached_property
    def known(self) -> tuple[Any, ...]:
        return tuple(value for value in self.values if value is not None)

    @cached_property
    def is_unique(self) -> bool:
        """Whether each row has its own value: then it names the rows."""
        return len({str(value) for value in self.values}) == len(self.values)

    @cached_property
    def is_additive(self) -> bool:
        """Whether a sum over the rows means something, as far as the name tells."""
        return self.role == "number" and not _NOT_ADDITIVE.search(self.name)

    @property
    def is_ratio(self) -> bool:
        return bool(_RATIO.search(self.name))

    @property
    def is_id(self) -> bool:
        return bool(_ID.search(self.name.strip()))

    @cached_property
    def grain(self) -> Grain:
        """The coarsest that tells its times apart without loss."""
        moments = [moment_of(value) for value in self.known]
        if any(moment.hour or moment.minute or moment.second for moment in moments):
            return "minute"
        if any(moment.day != 1 for moment in moments):
            return "day"
        return "month" if any(moment.month != 1 for moment in moments) or len(moments) < 2 else "year"

    @cached_property
    def fineness(self) -> int:
        """Among periods, how fine: less is finer."""
        return next((i for i, (names, _, _) in enumerate(PERIODS) if names.search(self.name)), len(PERIODS))


@dataclass(frozen=True)
class Shape:
    fields: tuple[Field, ...]
    row_count: int

    def of(self, *roles: Role) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.role in roles)

    @property
    def numbers(self) -> tuple[Field, ...]:
        return self.of("number")

    @cached_property
    def label(self) -> Field | None:
        """What names the rows to a reader, if one column does: a time before a name, a name before an id."""
        for role in ("time", "period", "category"):
            unique = [field for field in self.of(role) if field.is_unique]
            if unique:
                return next((field for field in unique if not field.is_id), unique[0])
        return None


def shape_of(columns: Sequence[ResultColumn], rows: Sequence[Sequence[Cell]]) -> Shape:
    """Values of Python do as well as cells."""
    fields = [
        _field(position, column, [from_cell(row[position], column.type) for row in rows])
        for position, column in enumerate(columns)
    ]
    return Shape(tuple(fields), len(rows))


def _field(position: int, column: ResultColumn, values: list[Any]) -> Field:
    def made(role: Role, those: list[Any]) -> Field:
        return Field(position, column.name, column.type, role, tuple(those))

    known = [value for value in values if value is not None]
    if column.type in TIME_TYPES and all(isinstance(value, date) for value in known):
        return made("time", values)
    if column.type in NUMBER_TYPES:
        numbers: list[Decimal | None] = [exact(value) for value in values]
        if _is_period(column.name, [number for number in numbers if number is not None]):
            return made("period", numbers)
        is_id = _ID.search(column.name.strip()) and column.type == "integer"
        return made("category" if is_id else "number", values if is_id else numbers)
    if column.type == "text" and known and all(_WRITTEN_PERIOD.fullmatch(str(value).strip()) for value in known):
        return made("period", values)
    return made("category" if column.type in ("text", "boolean") else "other", values)


def _is_period(name: str, numbers: Sequence[Decimal]) -> bool:
    for names, first, last in PERIODS:
        if names.search(name.strip()):
            return bool(numbers) and all(n == n.to_integral_value() and first <= n <= last for n in numbers)
    return False


def moment_of(value: date) -> datetime:
    """In UTC, where it has a zone."""
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def order_of(value: Any) -> Any:
    """What times and periods of one column are sorted by."""
    return moment_of(value) if isinstance(value, date) else value
