"""SQL told in plain words, by rule: it says what the statement does, and not what somebody meant it to do. Pure."""

from collections.abc import Iterable, Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from analytics.asking import phrases
from analytics.asking.phrases import Bilingual
from analytics.catalogue import Catalogue, Table
from personas.context import Language

MAX_CHARACTERS = 1500
_DATES = ("date", "timestamp", "time")
_SAID_AS_IT_IS = (exp.Cast, exp.Alias, exp.Coalesce, exp.Round, exp.TsOrDsToDate)


def explain(sql: str, catalogue: Catalogue, language: Language) -> str:
    """What a statement that passed the gate does: tables, filters, groups, order and limit. Empty if unreadable."""
    try:
        tree = sqlglot.parse_one(sql, dialect="postgres")
    except (SqlglotError, RecursionError):
        return ""
    if not isinstance(tree, exp.Query):
        return ""
    text = _Teller(catalogue, language).statement(tree)
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


class _Teller:
    def __init__(self, catalogue: Catalogue, language: Language) -> None:
        self._catalogue = catalogue
        self._language = language
        self._steps: set[str] = set()

    def statement(self, tree: exp.Query) -> str:
        steps = []
        for step in tree.ctes:
            steps.append(self._say(phrases.STEP, name=step.alias, text=self._query(step.this)))
            self._steps.add(step.alias)
        text = self._query(tree)
        if steps:
            text = self._say(phrases.STEPS_RESULT, text=text)
        end = phrases.END[self._language]
        return (end + (" " if self._language == "en" else "")).join([*steps, text]) + end

    # --- Queries --------------------------------------------------------------------------------------------
    def _query(self, tree: exp.Expr) -> str:
        match tree:
            case exp.Subquery():
                return self._query(tree.this)
            case exp.SetOperation():
                words = {exp.Union: phrases.UNION, exp.Intersect: phrases.INTERSECT, exp.Except: phrases.EXCEPT}
                both = self._say(words[type(tree)], left=self._query(tree.left), right=self._query(tree.right))
                return self._joined([both, *self._tail(tree)])
            case exp.Select():
                return self._select(tree)
        return self._as_sql(tree)

    def _select(self, tree: exp.Select) -> str:
        parts = []
        if tables := self._tables(tree):
            parts.append(self._say(phrases.FROM, tables=self._listed(tables)))
        if where := tree.args.get("where"):
            parts.append(self._say(phrases.WHERE, conditions=self._condition(where.this)))
        keys = self._keys(tree)
        if keys:
            parts.append(self._say(phrases.GROUPED, keys=self._listed(keys)))
        shown = [self._term(column) for column in tree.expressions]
        shown = [term for term in dict.fromkeys(shown) if term not in keys] or shown
        words = phrases.DISTINCT if tree.args.get("distinct") else phrases.SHOWN
        parts.append(self._say(words, what=self._listed(shown)))
        if having := tree.args.get("having"):
            parts.append(self._say(phrases.HAVING, conditions=self._condition(having.this)))
        return self._joined([*parts, *self._tail(tree)])

    def _tables(self, tree: exp.Select) -> list[str]:
        first = tree.args.get("from_")
        told = [self._source(first.this)] if first else []
        for join in tree.args.get("joins") or ():
            source, on = self._source(join.this), join.args.get("on")
            if on is None:
                told.append(source)
            else:
                words = phrases.JOINED_ALL if join.side else phrases.JOINED
                told.append(self._say(words, table=source, on=self._matched(on)))
        return told

    def _matched(self, on: exp.Expr) -> str:
        """By what two tables belong together: of columns that are called alike, the name alone."""
        told = [self._term(side) for side in (on.this, on.expression)] if isinstance(on, exp.EQ) else []
        return told[0] if told and told[0] == told[1] else self._condition(on)

    def _source(self, tree: exp.Expr) -> str:
        if isinstance(tree, exp.Table):
            return self._quoted(self._table_label(tree))
        if isinstance(tree, exp.Subquery):
            return self._say(phrases.INNER_QUERY, text=self._query(tree.this))
        return self._as_sql(tree)

    def _table_label(self, tree: exp.Table) -> str:
        known = None if tree.name in self._steps else self._catalogue.table(tree.name)
        return (known.label if known else "") or tree.name

    def _keys(self, tree: exp.Select) -> list[str]:
        group = tree.args.get("group")
        return [self._term(self._behind_number(key, tree)) for key in group.expressions] if group else []

    def _behind_number(self, key: exp.Expr, tree: exp.Query) -> exp.Expr:
        """`GROUP BY 1` and `ORDER BY total` name what is shown."""
        shown = tree.selects
        if isinstance(key, exp.Literal) and not key.is_string and key.name.isdecimal():
            place = int(key.name) - 1
            return shown[place] if 0 <= place < len(shown) else key
        if isinstance(key, exp.Column) and not key.table:
            return next((one for one in shown if isinstance(one, exp.Alias) and one.alias == key.name), key)
        return key

    def _tail(self, tree: exp.Query) -> Iterable[str]:
        if order := tree.args.get("order"):
            keys = [self._order_key(key, tree) for key in order.expressions]
            yield self._say(phrases.ORDERED, keys=self._listed(keys))
        if offset := tree.args.get("offset"):
            yield self._say(phrases.OFFSET, count=self._term(offset.expression))
        if limit := tree.args.get("limit"):
            count = limit.args.get("expression") or limit.args.get("count")
            if count is not None:
                yield self._say(phrases.LIMIT, count=self._term(count))

    def _order_key(self, key: exp.Expr, tree: exp.Query) -> str:
        words = phrases.DOWN if key.args.get("desc") else phrases.UP
        return self._say(words, key=self._term(self._behind_number(key.this, tree)))

    # --- Conditions -----------------------------------------------------------------------------------------
    def _condition(self, tree: exp.Expr) -> str:
        match tree:
            case exp.And() | exp.Or():
                words = phrases.AND if isinstance(tree, exp.And) else phrases.OR
                return words[self._language].join(self._condition(each) for each in tree.flatten(unnest=False))
            case exp.Paren():
                return (
                    f"({self._condition(tree.this)})" if self._language == "en" else f"（{self._condition(tree.this)}）"
                )
            case exp.Is(expression=exp.Null()):
                words = phrases.FILLED if tree.args.get("negate") else phrases.EMPTY
                return self._say(words, a=self._term(tree.this))
            case exp.Is():
                return self._say(phrases.CONDITIONS["EQ"], a=self._term(tree.this), b=self._term(tree.expression))
            case exp.Not(this=exp.Is(expression=exp.Null()) as inner):
                return self._say(phrases.FILLED, a=self._term(inner.this))
            case exp.Not():
                return self._say(phrases.NOT, a=self._condition(tree.this))
            case exp.Between():
                ends = {"b": self._term(tree.args["low"]), "c": self._term(tree.args["high"])}
                return self._say(phrases.BETWEEN, a=self._term(tree.this), **ends)
            case exp.In():
                return self._one_of(tree)
            case exp.Exists():
                return self._say(phrases.EXISTS, a=self._say(phrases.INNER_QUERY, text=self._query(tree.this)))
            case exp.Like() | exp.ILike():
                return self._like(tree)
        if compared := self._comparison(tree):
            return self._say(compared, a=self._term(tree.this), b=self._term(tree.expression))
        return self._term(tree)

    def _comparison(self, tree: exp.Expr) -> Bilingual | None:
        name = type(tree).__name__
        if name in phrases.SINCE and self._is_date(tree.this):
            return phrases.SINCE[name]
        return phrases.CONDITIONS.get(name)

    def _is_date(self, tree: exp.Expr) -> bool:
        column = tree.find(exp.Column)
        known = self._column(column) if column is not None else None
        return known is not None and known[1].startswith(_DATES) and not isinstance(tree, exp.Extract)

    def _one_of(self, tree: exp.In) -> str:
        if inner := tree.args.get("query"):
            within = self._say(phrases.INNER_QUERY, text=self._query(inner))
        else:
            within = self._listed([self._term(each) for each in tree.expressions])
        return self._say(phrases.ONE_OF, a=self._term(tree.this), b=within)

    def _like(self, tree: exp.Expr) -> str:
        pattern = tree.expression
        a = self._term(tree.this)
        if isinstance(pattern, exp.Literal) and pattern.is_string:
            inner = pattern.name.strip("%")
            if pattern.name == f"%{inner}%" and not set(inner) & set("%_"):
                return self._say(phrases.CONTAINS, a=a, b=self._quoted(inner))
        return self._say(phrases.CONDITIONS[type(tree).__name__], a=a, b=self._term(pattern))

    # --- Terms ----------------------------------------------------------------------------------------------
    def _term(self, tree: exp.Expr) -> str:
        match tree:
            case exp.Column(this=exp.Star()) | exp.Star():
                return phrases.ALL_COLUMNS[self._language]
            case exp.Column():
                known = self._column(tree)
                return known[0] if known else tree.name
            case exp.Literal():
                return self._quoted(tree.name) if tree.is_string else tree.name
            case exp.Paren():
                return f"({self._term(tree.this)})"
            case exp.Filter():
                where = self._condition(tree.expression.this)
                return self._say(phrases.FILTERED, a=self._term(tree.this), b=where)
            case exp.Count():
                return self._count(tree)
            case exp.TimestampTrunc() | exp.DateTrunc():
                return self._part_of_date(tree.args.get("unit"), tree.this)
            case exp.Extract():
                return self._part_of_date(tree.this, tree.expression)
            case exp.TimeToStr() if tree.text("format") in phrases.FORMATS:
                return self._part_of_date(exp.var(phrases.FORMATS[tree.text("format")]), tree.this)
            case exp.Interval() if tree.text("unit").upper().rstrip("S") in phrases.SPANS:
                return self._say(phrases.SPANS[tree.text("unit").upper().rstrip("S")], count=tree.this.name)
            case exp.CurrentDate():
                return phrases.TODAY[self._language]
            case exp.CurrentTimestamp():
                return phrases.NOW[self._language]
            case exp.Subquery():
                return self._say(phrases.INNER_QUERY, text=self._query(tree.this))
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div():
                sign = {exp.Add: "+", exp.Sub: "-", exp.Mul: "×", exp.Div: "÷"}[type(tree)]
                return f"{self._term(tree.this)} {sign} {self._term(tree.expression)}"
            case exp.Nullif():
                return self._term(tree.this)
        if isinstance(tree, _SAID_AS_IT_IS):
            return self._term(tree.this)
        if isinstance(tree, exp.Predicate | exp.Connector | exp.Not):
            return self._condition(tree) if type(tree).__name__ != "Case" else self._as_sql(tree)
        if (words := phrases.TERMS.get(type(tree).__name__)) and isinstance(tree.this, exp.Expr):
            return self._say(words, a=self._term(tree.this))
        return self._as_sql(tree)

    def _count(self, tree: exp.Count) -> str:
        match tree.this:
            case exp.Star() | exp.Literal():
                return phrases.COUNT_ROWS[self._language]
            case exp.Distinct() as different:
                return self._say(phrases.COUNT_DIFFERENT, a=self._listed(map(self._term, different.expressions)))
        return self._say(phrases.TERMS["Count"], a=self._term(tree.this))

    def _part_of_date(self, unit: exp.Expr | None, of: exp.Expr) -> str:
        name = unit.name.upper() if unit is not None else ""
        words = phrases.UNITS.get(name)
        return self._say(phrases.PART_OF_DATE, unit=words[self._language] if words else name.lower(), a=self._term(of))

    # --- Names ----------------------------------------------------------------------------------------------
    def _column(self, tree: exp.Column) -> tuple[str, str] | None:
        """What its people call a column, and its type."""
        for table in self._tables_of(tree):
            if column := table.column(tree.name):
                return column.label or column.name, column.type
        return None

    def _tables_of(self, tree: exp.Column) -> Sequence[Table]:
        """Of the nearest query around it, the named table or all of them."""
        select = tree.find_ancestor(exp.Select)
        sources = list(select.find_all(exp.Table)) if select else []
        named = [table for table in sources if not tree.table or table.alias_or_name == tree.table]
        found = [self._catalogue.table(table.name) for table in named if table.name not in self._steps]
        return [table for table in found if table is not None]

    # --- Words ----------------------------------------------------------------------------------------------
    def _say(self, words: Bilingual, **parts: str) -> str:
        return words[self._language].format(**parts)

    def _listed(self, parts: Iterable[str]) -> str:
        return phrases.LIST[self._language].join(parts)

    def _joined(self, parts: Iterable[str]) -> str:
        return phrases.CLAUSE[self._language].join(part for part in parts if part)

    def _quoted(self, text: str) -> str:
        return f"«{text}»" if self._language == "en" else f"“{text}”"

    def _as_sql(self, tree: exp.Expr) -> str:
        """What has no words of its own, without the schema, which means nothing to a reader."""
        bare = tree.copy()
        for table in bare.find_all(exp.Table):
            table.set("db", None)
        return bare.sql(dialect="postgres")
