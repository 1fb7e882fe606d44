"""What SQL says about time: comparisons of one date column, seen as the range of days that they let through."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlglot import exp

from analytics.gate.dialect import parse
from analytics.meaning.periods import Edge, Unit, moved, truncated

TypeOf = Callable[[exp.Column], str]

_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.Between)
_PARTS = ("year", "quarter", "month")
_FORMATS: dict[str, Unit] = {"YYYY": "year", "YYYY-MM": "month", "YYYY-MM-DD": "day", "YYYYMM": "month"}
_LENGTH = re.compile(r"(\d+) (day|week|month|quarter|year)s?")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class DatedRange:
    """The days from `begin` until just before `end` (None: open), and the comparisons that say so."""

    column: exp.Column
    begin: date | None
    end: date | None
    atoms: tuple[exp.Expr, ...]

    def replace(self, begin: Edge | None, end: Edge | None) -> None:
        """Put comparisons with other days in place of these, in the tree."""
        bounds = [(">=", begin), ("<", end)]
        column = self.column.sql(dialect="postgres", identify=True)
        conditions = " AND ".join(f"{column} {sign} {edge.sql}" for sign, edge in bounds if edge)
        (statement,) = parse(f"SELECT ({conditions})")
        if statement is None:
            raise ValueError(conditions)
        for atom in self.atoms[1:]:
            _drop(atom)
        self.atoms[0].replace(statement.expressions[0])


class Unseen(ValueError):
    """A date is compared with something whose day cannot be told."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """What one comparison says: from a day, until before a day, or that a part of the date is a number."""

    begin: date | None = None
    end: date | None = None
    part: tuple[str, int] | None = None


def dated_ranges(tree: exp.Expr, today: date, type_of: TypeOf) -> list[DatedRange]:
    """All ranges that the SQL compares dates with. Raises Unseen for one that cannot be told."""
    groups: dict[tuple[int, str], list[exp.Expr]] = {}
    for atom in tree.find_all(*_COMPARISONS):
        if (column := _dated_column(atom, type_of)) is not None:
            if _is_negated(atom):
                raise Unseen
            groups.setdefault((id(_root(atom)), column.sql()), []).append(atom)
    return [_range(atoms, today, type_of) for atoms in groups.values()]


def is_dated(number: exp.Expr) -> bool:
    """Whether a number is a part of a date, as in `extract(year from d) = 2024`."""
    parent = number.parent
    return parent is not None and isinstance(parent.this, exp.Expr) and _taken_part(parent.this) is not None


def is_today(node: exp.Expr) -> bool:
    """Whether this is the day on which it is asked."""
    return isinstance(node, exp.CurrentDate) or _is_now(node)


def _range(atoms: Sequence[exp.Expr], today: date, type_of: TypeOf) -> DatedRange:
    column = _dated_column(atoms[0], type_of)
    bounds = [_bound(atom, today, type_of) for atom in atoms]
    parts = dict(bound.part for bound in bounds if bound.part)
    if parts:
        bounds.append(_of_parts(parts))
    begin = max((bound.begin for bound in bounds if bound.begin), default=None)
    end = min((bound.end for bound in bounds if bound.end), default=None)
    if column is None or (begin is None and end is None):
        raise Unseen
    return DatedRange(column, begin, end, tuple(atoms))


def _of_parts(parts: dict[str, int]) -> _Bound:
    if "year" not in parts or set(parts) - set(_PARTS) or len(parts) > 2:
        raise Unseen
    unit: Unit = "quarter" if "quarter" in parts else "month" if "month" in parts else "year"
    month = {"year": 1, "month": parts.get("month", 1), "quarter": 3 * parts.get("quarter", 1) - 2}[unit]
    begin = date(parts["year"], month, 1)
    return _Bound(begin, moved(begin, unit, 1))


def _bound(atom: exp.Expr, today: date, type_of: TypeOf) -> _Bound:
    subject = atom.this
    if isinstance(atom, exp.Between):
        begin, end = (_day(atom.args[side], today) for side in ("low", "high"))
        return _Bound(begin, _after(end, subject, type_of, atom.args["high"]))
    other = atom.args["expression"]
    if part := _taken_part(subject):
        if isinstance(atom, exp.EQ) and isinstance(other, exp.Literal) and str(other.this).isdecimal():
            return _Bound(part=(part, int(other.this)))
        raise Unseen
    if isinstance(atom, exp.EQ) and _called(subject) == "to_char":
        return _formatted(subject, other)
    day = _day(other, today)
    if isinstance(atom, exp.EQ):
        unit = _unit_of(subject) if _called(subject) == "date_trunc" else "day"
        if unit == "day" and not _is_day(subject, type_of):
            raise Unseen
        return _Bound(truncated(day, unit), moved(truncated(day, unit), unit, 1))
    if isinstance(atom, exp.GTE):
        return _Bound(begin=day)
    if isinstance(atom, exp.GT):
        return _Bound(begin=_after(day, subject, type_of, other))
    if isinstance(atom, exp.LTE) or _is_now(other):
        return _Bound(end=_after(day, subject, type_of, other))
    return _Bound(end=day)


def _after(day: date, subject: exp.Expr, type_of: TypeOf, other: exp.Expr) -> date:
    """The day after, for a column of days: of a column of times "until the 31st" would mean its first moment."""
    if not _is_day(subject, type_of) and not _is_now(other):
        raise Unseen
    return day + _ONE_DAY


def _formatted(subject: exp.Expr, other: exp.Expr) -> _Bound:
    pattern, text = subject.expressions[1].this, other.this if isinstance(other, exp.Literal) else ""
    unit = _FORMATS.get(str(pattern).upper())
    shape: dict[Unit, str] = {"year": "%Y", "month": "%Y-%m" if "-" in str(pattern) else "%Y%m", "day": "%Y-%m-%d"}
    if unit is None:
        raise Unseen
    begin = datetime.strptime(str(text), shape[unit]).date()
    return _Bound(begin, moved(begin, unit, 1))


def _day(node: exp.Expr, today: date) -> date:
    """The day that an expression without columns comes to today. Raises Unseen."""
    if isinstance(node, exp.Paren):
        return _day(node.this, today)
    if isinstance(node, exp.Cast):
        return _day(node.this, today)
    if is_today(node):
        return today
    if isinstance(node, exp.Literal) and node.is_string:
        return _named_day(str(node.this))
    if isinstance(node, exp.Add | exp.Sub):
        return _added(_day(node.this, today), node.expression, -1 if isinstance(node, exp.Sub) else 1)
    if _called(node) == "date_trunc":
        return truncated(_day(node.expressions[1], today), _unit_of(node))
    if _called(node) == "make_date":
        return date(*(int(part.this) for part in node.expressions))
    raise Unseen


def _named_day(text: str) -> date:
    moment = datetime.fromisoformat(text)
    if moment.time() != datetime.min.time():
        raise Unseen
    return moment.date()


def _added(day: date, node: exp.Expr, sign: int) -> date:
    if isinstance(node, exp.Literal) and not node.is_string:
        return moved(day, "day", sign * int(node.this))
    if isinstance(node, exp.Interval):
        unit = f" {node.text('unit').lower()}" if node.args.get("unit") else ""
        if length := _LENGTH.fullmatch(f"{node.this.this}{unit}".strip()):
            return moved(day, _as_unit(length[2]), sign * int(length[1]))
    raise Unseen


def _unit_of(trunc: exp.Expr) -> Unit:
    return _as_unit(str(trunc.expressions[0].this).lower())


def _as_unit(text: str) -> Unit:
    units: dict[str, Unit] = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
    if text not in units:
        raise Unseen
    return units[text]


def _called(node: object) -> str:
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def _is_now(node: exp.Expr) -> bool:
    return isinstance(node, exp.CurrentTimestamp) or _called(node) == "now"


def _taken_part(subject: exp.Expr) -> str | None:
    if isinstance(subject, exp.Extract):
        return str(subject.this.this).lower()
    return str(subject.expressions[0].this).lower() if _called(subject) == "date_part" else None


def _is_day(subject: exp.Expr, type_of: TypeOf) -> bool:
    if isinstance(subject, exp.Cast):
        return subject.to.sql().lower() == "date"
    return isinstance(subject, exp.Column) and type_of(subject) == "date"


def _dated_column(atom: exp.Expr, type_of: TypeOf) -> exp.Column | None:
    """The column of dates that a comparison is about; None if it is about something else, or compares two columns."""
    columns = list(atom.find_all(exp.Column))
    if len(columns) != 1 or atom.this.find(exp.Column) is None or atom.find(exp.Query):
        return None
    is_dates = type_of(columns[0]).startswith(("date", "timestamp"))
    return columns[0] if is_dates or _taken_part(atom.this) or _called(atom.this) in ("date_trunc", "to_char") else None


def _is_negated(atom: exp.Expr) -> bool:
    return any(isinstance(parent, exp.Not | exp.Case) for parent in _up_to_query(atom))


def _up_to_query(node: exp.Expr) -> Iterator[exp.Expr]:
    parent = node.parent
    while parent is not None and not isinstance(parent, exp.Query | exp.Where | exp.Join | exp.Having):
        yield parent
        parent = parent.parent


def _root(atom: exp.Expr) -> exp.Expr:
    """The topmost AND that the comparison is a part of."""
    root = atom
    while isinstance(root.parent, exp.And | exp.Paren):
        root = root.parent
    return root


def _drop(atom: exp.Expr) -> None:
    """Take one condition out of its AND."""
    while isinstance(atom.parent, exp.Paren):
        atom = atom.parent
    both = atom.parent
    if not isinstance(both, exp.And):
        raise Unseen
    both.replace(both.expression if both.this is atom else both.this)
