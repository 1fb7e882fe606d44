"""Background work on files of tables."""

from analytics.importing.retyping import RELOAD, reload_table
from analytics.importing.running import STOPPED, import_file, say_why
from analytics.importing.taking_in import IMPORT
from analytics.models import DatasetFile
from jobs.handlers import Run, job_handler
from jobs.models import Job
from tenants.errors import PlatformError


def _say_why(job: Job, error: PlatformError) -> None:
    say_why(file_id=job.subject_id, code=error.code, detail=str(error.detail))


def _say_queued(job: Job) -> None:
    DatasetFile.objects.filter(pk=job.subject_id, status__in=STOPPED).update(
        status=DatasetFile.Status.QUEUED, error_code="", error_detail=""
    )


@job_handler(IMPORT, on_failure=_say_why, on_again=_say_queued)
def run_import(run: Run) -> None:
    import_file(run)


@job_handler(RELOAD)
def run_reload(run: Run) -> None:
    reload_table(run)
