"""One import, from the file to tables that can be asked about."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from analytics.importing.known import known_tables, pieces_of
from analytics.importing.loading import Loader, loading
from analytics.importing.recording import hold_job, record
from analytics.meaning.profiling import post_profile
from analytics.models import Dataset, DatasetFile
from analytics.reading.apart import reading
from analytics.reading.drafts import TableDraft
from analytics.reading.errors import TableUnreadable
from jobs.handlers import Run
from tenants.scope import tenant_scope

STOPPED = (DatasetFile.Status.FAILED, DatasetFile.Status.CANCELLED)
# How often progress is written down, and asked whether to go on.
_STEP_S = 1.0


def import_file(run: Run) -> None:
    """Read a file and put its tables in place of what was there, or its rows behind them; all of it or nothing.

    Then what the columns hold is looked at, in a job of its own. Raises a TableUnreadable, which the file keeps,
    Stopped, or Again while another import of the dataset runs.
    """
    with writing(run):
        file = DatasetFile.objects.select_related("dataset").filter(pk=run.subject_id).first()
        if file is None:
            return
        is_in = file.status == DatasetFile.Status.READY  # and only what comes after it was cut off
        if not is_in:
            change(file, status=DatasetFile.Status.READING, error_code="", error_detail="")
    if not is_in:
        _import(run, file)
    with writing(run):
        post_profile(file.dataset)


def _import(run: Run, file: DatasetFile) -> None:
    with keeping_reasons(file), loading(file.dataset) as loader:
        load_file(run, file, loader)
        loader.put_in_place()
        hold_job(run)
        record(file.dataset, file, loader.loads.values())


def load_file(run: Run, file: DatasetFile, loader: Loader) -> None:
    with tenant_scope(run.tenant_id):
        known = known_tables(run.tenant_id, file.dataset_id)
    with reading(pieces_of(run.tenant_id, file.pk), file.name, mode=file.mode, known=known) as found:
        progress = Progress(run, file, found.drafts)
        loader.take(found, is_appending=file.mode == DatasetFile.Mode.APPEND, step=progress.step)
    progress.write()


class Progress:
    """Of a file's rows: written down once a second, when it is also asked whether the job is still ours."""

    def __init__(self, run: Run, file: DatasetFile, drafts: list[TableDraft]) -> None:
        self._run, self._file = run, file
        self._done, self._total = 0, sum(draft.row_count for draft in drafts)
        self._written_at = time.monotonic()
        with writing(run):
            change(
                file,
                status=DatasetFile.Status.IMPORTING,
                draft={"tables": [draft.as_json() for draft in drafts]},
                progress=self._shown(),
            )

    def step(self, rows: int) -> None:
        self._done += rows
        if time.monotonic() - self._written_at > _STEP_S:
            self.write()

    def write(self) -> None:
        """Raises Stopped."""
        self._written_at = time.monotonic()
        with writing(self._run):
            change(self._file, progress=self._shown())

    def _shown(self) -> dict[str, int]:
        return {"done": self._done, "total": self._total}


@contextmanager
def keeping_reasons(file: DatasetFile) -> Iterator[None]:
    """What is wrong with a file is kept so that it can be said in the language of whoever looks at it."""
    try:
        yield
    except TableUnreadable as error:
        with tenant_scope(file.tenant_id):
            change(file, draft={**file.draft, "error": {"text": error.text, "values": error.values}})
        raise


@contextmanager
def writing(run: Run) -> Iterator[None]:
    """A transaction in the tenant's scope that fails with Stopped if the job is not ours any more."""
    with tenant_scope(run.tenant_id):
        run.check_in()
        yield


def change(file: DatasetFile, **fields: Any) -> None:
    """Write these fields only. Nothing if the file is gone."""
    for name, value in fields.items():
        setattr(file, name, value)
    DatasetFile.objects.filter(pk=file.pk).update(**fields)


def say_why(*, file_id: UUID, code: str, detail: str) -> None:
    """The last attempt failed: the file says so, and the dataset if it has nothing else."""
    file = DatasetFile.objects.filter(pk=file_id).first()
    if file is None:
        return
    change(file, status=DatasetFile.Status.FAILED, error_code=code, error_detail=detail)
    empty = Dataset.objects.filter(pk=file.dataset_id, tables=None, status=Dataset.Status.IMPORTING)
    others = DatasetFile.objects.filter(dataset_id=file.dataset_id).exclude(status__in=STOPPED)
    if not others.exists():
        empty.update(status=Dataset.Status.FAILED, error_code=code, error_detail=detail)
