"""What is known of a dataset's tables, written down so that what people said of them stays."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.models import Dataset, DatasetColumn, DatasetTable


@dataclass(frozen=True, slots=True)
class ColumnFound:
    name: str
    type: str
    label: str = ""
    description: str = ""
    synonyms: tuple[str, ...] = ()
    pii: str = ""


@dataclass(frozen=True, slots=True)
class TableFound:
    name: str
    columns: tuple[ColumnFound, ...]
    label: str = ""
    description: str = ""
    synonyms: tuple[str, ...] = ()
    row_count: int | None = None


def describe_tables(dataset: Dataset, found: Sequence[TableFound]) -> None:
    """Make the dataset's rows say what was found: new tables and columns come, those that are gone go.

    Label, description and synonyms of what is known already stay as people left them. In the tenant's scope.
    """
    known = {table.name: table for table in dataset.tables.prefetch_related("columns")}
    gone = [table.pk for name, table in known.items() if name not in {table.name for table in found}]
    DatasetTable.objects.filter(pk__in=gone)._raw_delete(using="default")
    for position, each in enumerate(found):
        table = known.get(each.name)
        if table is None:
            table = dataset.tables.create(
                name=each.name,
                label=each.label,
                description=each.description,
                synonyms=list(each.synonyms),
                row_count=each.row_count,
                position=position,
            )
            _add(table, enumerate(each.columns))
        else:
            table.row_count, table.position = each.row_count, position
            table.save(update_fields=["row_count", "position"])
            _renew(table, each.columns)
    Dataset.objects.filter(pk=dataset.pk).note_change()
    dataset.refresh_from_db(fields=["version", "updated_at"])


def _renew(table: DatasetTable, found: Sequence[ColumnFound]) -> None:
    known = {column.name: column for column in table.columns.all()}
    gone = [column.pk for name, column in known.items() if name not in {column.name for column in found}]
    DatasetColumn.objects.filter(pk__in=gone)._raw_delete(using="default")
    _add(table, [(position, column) for position, column in enumerate(found) if column.name not in known])
    kept = [known[column.name] for column in found if column.name in known]
    for position, each in enumerate(found):
        if column := known.get(each.name):
            # Samples of another type would be none.
            column.samples = column.samples if column.type == each.type else []
            column.type, column.position = each.type, position
    DatasetColumn.objects.bulk_update(kept, ["type", "position", "samples"])


def _add(table: DatasetTable, found: "Sequence[tuple[int, ColumnFound]] | enumerate[ColumnFound]") -> None:
    DatasetColumn.objects.bulk_create(
        DatasetColumn(
            table=table,
            name=column.name,
            label=column.label,
            type=column.type,
            description=column.description,
            synonyms=list(column.synonyms),
            pii=column.pii,
            position=position,
        )
        for position, column in found
    )
