"""SQL with the faults that models make, mended by rule: other dialects, near misses of names, missing casts. Pure.

What comes out is a proposal. It goes to the gate as anything else does.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import TypeVar

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from analytics.catalogue import Catalogue, Column, Table

Key = TypeVar("Key")
# What a query reads from, by alias; None for something derived, of whose columns nothing is known.
Sources = dict[str, Table | None]

# In which a statement is read, likeliest first. The gate itself reads PostgreSQL only.
DIALECTS = ("postgres", "mysql", "tsql", "sqlite", "bigquery")
MAX_BYTES = 16_384
MAX_NESTING = 60
# Names this much alike are taken for one, if no other comes near.
ALIKE = 0.78
AHEAD = 0.06
ABBREVIATED = 0.85

_DATES = ("date", "timestamp")
_SILENT = re.compile(r"[\s_\-]+")
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def mended(sql: str, catalogue: Catalogue) -> Iterator[str]:
    """What may have been meant by a statement that failed, likeliest first; each differs from all before."""
    if len(sql.encode()) > MAX_BYTES or _nesting(sql) > MAX_NESTING:
        return
    seen = {sql}
    for dialect in DIALECTS:
        try:
            tree = sqlglot.parse_one(sql, dialect=dialect)
            # Once more, since other dialects have nodes of their own for what PostgreSQL writes as functions.
            tree = sqlglot.parse_one(tree.sql(dialect="postgres"), dialect="postgres")
            if not isinstance(tree, exp.Query):
                continue
            _Mender(tree, catalogue).mend()
            text = tree.sql(dialect="postgres")
        except (SqlglotError, RecursionError, ValueError, KeyError, TypeError, AttributeError):
            continue  # it was not written in this dialect, or is nothing that rules can mend
        if text not in seen:
            seen.add(text)
            yield text


def _nesting(sql: str) -> int:
    deepest = depth = 0
    for sign in sql:
        if sign in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]":
            depth -= 1
    return deepest


class _Mender:
    def __init__(self, tree: exp.Query, catalogue: Catalogue) -> None:
        self._tree = tree
        self._catalogue = catalogue
        for name in tree.find_all(exp.Identifier):
            if not name.quoted:
                name.set("this", name.name.lower())  # as PostgreSQL reads it
        self._steps = {step.alias_or_name for step in tree.find_all(exp.CTE)}

    def mend(self) -> None:
        for table in list(self._tree.find_all(exp.Table)):
            self._mend_table(table)
        for column in list(self._tree.find_all(exp.Column)):
            self._mend_column(column)
        for node in list(self._tree.walk()):
            self._mend_types(node)

    # --- Names ----------------------------------------------------------------------------------------------
    def _mend_table(self, node: exp.Table) -> None:
        """A table that is not there, but for one that is called nearly so."""
        if node.name in self._steps or self._catalogue.table(node.name) or not isinstance(node.this, exp.Identifier):
            return
        called = {table.name: _called(table) for table in self._catalogue.tables}
        if name := nearest(node.name, called):
            for column in self._tree.find_all(exp.Column):
                if column.table == node.name:
                    column.set("table", exp.to_identifier(name, quoted=True))
            node.set("this", exp.to_identifier(name, quoted=True))
            node.set("db", None)
            node.set("catalog", None)

    def _mend_column(self, node: exp.Column) -> None:
        select = node.find_ancestor(exp.Select)
        if select is None or isinstance(node.this, exp.Star):
            return
        sources = self._sources(node)
        if any(source is None or source.column(node.name) for source in self._meant(node, sources)):
            return
        if (named := self._alias_of(node, select)) is not None:
            self._unfold(node, named)
            return
        found = self._own_column(node, sources) or self._elsewhere(node, sources) or self._nearest(node, sources)
        if found is not None:
            alias, name = found
            if not self._is_beside(node, alias, name):
                node.set("this", exp.to_identifier(name, quoted=True))
                if node.table or len(sources) > 1:
                    node.set("table", exp.to_identifier(alias, quoted=True))
        elif not node.table and node.this.args.get("quoted") and isinstance(node.parent, (*_COMPARED, exp.In)):
            node.replace(exp.Literal.string(node.name))  # MySQL's way to write a text

    def _own_column(self, node: exp.Column, sources: Sources) -> tuple[str, str] | None:
        """`customers.customer_id`, `order_amount` of orders: a column with its table's name before it."""
        found = [
            (alias, column.name)
            for alias, source in self._of(node, sources)
            for column in source.columns
            if _words(node.name) == (*_words(source.name), *_words(column.name))
        ]
        return found[0] if len(found) == 1 else None

    def _elsewhere(self, node: exp.Column, sources: Sources) -> tuple[str, str] | None:
        """A column of exactly one of the other tables."""
        found = [(alias, node.name) for alias, source in sources.items() if source and source.column(node.name)]
        return found[0] if len(found) == 1 else None

    def _nearest(self, node: exp.Column, sources: Sources) -> tuple[str, str] | None:
        called = {
            (alias, column.name): _called(column)
            for alias, source in self._of(node, sources)
            for column in source.columns
        }
        return nearest(node.name, called)

    def _of(self, node: exp.Column, sources: Sources) -> list[tuple[str, Table]]:
        """The tables that a column may be of."""
        return [(alias, source) for alias, source in sources.items() if source and node.table in ("", alias)]

    def _is_beside(self, node: exp.Column, alias: str, name: str) -> bool:
        """Whether a column would be compared with itself, which joins everything with everything."""
        compared = node.parent
        if not isinstance(compared, _COMPARED):
            return False
        other = compared.expression if compared.this is node else compared.this
        return isinstance(other, exp.Column) and (other.table, other.name) == (alias, name)

    def _sources(self, node: exp.Expr) -> Sources:
        """What the query around it and those around that read from, by alias. None: something derived."""
        found: Sources = {}
        select = node.find_ancestor(exp.Select)
        while select is not None:
            first = select.args.get("from_")
            for part in [first, *(select.args.get("joins") or ())]:
                if part is not None and isinstance(source := part.this, exp.Table | exp.Subquery):
                    is_table = isinstance(source, exp.Table) and source.name not in self._steps
                    table = self._catalogue.table(source.name) if is_table else None
                    found.setdefault(source.alias_or_name, table)
            select = select.find_ancestor(exp.Select)
        return found

    def _meant(self, node: exp.Column, sources: Sources) -> list[Table | None]:
        if node.table:
            return [sources[node.table]] if node.table in sources else []
        return list(sources.values())

    def _alias_of(self, node: exp.Column, select: exp.Select) -> exp.Alias | None:
        """The result column that is meant by a name which is no column."""
        named = (one for one in select.expressions if isinstance(one, exp.Alias) and one.alias == node.name)
        return None if node.table else next(named, None)

    def _unfold(self, node: exp.Column, alias: exp.Alias) -> None:
        """Only ORDER BY and GROUP BY know names of result columns; elsewhere what they stand for is written out."""
        if node.find_ancestor(exp.Where, exp.Having) is not None:
            node.replace(exp.paren(alias.this.copy()))

    # --- Types ----------------------------------------------------------------------------------------------
    def _mend_types(self, node: exp.Expr) -> None:
        match node:
            case exp.Sum() | exp.Avg():
                self._cast_text(node.this, "numeric")
            case exp.Round() if node.args.get("decimals") is not None and not isinstance(node.this, exp.Cast):
                node.set("this", exp.cast(node.this, "numeric"))
            case exp.Cast() if (known := self._known(node.this)) and _is_text(known):
                if node.to.this not in exp.DataType.TEXT_TYPES:
                    node.set("this", _filled(node.this))
            case exp.TimestampTrunc() | exp.DateTrunc():
                self._cast_text(node.this, "timestamp")
            case exp.Quarter():
                node.replace(exp.Extract(this=exp.var("QUARTER"), expression=node.this))
            case exp.Extract():
                self._cast_text(node.expression, "timestamp")
            case exp.Like() | exp.ILike():
                if (known := self._known(node.this)) and not _is_text(known):
                    node.set("this", exp.cast(node.this, "text"))
            case exp.In() | exp.Between():
                for value in [*node.expressions, node.args.get("low"), node.args.get("high")]:
                    if value is not None:
                        self._mend_compared(node.this, value, is_equality=isinstance(node, exp.In))
            case _ if isinstance(node, _COMPARED):
                is_equality = isinstance(node, exp.EQ | exp.NEQ)
                self._mend_compared(node.this, node.expression, is_equality=is_equality)
                self._mend_compared(node.expression, node.this, is_equality=is_equality)

    def _mend_compared(self, column: exp.Expr, value: exp.Expr, *, is_equality: bool) -> None:
        known = self._known(column)
        if known is None or not _is_text(known):
            return
        if isinstance(value, exp.Literal) and not value.is_string:
            if is_equality:
                value.replace(exp.Literal.string(value.name))
            else:
                self._cast_text(column, "numeric")
        elif _is_date(value):
            self._cast_text(column, "date")

    def _cast_text(self, node: exp.Expr, to: str) -> None:
        """Cast a column that holds text to what is computed with."""
        known = self._known(node)
        if known is not None and _is_text(known):
            node.replace(exp.cast(_filled(node), to))

    def _known(self, node: exp.Expr | None) -> Column | None:
        if not isinstance(node, exp.Column):
            return None
        sources = self._sources(node)
        found = [source.column(node.name) for source in self._meant(node, sources) if source is not None]
        known = [column for column in found if column is not None]
        return known[0] if len(known) == 1 else None


