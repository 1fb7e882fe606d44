"""A verified question's SQL with the names, numbers and periods of another question that is worded alike.

Without a model this is what answers. A wrong answer is worse than none, so all of the new question must be accounted
for: each of its words is a word of the old one, or the counterpart of something that stands in the old one's SQL. What
is replaced is replaced in the tree, by role and type; the result goes through the gate like any other SQL.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Protocol

from sqlglot import exp
from sqlglot.errors import SqlglotError

from analytics.catalogue import Catalogue
from analytics.gate.dialect import parse, write
from analytics.meaning.dated import DatedRange, dated_ranges, is_dated, is_today
from analytics.meaning.linking import Found
from analytics.meaning.periods import Edge, Period, Said, number_of, periods_in
from analytics.meaning.values import occurrences
from analytics.meaning.wording import wording
from knowledge.words import fold

FIRST_SLOT = 0xE000
MAX_QUESTION_CHARACTERS = 1000
MAX_SLOTS = 20


class Pair(Protocol):
    @property
    def question(self) -> str: ...
    @property
    def sql(self) -> str: ...


class Unlike(Exception):
    """The two questions do not ask for the same thing."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something in a question that may be another thing in the next: where it stands, and what it is."""

    begin: int
    end: int
    kind: str  # "period", "number", or "value" with its column
    meaning: Period | Decimal | str


def rebind(
    pair: Pair, question: str, catalogue: Catalogue, values: Sequence[Found], *, today: date | None = None
) -> str | None:
    """The pair's SQL for this question, or None if anything in it is not accounted for.

    `values` are those of the data that the question says.
    """
    if len(question) > MAX_QUESTION_CHARACTERS or len(pair.question) > MAX_QUESTION_CHARACTERS:
        return None
    try:
        (tree,) = parse(pair.sql)
        return _rebound(tree, pair.question, question, catalogue, values, today or date.today()) if tree else None
    except (Unlike, SqlglotError, RecursionError, ValueError):
        return None


def _rebound(
    tree: exp.Expr, old_question: str, question: str, catalogue: Catalogue, values: Sequence[Found], today: date
) -> str:
    old, new = _plain(old_question), _plain(question)
    if old == new:
        return _as_it_is(tree, old, today)
    literals = list(_literals(tree, catalogue))
    old_slots = _slots(old, today, list(_values_of(literals)))
    columns = {slot.kind for slot in old_slots}
    known = [(f"value {found.table}.{found.column}", found.value) for found in values]
    new_slots = _slots(new, today, [(kind, value) for kind, value in known if kind in columns])
    matched = _matched(old_slots, new_slots)
    if _worded(old, old_slots, catalogue) != _worded(new, [slot for _, slot in matched], catalogue):
        raise Unlike
    _replace_values(tree, [pair for pair in matched if pair[0].kind.startswith("value")], literals)
    _replace_numbers(tree, [pair for pair in matched if pair[0].kind.startswith("number")])
    periods = [
        (a.meaning, b.meaning) for a, b in matched if isinstance(a.meaning, Period) and isinstance(b.meaning, Period)
    ]
    if periods:
        ranges = dated_ranges(tree, today, lambda column: _type_of(column, catalogue))
        _replace_periods(tree, periods, old, ranges, today)
    return write(tree)


def _as_it_is(tree: exp.Expr, question: str, today: date) -> str:
    """The very same question. What it says of "last month" must not be the month that was the last one then."""
    is_relative = any(said.period.is_relative for said in periods_in(question, today))
    if is_relative and not any(is_today(node) for node in tree.walk()):
        raise Unlike
    return write(tree)


def _plain(question: str) -> str:
    """Folded, one kind of blank, and without characters that slots are written with."""
    return re.sub(r"[\s\ue000-\uf8ff]+", " ", fold(question)).strip(" ?？.。!！")


# --- What may change ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Written:
    """A string of the SQL that is compared with a column."""

    node: exp.Literal
    kind: str  # "value table.column"
    text: str  # without the % of a pattern
    is_pattern: bool


_COMPARISONS = (exp.EQ, exp.NEQ, exp.Like, exp.ILike, exp.In)


def _literals(tree: exp.Expr, catalogue: Catalogue) -> Iterator[Written]:
    for comparison in tree.find_all(*_COMPARISONS):
        column = comparison.this
        if isinstance(column, exp.Func | exp.Anonymous | exp.Paren):  # lower(city) = 'paris'
            columns = list(column.find_all(exp.Column))
            column = columns[0] if len(columns) == 1 else None
        places = _places(column, catalogue) if isinstance(column, exp.Column) else []
        if len(places) != 1:
            continue
        sides = comparison.expressions if isinstance(comparison, exp.In) else [comparison.expression]
        for side in sides:
            if isinstance(side, exp.Literal) and side.is_string:
                is_pattern = isinstance(comparison, exp.Like | exp.ILike)
                text = side.this.strip("%") if is_pattern else side.this
                yield Written(side, f"value {places[0][0]}.{places[0][1]}", text, is_pattern)


