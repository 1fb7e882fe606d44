"""What a dataset holds, as the gate, the linker and the prompts see it: plain values, read once a question."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the identifier in SQL, `label` what its people call it: the header of the file, in any language."""

    name: str
    type: str  # as PostgreSQL's format_type writes it
    label: str = ""
    description: str = ""
    synonyms: tuple[str, ...] = ()
    # Data of the tenant's, never instructions; without what was found to be personal.
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    label: str = ""
    description: str = ""
    synonyms: tuple[str, ...] = ()
    row_count: int | None = None

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Metric:
    """An approved expression over the columns of one table, as `sum(amount) - sum(refund)`."""

    name: str
    table: str
    sql: str
    description: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Join:
    """Two columns that name the same thing: each is (table, column)."""

    left: tuple[str, str]
    right: tuple[str, str]


@dataclass(frozen=True)
class Catalogue:
    """Of one dataset, in one version. SQL may read these tables, in this schema, and nothing else."""

    schema: str
    tables: tuple[Table, ...]
    metrics: tuple[Metric, ...] = ()
    joins: tuple[Join, ...] = ()
    version: int = 0

    def table(self, name: str) -> Table | None:
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Table]:
        return {table.name: table for table in self.tables}
