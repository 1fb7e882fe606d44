"""Queries whose SQL Django writes once. For the few that every turn asks.

Most of the time that a query takes is Django's, who builds it and writes its SQL anew each time
(docs/adr/0014-write-sql-once.md). Here a queryset is built as everywhere else, with a `Param` where a value
goes, and its SQL is kept; a call only fills in the values:

    DEFAULT_ROUTE = Select(lambda: Route.objects.filter(is_default=True, tenant_id=Param("tenant_id")))
    route = DEFAULT_ROUTE.first(tenant_id=tenant_id)

What is asked stays written in terms of the models, so it follows them. PostgreSQL keeps its plan too
(docs/adr/0018-plan-once.md).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import cache, cached_property
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import UpdateQuery

from tenants.base import OwnTenant, TenantForeignKey
from tenants.postgresql.direct import DirectCursor, keeps_statements

Row = TypeVar("Row")
SQL = tuple[str, Sequence[Any]]
# So many statements are put together at most: each number of them is one more to be planned and kept.
MOST_AT_ONCE = 8


class Param(Expression):
    """The place of a value. It reaches the database as it is given: an id, a number, a text."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class Select(Generic[Row]):
    """A queryset of models or of `values_list`. Made by a function, since apps are not ready on import."""

    def __init__(self, queryset: Callable[[], "QuerySet[Any, Row]"]) -> None:
        self._make = queryset

    def all(self, **values: Any) -> list[Row]:
        """The rows for these values."""
        (rows,) = read(self.of(**values))
        return rows

    def first(self, **values: Any) -> Row | None:
        """The first of the rows in the queryset's order; limit it to one."""
        return next(iter(self.all(**values)), None)

    def of(self, **values: Any) -> "Asked":
        """The question for these values, for `read`."""
        compiler, (sql, params) = self._compiled
        return Asked(sql, _fill(params, values), self._queryset, compiler)

    @cached_property
    def _queryset(self) -> Any:
        return self._make()

    @cached_property
    def _compiled(self) -> tuple[Any, SQL]:
        compiler = self._queryset.query.get_compiler(connection=_connection())
        sql = compiler.as_sql()
        # These do not change either.
        converters = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        compiler.get_converters = lambda columns: converters
        return compiler, sql


class Asked:
    """A select with its values, and as much of a queryset and its query as Django's iterables ask for."""

    db = DEFAULT_DB_ALIAS
    _known_related_objects: dict[Any, Any] = {}

    def __init__(self, sql: str, params: Sequence[Any], queryset: Any, compiler: Any) -> None:
        self.sql, self.params = sql, params
        self.model, self.query = queryset.model, self
        self._iterable_class, self._compiler = queryset._iterable_class, copy(compiler)

    def after(self, sql: str, values: Sequence[Any]) -> "Asked":
        """The same in one statement with a change that it does not see. Finds nothing where that changes nothing."""
        asked = f"SELECT * FROM ({self.sql}) found WHERE EXISTS (TABLE changed)"  # noqa: S608 - Django's own SQL
        self.sql = f"WITH changed AS ({sql} RETURNING 1) {asked}"
        self.params = [*values, *self.params]
        return self

    def get_compiler(self, using: str) -> Any:
        """Django's own, which knows how to read the rows."""
        return self._compiler

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """What the queryset would give for these rows of the database."""
        self._compiler.connection = _connection()
        self._compiler.execute_sql = lambda *_, **__: [found]
        return list(self._iterable_class(self))


def read(*asked: Asked) -> list[list[Any]]:
    """The rows of each."""
    found = []
    with prepared_cursor() as cursor:
        for one in asked:
            cursor.execute(one.sql, one.params)
            found.append(cursor.fetchall())
    return [one.rows(rows) for one, rows in zip(asked, found, strict=True)]


class Update:
    """An update of the rows of a queryset: `fields` get the call's values, and `also` is the same each time."""

    def __init__(self, queryset: Callable[[], "QuerySet[Any]"], *fields: str, **also: Any) -> None:
        self._make, self.fields, self._also = queryset, fields, also

    def __call__(self, **values: Any) -> int:
        """How many rows were changed."""
        with prepared_cursor() as cursor:
            cursor.execute(*self.of(**values))
            return int(cursor.rowcount)

    def of(self, **values: Any) -> SQL:
        """The statement for these values, for `write`."""
        connection = _connection()
        fields, (sql, params) = self._compiled
        prepared = {name: field.get_db_prep_save(values[name], connection) for name, field in fields.items()}
        return sql, _fill(params, {**values, **prepared})

    @cached_property
    def _compiled(self) -> tuple[dict[str, Any], SQL]:
        queryset = self._make()
        query: Any = queryset.query.chain(UpdateQuery)
        query.add_update_values({**{name: Param(name) for name in self.fields}, **self._also})
        fields = {name: queryset.model._meta.get_field(name) for name in self.fields}
        return fields, query.get_compiler(connection=_connection()).as_sql()


