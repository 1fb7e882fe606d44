"""The type of a column, changed by a person: the kept files are read once more, so that nothing is lost on the way.

To change it back does the same, and brings back what became empty.
"""

import threading
from dataclasses import dataclass, field
from uuid import UUID

from analytics.importing.errors import BeingRead, FileGone
from analytics.importing.known import known_table, pieces_of, said_types
from analytics.importing.loading import Load, loading
from analytics.importing.recording import OWNER, files_of, hold_job, note_change, record_columns
from analytics.importing.running import writing
from analytics.meaning.profiling import post_profile
from analytics.models import Dataset, DatasetColumn, DatasetFile, DatasetFileSource, DatasetTable
from analytics.reading.apart import reading
from analytics.reading.drafts import KnownTable, Note
from jobs.handlers import Run
from jobs.models import Job
from jobs.queueing import enqueue
from tenants.errors import Conflict
from tenants.scope import tenant_scope

RELOAD = "analytics.reload"
# So many at once in each web process, and each for at most this long.
_LOOKING = threading.BoundedSemaphore(2)
LOOKING_S = 60.0


@dataclass(slots=True)
class Retype:
    """What a person asks for. `format` is `dmy` or `mdy` where a date could be either."""

    column: str
    type: str
    format: str = ""


@dataclass(slots=True)
class Preview:
    """How many values the new type cannot take, of how many rows, and some of them; what is unclear."""

    lost: int = 0
    rows: int = 0
    examples: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    """Where rows of a table came from. `sheet` is "" in a file that has none."""

    file: DatasetFile
    sheet: str


def preview(tenant_id: UUID, table: DatasetTable, wish: Retype) -> Preview:
    """Read the table's files for this, and change nothing. Outside of transactions.

    Raises FileGone, Conflict while too many do the same, and what reading raises.
    """
    with tenant_scope(tenant_id):
        parts, known = _parts(table), _wished(table, wish)
    if not _LOOKING.acquire(timeout=LOOKING_S):
        raise Conflict
    try:
        seen = Preview()
        for part in parts:
            _add(seen, part, known, wish)
        return seen
    finally:
        _LOOKING.release()


def _add(seen: Preview, part: _Part, known: KnownTable, wish: Retype) -> None:
    pieces = pieces_of(part.file.tenant_id, part.file.pk)
    with reading(
        pieces, part.file.name, mode="again", known=[known], only=part.sheet, only_drafts=True, timeout_s=LOOKING_S
    ) as found:
        draft = found.drafts[0]
    column = next(column for column in draft.columns if column.name == wish.column)
    seen.lost += column.lost
    seen.rows += draft.row_count
    seen.examples = (seen.examples + column.lost_examples)[:3]
    seen.notes = column.notes


def retype(table: DatasetTable, wish: Retype) -> Job:
    """Put it in line. Raises BeingRead while another column of the table is being changed."""
    if Job.objects.for_tenant(table.tenant_id).filter(kind=RELOAD, subject_id=table.pk).unfinished().exists():
        raise BeingRead
    payload = {"column": wish.column, "type": wish.type, "format": wish.format}
    return enqueue(tenant_id=table.tenant_id, kind=RELOAD, queue="analytics", subject_id=table.pk, payload=payload)


def last_change(column: DatasetColumn) -> Job | None:
    """The last job that changed this column's type, or is about to."""
    changes = Job.objects.for_tenant(column.tenant_id).filter(kind=RELOAD, subject_id=column.table_id)
    job: Job | None = changes.filter(payload__column=column.name).order_by("-created_at").first()
    return job


def rename(column: DatasetColumn, label: str) -> None:
    """Call a column something else. Its name in SQL stays."""
    column.label = label
    column.save(update_fields=["label"])
    Dataset.objects.for_tenant(column.tenant_id).filter(pk=column.table.dataset_id).note_change()


def reload_table(run: Run) -> None:
    """Fill a table anew from its files with one column of another type. All of it or nothing."""
    with writing(run):
        table = DatasetTable.objects.select_related("dataset").filter(pk=run.subject_id).first()
    if table is None:
        return
    wish = Retype(**run.job.payload)
    with loading(table.dataset) as loader:
        with writing(run):
            table.refresh_from_db()
            parts, known = _parts(table), _wished(table, wish)
        for part in parts:
            pieces = pieces_of(run.tenant_id, part.file.pk)
            with reading(pieces, part.file.name, mode="again", known=[known], only=part.sheet) as found:
                loader.take(found, is_appending=False, step=lambda _rows: None)
        loader.put_in_place()
        hold_job(run)
        _record(table, wish, loader.loads[table.name])
    with writing(run):
        post_profile(table.dataset)


def _record(table: DatasetTable, wish: Retype, load: Load) -> None:
    said = {**said_types(table), wish.column: {"type": wish.type, "format": wish.format}}
    table.origin = {**table.origin, "said": said}
    table.row_count = load.row_count
    table.save(using=OWNER, update_fields=["origin", "row_count"])
    record_columns(table, load.draft)
    note_change(table.dataset)


def _wished(table: DatasetTable, wish: Retype) -> KnownTable:
    known = known_table(table)
    for column in known.columns:
        if column.name == wish.column:
            column.type, column.format = wish.type, wish.format
    return known


def _parts(table: DatasetTable) -> list[_Part]:
    """Raises FileGone for a table that did not come from files, or whose files are not kept."""
    ids = [UUID(name) for name in files_of(table)]
    files = {file.pk: file for file in DatasetFile.objects.for_tenant(table.tenant_id).filter(pk__in=ids)}
    kept = DatasetFileSource.objects.for_tenant(table.tenant_id).filter(file_id__in=ids, ordinal=0)
    if not ids or kept.count() < len(ids):
        raise FileGone
    return [_Part(files[file_id], _sheet(files[file_id], table.name)) for file_id in ids]


def _sheet(file: DatasetFile, name: str) -> str:
    tables = file.draft["tables"]
    sheet: str = next(table["sheet"] for table in tables if name in (table["target"], table["name"]))
    return sheet
