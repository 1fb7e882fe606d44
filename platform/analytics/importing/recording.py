"""What is known of the tables, changed together with them: over the owner's connection, in the same transaction.

That connection sees all tenants, so every query here names the one that it is about.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from analytics.importing.loading import Load
from analytics.meaning.profiling import look_first
from analytics.models import Dataset, DatasetColumn, DatasetFile, DatasetFileSource, DatasetTable
from analytics.reading.drafts import TableDraft
from jobs.handlers import Run, Stopped
from jobs.models import Job

OWNER = "owner"


def hold_job(run: Run) -> None:
    """Make sure that the job is ours until the transaction ends. Raises Stopped."""
    held = Job.objects.using(OWNER).filter(
        tenant_id=run.tenant_id, pk=run.job.pk, status=Job.Status.RUNNING, fence=run.job.fence
    )
    if held.select_for_update().first() is None:
        raise Stopped


def record(dataset: Dataset, file: DatasetFile, loads: Iterable[Load]) -> None:
    """Write down what a file brought: tables, columns, counts, a new version. The file is ready."""
    for load in loads:
        table = _table(dataset, load.draft)
        origin = {"file": file.name, "sheet": load.draft.sheet}
        if load.stands_in:
            table.row_count = load.row_count
            table.origin = {**table.origin, **origin, "files": [str(file.pk)]}
            record_columns(table, load.draft)
        else:
            table.row_count = (table.row_count or 0) + load.row_count
            table.origin = {**table.origin, "files": [*table.origin.get("files", ()), str(file.pk)]}
        table.save(using=OWNER)
    DatasetFile.objects.using(OWNER).filter(tenant_id=dataset.tenant_id, pk=file.pk).update(
        status=DatasetFile.Status.READY, error_code="", error_detail=""
    )
    forget_replaced(dataset)
    note_change(dataset)


def note_change(dataset: Dataset) -> None:
    """There is a new version, and what failed before is mended."""
    mine = Dataset.objects.using(OWNER).filter(tenant_id=dataset.tenant_id, pk=dataset.pk)
    mine.update(status=Dataset.Status.READY, error_code="", error_detail="")
    mine.note_change()


def _table(dataset: Dataset, draft: TableDraft) -> DatasetTable:
    tables = DatasetTable.objects.using(OWNER).filter(tenant_id=dataset.tenant_id, dataset_id=dataset.pk)
    table: DatasetTable | None = tables.filter(name=draft.target or draft.name).first()
    if table is None:
        table = DatasetTable(
            tenant_id=dataset.tenant_id,
            dataset_id=dataset.pk,
            name=draft.name,
            label=draft.label[:300],
            position=tables.count(),
        )
        table.save(using=OWNER)
    return table


def record_columns(table: DatasetTable, draft: TableDraft) -> None:
    """Columns that were there before keep what people said of them."""
    mine = DatasetColumn.objects.using(OWNER).filter(tenant_id=table.tenant_id, table_id=table.pk)
    mine.exclude(name__in=[column.name for column in draft.columns]).delete()
    before = {column.name: column for column in mine}
    for position, column in enumerate(draft.columns):
        row = before.get(column.name) or DatasetColumn(
            tenant_id=table.tenant_id, table_id=table.pk, name=column.name, label=column.label[:300]
        )
        row.type, row.import_format, row.position = column.type, column.format, position
        look_first(row, [line[position] or "" for line in draft.sample if line[position]])
        row.save(using=OWNER)


def forget_replaced(dataset: Dataset) -> None:
    """Files of which no table has rows any more need not be kept."""
    tables = DatasetTable.objects.using(OWNER).filter(tenant_id=dataset.tenant_id, dataset_id=dataset.pk)
    in_use = {UUID(name) for table in tables for name in files_of(table)}
    done = DatasetFile.objects.using(OWNER).filter(
        tenant_id=dataset.tenant_id, dataset_id=dataset.pk, status=DatasetFile.Status.READY
    )
    replaced = list(done.exclude(pk__in=in_use).values_list("pk", flat=True))
    DatasetFileSource.objects.using(OWNER).filter(tenant_id=dataset.tenant_id, file_id__in=replaced).delete()


def files_of(table: DatasetTable) -> list[str]:
    """Ids of the files that its rows came from, in order."""
    files: Any = table.origin.get("files", [])
    return list(files)
