"""A dataset as gate, linker and prompts see it, read from its rows."""

from collections import OrderedDict, defaultdict
from contextlib import suppress
from uuid import UUID

from analytics.catalogue import Catalogue, Column, Join, Metric, Table
from analytics.models import Dataset, DatasetColumn, DatasetTable
from tenants.scope import tenant_scope

# Of one process. The catalogue of a hundred tables is some 100 KB.
_MOST_KEPT = 64
_kept: OrderedDict[tuple[UUID, int], Catalogue] = OrderedDict()


def kept_catalogue(dataset: Dataset) -> Catalogue:
    """`catalogue_of`, read once for each version: not for who changes the dataset in the same transaction.

    It is never older than the version of the row that was passed, since that is counted up with each change.
    """
    key = (dataset.pk, dataset.version)
    found = _kept.pop(key, None)
    if found is None:
        with tenant_scope(dataset.tenant_id):
            found = catalogue_of(dataset)
    _kept[key] = found
    while len(_kept) > _MOST_KEPT:
        with suppress(KeyError):
            _kept.popitem(last=False)
    return found


def catalogue_of(dataset: Dataset) -> Catalogue:
    """What of the dataset may be read, and what is approved about it. In the tenant's scope; four queries."""
    rows = list(dataset.tables.filter(is_hidden=False))
    names: dict[UUID, tuple[str, str]] = {}
    columns: dict[UUID, list[Column]] = defaultdict(list)
    by_table = {row.pk: row for row in rows}
    for column in DatasetColumn.objects.filter(table__dataset=dataset, table__is_hidden=False).order_by(
        "position", "id"
    ):
        names[column.pk] = (by_table[column.table_id].name, column.name)
        columns[column.table_id].append(_column(column))
    joins = [
        Join(names[join.left_column_id], names[join.right_column_id])
        for join in dataset.joins.approved()
        if {join.left_column_id, join.right_column_id} <= names.keys()
    ]
    metrics = [
        Metric(metric.name, by_table[metric.table_id].name, metric.sql, metric.description, tuple(metric.synonyms))
        for metric in dataset.metrics.approved().order_by("name")
        if metric.table_id in by_table
    ]
    return Catalogue(
        schema=dataset.schema_name,
        tables=tuple(_table(row, columns[row.pk]) for row in rows),
        metrics=tuple(metrics),
        joins=tuple(joins),
        version=dataset.version,
    )


def _table(row: DatasetTable, columns: list[Column]) -> Table:
    return Table(
        name=row.name,
        columns=tuple(columns),
        label=row.label,
        description=row.description,
        synonyms=tuple(row.synonyms),
        row_count=row.row_count,
    )


def _column(row: DatasetColumn) -> Column:
    return Column(
        name=row.name,
        type=row.type,
        label=row.label,
        description=row.description,
        synonyms=tuple(row.synonyms),
        samples=() if row.samples_off or row.pii else tuple(row.samples),
    )