def _places(column: exp.Column, catalogue: Catalogue) -> list[tuple[str, str]]:
    """The (table, column) of the dataset that this names, looking outwards from its own query."""
    select = column.find_ancestor(exp.Select)
    while select is not None:
        tables = {table.alias_or_name: table.name for table in _read_by(select)}
        if column.table:
            tables = {alias: name for alias, name in tables.items() if alias == column.table}
        found = [(table, name) for name in tables.values() if (table := name) and _has(catalogue, name, column.name)]
        if found:
            return [(table, column.name) for table, _ in found]
        select = select.find_ancestor(exp.Select)
    return []


def _read_by(select: exp.Select) -> Iterator[exp.Table]:
    sources = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or [])]
    yield from (source.this for source in sources if source is not None and isinstance(source.this, exp.Table))


def _has(catalogue: Catalogue, table_name: str, column_name: str) -> bool:
    table = catalogue.table(table_name)
    return table is not None and table.column(column_name) is not None


def _values_of(literals: Sequence[Written]) -> Iterator[tuple[str, str]]:
    yield from dict.fromkeys((written.kind, written.text) for written in literals)


_NUMBER = re.compile(
    r"(?<![a-z0-9_.-])(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<times>\s*(?:万|亿|千|百|k\b|m\b|thousand\b|million\b)|%)?(?![\d.]|[a-z])"
    r"|(?<![a-z0-9])(?P<word>two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?![a-z0-9])"
    r"|(?<=[前于过名到])(?P<han>[一二两三四五六七八九十百]+)"
)
_TIMES = {"万": 10**4, "亿": 10**8, "千": 1000, "百": 100, "k": 1000, "m": 10**6, "thousand": 1000, "million": 10**6}


def _slots(text: str, today: date, values: Sequence[tuple[str, str]]) -> list[Slot]:
    """Everything in a question that may change, in order; longer ones first where two overlap. Raises Unlike."""
    found = [
        Slot(begin, end, kind, value) for kind, value in values for begin, end in occurrences(text, fold(value).strip())
    ]
    found += [_as_slot(said) for said in periods_in(text, today)]
    found += [
        slot for slot in _numbers(text) if not any(other.begin < slot.end and slot.begin < other.end for other in found)
    ]
    chosen: list[Slot] = []
    for slot in sorted(found, key=lambda slot: (slot.begin - slot.end, slot.kind)):
        over = [other for other in chosen if other.begin < slot.end and slot.begin < other.end]
        if any((other.begin, other.end) == (slot.begin, slot.end) and other.kind != slot.kind for other in over):
            raise Unlike  # a value of two columns that the SQL compares
        if not over:
            chosen.append(slot)
    if len(chosen) > MAX_SLOTS:
        raise Unlike
    return sorted(chosen, key=lambda slot: slot.begin)


def _as_slot(said: Said) -> Slot:
    return Slot(said.begin, said.end, "period", said.period)


def _numbers(text: str) -> Iterator[Slot]:
    for match in _NUMBER.finditer(text):
        if match["digits"]:
            number = Decimal(match["digits"].replace(",", ""))
            number *= _TIMES.get((match["times"] or "").strip(), 1)
        else:
            number = Decimal(number_of(match["word"] or match["han"]))
        yield Slot(match.start(), match.end(), "number %" if match["times"] == "%" else "number", number)


# --- Whether the rest is worded alike ------------------------------------------------------------------------
def _matched(old: Sequence[Slot], new: Sequence[Slot]) -> list[tuple[Slot, Slot]]:
    """Each slot with its counterpart: as many of each kind, in the order in which they are said. Raises Unlike."""
    if sorted(slot.kind for slot in old) != sorted(slot.kind for slot in new):
        raise Unlike
    left = list(new)
    pairs = []
    for slot in old:
        counterpart = next(other for other in left if other.kind == slot.kind)
        left.remove(counterpart)
        pairs.append((slot, counterpart))
    return pairs