def nearest(name: str, called: dict[Key, tuple[str, ...]]) -> Key | None:
    """The one thing whose names come near to this one, and to which nothing else comes as near."""
    wanted = _plain(name)
    same = [key for key, names in called.items() if wanted in map(_plain, names)]
    if len(same) == 1:
        return same[0]
    ranked = sorted(((_likeness(wanted, names), number) for number, names in enumerate(called.values())), reverse=True)
    if not ranked or ranked[0][0] < ALIKE or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < AHEAD):
        return None
    return list(called)[ranked[0][1]]


def _filled(node: exp.Expr) -> exp.Expr:
    """A text without what cannot be read as a number or a date, though people mean nothing by it."""
    return exp.func("NULLIF", exp.func("TRIM", node.copy()), exp.Literal.string(""))


def _likeness(wanted: str, names: tuple[str, ...]) -> float:
    return max(
        max(SequenceMatcher(None, wanted, _plain(each)).ratio(), _abbreviation(wanted, _plain(each))) for each in names
    )


def _abbreviation(short: str, name: str) -> float:
    """`deptid` for `departmentid`: all of its letters, in order, beginning with the same one."""
    if len(short) < 4 or short[0] != name[:1] or short[-2:] != name[-2:]:
        return 0.0
    letters = iter(name)
    return ABBREVIATED if all(letter in letters for letter in short) else 0.0


def _words(name: str) -> tuple[str, ...]:
    return tuple(_plain(word) for word in re.split(r"[\s_\-]+", name) if word)


def _called(thing: Table | Column) -> tuple[str, ...]:
    return tuple(name for name in (thing.name, thing.label, *thing.synonyms) if name)


def _plain(name: str) -> str:
    """Without what people write differently: case, underscores, an English plural."""
    plain = _SILENT.sub("", name).casefold()
    return plain[:-1] if len(plain) > 3 and plain.isascii() and plain.endswith("s") else plain


def _is_date(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.sql(dialect="postgres").lower().startswith(_DATES)
    return isinstance(node, exp.CurrentDate | exp.CurrentTimestamp) or node.find(exp.Interval) is not None


def _is_text(column: Column) -> bool:
    return column.type.startswith(("text", "character", "varchar"))
