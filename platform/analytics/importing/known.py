"""What a dataset has already, as those who read files see it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from analytics.models import DatasetColumn, DatasetFileSource, DatasetTable
from analytics.reading.drafts import KnownColumn, KnownTable
from tenants.scope import tenant_scope


def known_tables(tenant_id: UUID, dataset_id: UUID) -> list[KnownTable]:
    """Inside the tenant's scope."""
    tables = DatasetTable.objects.for_tenant(tenant_id).filter(dataset_id=dataset_id).prefetch_related("columns")
    return [known_table(table) for table in tables]


def known_table(table: DatasetTable) -> KnownTable:
    said = said_types(table)
    return KnownTable(table.name, table.label, [_column(column, said) for column in table.columns.all()])


def said_types(table: DatasetTable) -> dict[str, dict[str, str]]:
    """{column: {type, format}} where a person said how to read a column."""
    said: dict[str, dict[str, str]] = table.origin.get("said", {})
    return said


def _column(column: DatasetColumn, said: dict[str, Any]) -> KnownColumn:
    return KnownColumn(column.name, column.label, column.type, column.import_format, column.name in said)


def pieces_of(tenant_id: UUID, file_id: UUID) -> Iterator[bytes]:
    """The bytes of a file, a piece at a time and without a transaction between them."""
    ordinal = 0
    while True:
        with tenant_scope(tenant_id):
            pieces = DatasetFileSource.objects.for_tenant(tenant_id).filter(file_id=file_id, ordinal=ordinal)
            piece = pieces.values_list("data", flat=True).first()
        if piece is None:
            return
        yield bytes(piece)
        ordinal += 1
