"""Names: of tables, which must be the dataset's, and of columns, which PostgreSQL also reads as function calls.

`s.length` calls `length(s)` where `s` has no column of that name, and `s.pg_ls_dir` lists a folder: PostgreSQL's
"functional notation". So a name behind a dot must be known to be a column, and `(expression).name` is not read.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from sqlglot import exp

from analytics.catalogue import Catalogue, Table
from analytics.gate.allowed import COLUMNS_OF_FUNCTIONS, SYSTEM_COLUMNS
from analytics.gate.lexing import clip, fold
from analytics.gate.refusing import refuse

# The names behind an alias; None where any will do, since the row has no type that a function takes.
Sources = dict[str, list[frozenset[str] | None]]
Chain = tuple[Sources, ...]
Names = frozenset[str]


def spell_out(tree: exp.Expr) -> exp.Expr:
    """Write each name as PostgreSQL reads it, in quotes; functions without quotes and without `pg_catalog.`"""
    for node in list(tree.walk()):
        match node:
            case exp.Identifier():
                name = clip(node.name) if node.args.get("quoted") else fold(node.name)
                node.set("this", name)
                node.set("quoted", True)
            case exp.Anonymous():
                name = node.this
                node.set("this", name.name if isinstance(name, exp.Identifier) else fold(name))
            case exp.Dot() if _is_catalog(node.this) and isinstance(node.expression, exp.Anonymous):
                node.replace(node.expression)
            case exp.Any() if isinstance(node.this, exp.Select):  # of SOME, which is written as ANY
                node.set("this", exp.Subquery(this=node.this))
            case exp.Table() if _is_catalog(node.args.get("db")) and isinstance(node.this, exp.Anonymous):
                node.set("db", None)
    return tree


def resolve(tree: exp.Expr, catalogue: Catalogue) -> tuple[str, ...]:
    """Qualify every table; the names of those that are read. Raises SqlRejected: table_unknown, schema, name, …"""
    resolver = _Resolver(catalogue)
    resolver.query(tree, frozenset(), ())
    return tuple(sorted(resolver.tables))


def start_of(node: Any) -> int | None:
    """Where a node began in the text that was parsed, if it says so."""
    for part in node.find_all(exp.Identifier, exp.Anonymous):
        if (start := part.meta.get("start")) is not None:
            return int(start)
    return None


class _Resolver:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.tables: set[str] = set()

    def query(self, node: exp.Expr, ctes: Names, chain: Chain) -> None:
        if with_ := node.args.get("with_"):
            ctes = self.with_(with_, ctes, chain)
        if isinstance(node, exp.Select):
            relations = list(_relations(node))
            sources: Sources = {}
            for relation in relations:
                self.collect(relation, ctes, sources)
            chain = (*chain, sources)
        for key, part in _parts(node):
            if key != "with_":
                self.walk(part, ctes, chain)

    def with_(self, with_: exp.Expr, ctes: Names, chain: Chain) -> Names:
        names = [cte.alias for cte in with_.expressions]
        for name in names:
            if name.startswith("pg_"):
                refuse("name", name=name, position=start_of(with_))
        if with_.args.get("recursive"):
            ctes = ctes.union(names)
        for cte in with_.expressions:
            self.walk(cte.this, ctes, chain)
            ctes = ctes | {cte.alias}
        return ctes

    def walk(self, node: exp.Expr, ctes: Names, chain: Chain) -> None:
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, exp.Query | exp.Values) and not isinstance(node, exp.Table):
                self.query(node, ctes, chain)
                continue
            if isinstance(node, exp.Table) and not isinstance(node.this, exp.Anonymous):
                self.table(node, ctes)
            elif isinstance(node, exp.Column):
                self.column(node, chain)
            waiting.extend(part for _key, part in _parts(node))

    def table(self, node: exp.Table, ctes: Names) -> Table | None:
        """Qualify the name of a table; None where it is a CTE's."""
        name, schema = node.name, node.args.get("db")
        if schema is not None and schema.name != self.catalogue.schema:
            refuse("schema", name=f"{schema.name}.{name}", position=start_of(node))
        if schema is None and name in ctes:
            return None
        table = self.catalogue.table(name)
        if table is None:
            names = [each.name for each in self.catalogue.tables]
            refuse("table_unknown", name=name, nearest=_nearest(name, names), position=start_of(node))
        node.set("db", exp.to_identifier(self.catalogue.schema, quoted=True))
        self.tables.add(name)
        return table

    def collect(self, node: exp.Expr, ctes: Names, sources: Sources) -> None:
        """What one relation in FROM, with those it is joined to in parentheses, gives names to."""
        inner = node.this
        if isinstance(node, exp.Subquery) and isinstance(inner, exp.Table):  # (a JOIN b)
            self.collect(inner, ctes, sources)
        for join in node.args.get("joins") or ():
            self.collect(join.this, ctes, sources)
        name = node.alias or (node.name if isinstance(node, exp.Table) else "")
        name = name or _function_name(node)
        if name:
            sources.setdefault(name, []).append(self.columns(node, name, _renamed(node), ctes))

    def columns(self, node: exp.Expr, name: str, renamed: Names, ctes: Names) -> frozenset[str] | None:
        if function := _function_name(node):
            if function in COLUMNS_OF_FUNCTIONS:
                return COLUMNS_OF_FUNCTIONS[function] | renamed | {"ordinality"}
            # Where its column has a name of its own, the alias no longer names the column.
            return (renamed or frozenset({name})) | {"ordinality"}
        if isinstance(node, exp.Table) and (table := self.table(node, ctes)):
            return frozenset(column.name for column in table.columns) | renamed
        return None

    def column(self, node: exp.Column, chain: Chain) -> None:
        name, owner = node.name, node.args.get("table")
        if name in SYSTEM_COLUMNS:
            refuse("name", name=name, position=start_of(node))
        if (schema := node.args.get("db")) is not None:
            if schema.name != self.catalogue.schema:
                refuse("schema", name=f"{schema.name}.{node.table}", position=start_of(node))
            node.set("db", None)
        if owner is None or isinstance(node.this, exp.Star):
            return
        known = [columns for sources in chain for columns in sources.get(owner.name, ())]
        if not known:
            names = [alias for sources in chain for alias in sources]
            refuse("table_unknown", name=owner.name, nearest=_nearest(owner.name, names), position=start_of(node))
        for columns in known:
            if columns is not None and name not in columns:
                nearest = _nearest(name, columns)
                refuse("column_unknown", table=owner.name, name=name, nearest=nearest, position=start_of(node))