def insertion(row: Model, *, unless: Asked | None = None) -> SQL:
    """Insert a row as `save(force_insert=True)` does, where no signal listens and no parent table is.

    `unless` is a question that must find nothing; then a unique constraint, too, may keep another row in its place.
    """
    connection = _connection()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    values = []
    for field, plain in _fields(type(row)):
        value = getattr(row, field.attname)
        if type(value) is not plain:
            value = field.get_db_prep_save(field.pre_save(row, add=True), connection)
        values.append(value)
    given = tuple(value is not None for value in values)
    kept = [value for value in values if value is not None]
    if unless:
        return _insert_unless_sql(type(row), given, unless.sql), [*kept, *unless.params]
    return _insert_sql(type(row), given), kept


# What fields of these very kinds hand over as it is, which takes half of the time that asking them takes.
_PLAIN: dict[type, type] = {
    models.BooleanField: bool,
    models.CharField: str,
    models.FloatField: float,
    models.IntegerField: int,
    models.PositiveBigIntegerField: int,
    models.PositiveIntegerField: int,
    models.TextField: str,
    models.UUIDField: UUID,
    OwnTenant: UUID,
    TenantForeignKey: UUID,
}


@cache
def _fields(model: type[Model]) -> list[tuple[Any, type | None]]:
    return [(field, _PLAIN.get(type(field))) for field in model._meta.concrete_fields]


def write(*statements: SQL) -> None:
    """Run statements one after the other."""
    with prepared_cursor() as cursor:
        for statement in statements:
            cursor.execute(*statement)


def write_at_once(*statements: SQL) -> None:
    """Run statements of which none needs to see what another one wrote, as one.

    Each way of putting them together is a statement of its own, so it should always be the same few.
    """
    write(_joined(statements))


class Write(NamedTuple):
    """A statement for `write_together`, and who is told how many rows it changed."""

    sql: SQL
    then: Callable[[int], None] | None = None


def write_together(*writes: Write) -> None:
    """As `write_at_once`, in order if they are many."""
    for few in (writes[at : at + MOST_AT_ONCE] for at in range(0, len(writes), MOST_AT_ONCE)):
        statements = [one.sql for one in few]
        with prepared_cursor() as cursor:
            cursor.execute(_counting(*(sql for sql, _values in statements)), _values_of(statements))
            (counts,) = cursor.fetchall()
        for one, count in zip(few, counts, strict=True):
            if one.then:
                one.then(count)


def _joined(statements: Sequence[SQL]) -> SQL:
    return _with(*(sql for sql, _values in statements)), _values_of(statements)


def _values_of(statements: Sequence[SQL]) -> list[Any]:
    return [value for _sql, values in statements for value in values]


@cache
def _with(*statements: str) -> str:
    *before, last = statements
    named = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(before))
    return f"WITH {named} {last}" if before else last


@cache
def _counting(*statements: str) -> str:
    named = ", ".join(f"w{number} AS ({sql} RETURNING 1)" for number, sql in enumerate(statements))
    counts = ", ".join(f"(SELECT count(*) FROM w{number})" for number in range(len(statements)))  # noqa: S608
    return f"WITH {named} SELECT {counts}"


def prepared_cursor() -> Any:
    """A cursor as Django's, whose statements PostgreSQL parses and plans once for each connection.

    For SQL that is the same each time. Planning is most of what it costs there.
    """
    return _direct_cursor(keeps_plans=True)


def planning_cursor() -> Any:
    """The same for a statement whose best plan depends on its values: it is planned each time."""
    return _direct_cursor(keeps_plans=False)


def _direct_cursor(*, keeps_plans: bool) -> Any:
    connection = _connection()
    connection.ensure_connection()
    raw = connection.connection
    return connection._prepare_cursor(DirectCursor(raw, prepares=keeps_plans and keeps_statements(raw)))


@cache
def _insert_sql(model: type[Model], given: tuple[bool, ...]) -> str:
    """With NULL in the places that are not given a value."""
    return f"{_insert_into(model)} VALUES ({', '.join(_places(given))})"


@cache
def _insert_unless_sql(model: type[Model], given: tuple[bool, ...], unless: str) -> str:
    """A SELECT takes the kinds of its values from nobody, so they are said."""
    fields = zip(_places(given), model._meta.concrete_fields, strict=True)
    # Without a length, to which a cast would cut what is too long.
    kinds = ((place, str(field.db_type(_connection())).partition("(")[0]) for place, field in fields)
    values = ", ".join(f"{place}::{kind}" for place, kind in kinds)
    return f"{_insert_into(model)} SELECT {values} WHERE NOT EXISTS ({unless}) ON CONFLICT DO NOTHING"


def _insert_into(model: type[Model]) -> str:
    quoted = _connection().ops.quote_name
    columns = ", ".join(quoted(field.column) for field in model._meta.concrete_fields)
    return f"INSERT INTO {quoted(model._meta.db_table)} ({columns})"


def _places(given: Iterable[bool]) -> Iterator[str]:
    return ("%s" if is_given else "NULL" for is_given in given)


def _fill(params: Iterable[Any], values: dict[str, Any]) -> list[Any]:
    return [values[each.name] if isinstance(each, Param) else each for each in params]


def _connection() -> Any:
    """This thread's own. `django.db.connection` looks it up anew for every attribute."""
    return connections[DEFAULT_DB_ALIAS]