def _worded(text: str, slots: Sequence[Slot], catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """The wording with a private character for each slot; the first of the old question is the first of the new one."""
    marks = {(slot.begin, slot.end): chr(FIRST_SLOT + number) for number, slot in enumerate(slots)}
    for (begin, end), mark in sorted(marks.items(), reverse=True):
        text = f"{text[:begin]}{mark}{text[end:]}"
    return wording(text, catalogue)


# --- Replacing in the tree -----------------------------------------------------------------------------------
def _replace_values(tree: exp.Expr, changed: Sequence[tuple[Slot, Slot]], literals: Sequence[Written]) -> None:
    for written in literals:
        said = [
            after
            for before, after in changed
            if before.kind == written.kind and fold(str(before.meaning)) == fold(written.text)
        ]
        if not said:
            continue
        if len({str(after.meaning) for after in said}) > 1:
            raise Unlike  # one name twice, and two others in its place
        new = str(said[0].meaning)
        if fold(new) == fold(written.text):
            continue
        if written.is_pattern:
            escaped = re.sub(r"([\\%_])", r"\\\1", new)
            new = written.node.this.replace(written.text, escaped)
        elif isinstance(written.node.parent, exp.EQ | exp.NEQ) and isinstance(
            written.node.parent.this, exp.Func | exp.Anonymous
        ):
            new = new.lower() if written.text == written.text.lower() else new
        written.node.replace(exp.Literal.string(new))
    _refuse_leftovers(tree, [str(before.meaning) for before, after in changed if before.meaning != after.meaning])


def _refuse_leftovers(tree: exp.Expr, names: Sequence[str]) -> None:
    """A name that is replaced may not stay elsewhere, as in a constant or the heading of a column."""
    texts = [fold(str(node.this)) for node in tree.find_all(exp.Literal, exp.Identifier)]
    if any(fold(name) in text for name in names for text in texts):
        raise Unlike


def _replace_numbers(tree: exp.Expr, changed: Sequence[tuple[Slot, Slot]]) -> None:
    """Each number that differs must stand in the SQL at exactly one place where a number can be meant."""
    spots = [node for node in tree.find_all(exp.Literal) if isinstance(node.parent, _MAY_HOLD) and not is_dated(node)]
    for before, after in changed:
        if not isinstance(before.meaning, Decimal) or not isinstance(after.meaning, Decimal):
            raise Unlike
        if before.meaning == after.meaning:
            continue
        scales = [Decimal(1), Decimal("0.01")] if before.kind == "number %" else [Decimal(1)]
        found = [(node, scale) for node in spots for scale in scales if _number_in(node) == scale * before.meaning]
        if len(found) != 1:
            raise Unlike
        node, scale = found[0]
        number = scale * after.meaning
        if isinstance(node.parent, exp.Limit | exp.Fetch) and number != int(number):
            raise Unlike
        node.replace(exp.Literal.number(format(number.normalize(), "f")))
        spots = [spot for spot in spots if spot is not node]


_MAY_HOLD = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ, exp.Between, exp.Limit, exp.Fetch)


def _number_in(node: exp.Literal) -> Decimal | None:
    try:
        return None if node.is_string else Decimal(node.this)
    except InvalidOperation:
        return None


_SINCE = re.compile(r"\bsince\b|\bafter\b|以来|以后|之后|[日月年份度]起|开始")
_UNTIL = re.compile(r"\bbefore\b|\buntil\b|\btill\b|\bup to\b|以前|之前|截至|截止")


def _replace_periods(
    tree: exp.Expr, changed: Sequence[tuple[Period, Period]], text: str, ranges: list[DatedRange], today: date
) -> None:
    """Each period must be what the SQL compares a date with, as of today; else it means what we do not see."""
    left = list(ranges)
    for before, after in changed:
        found = [(one, bounds) for one in left if (bounds := _bounds(one, before, after, text, today))]
        if not found:
            raise Unlike
        for one, (begin, end) in found:
            left.remove(one)
            if before != after:
                one.replace(begin, end)
    if all(before == after for before, after in changed):
        return
    # A period that the question does not say might have to move along; so might the heading of a column.
    headings = [fold(alias.alias.replace("_", " ")) for alias in tree.find_all(exp.Alias)]
    if left or any(periods_in(f"in {heading}", today) for heading in headings):
        raise Unlike


def _bounds(
    one: DatedRange, before: Period, after: Period, text: str, today: date
) -> tuple[Edge | None, Edge | None] | None:
    """What to compare with instead, if this range is the old period, or what is since it or before it."""
    afters = (after, *(after.others or [after] * len(before.others)))
    for seen, new in zip((before, *before.others), afters, strict=False):
        start, end = seen.start.on(today), seen.end.on(today)
        edges = {start: new.start, end: new.end}
        if _SINCE.search(text):
            if one.end is None and one.begin in edges:
                return edges[one.begin], None
        elif _UNTIL.search(text):
            if one.begin is None and one.end in edges:
                return None, edges[one.end]
        # What ends with now or later may be left open in SQL: there are no rows of the future.
        elif one.begin == start and (one.end == end or (one.end is None and start <= today < end)):
            return new.start, new.end
    return None


def _type_of(column: exp.Column, catalogue: Catalogue) -> str:
    places = _places(column, catalogue)
    table = catalogue.table(places[0][0]) if len(places) == 1 else None
    found = table.column(column.name) if table else None
    return found.type if found else ""