def _relations(select: exp.Expr) -> Iterator[exp.Expr]:
    if from_ := select.args.get("from_"):
        yield from_.this
    for join in select.args.get("joins") or ():
        yield join.this
    yield from select.args.get("laterals") or ()


def _parts(node: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    for key, value in node.args.items():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, exp.Expr):
                yield key, part


def _function_name(node: exp.Expr) -> str:
    """The function that a relation in FROM calls; empty where it is none."""
    if isinstance(node, exp.Lateral):
        node = node.this
    if isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous):
        node = node.this
    if isinstance(node, exp.Anonymous):
        return str(node.this)
    return "unnest" if isinstance(node, exp.Unnest) else ""


def _renamed(node: exp.Expr) -> Names:
    """The names that an alias gives to columns, as in `AS t(tag, place)`."""
    alias = node.args.get("alias")
    names = [column.name for column in alias.columns] if alias else []
    unnest = node.this if isinstance(node, exp.Lateral) else node
    if isinstance(unnest, exp.Unnest) and isinstance(offset := unnest.args.get("offset"), exp.Identifier):
        names.append(offset.name)  # of WITH ORDINALITY
    return frozenset(names)


def _is_catalog(node: Any) -> bool:
    return isinstance(node, exp.Identifier) and node.name.lower() == "pg_catalog"


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    return get_close_matches(name, sorted(names), n=3, cutoff=0.6)
