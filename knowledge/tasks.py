"""Background work on documents. Celery finds this module; the rows in `jobs` decide what runs."""

from jobs.handlers import Run, job_handler
from jobs.models import Job
from knowledge.collecting import INGEST, STOPPED
from knowledge.ingestion import ingest_document
from knowledge.models import Document
from knowledge.telling import tell_failed
from tenants.errors import PlatformError


def say_why(job: Job, error: PlatformError) -> None:
    """The last attempt failed: the document says so, unless it was deleted meanwhile."""
    rows = Document.objects.filter(pk=job.subject_id)
    rows.update(status=Document.Status.FAILED, error_code=error.code, error_detail=str(error.detail))
    for document in rows:
        tell_failed(document)


def say_queued(job: Job) -> None:
    """It was put in line again."""
    Document.objects.filter(pk=job.subject_id, status__in=STOPPED).update(
        status=Document.Status.QUEUED, error_code="", error_detail=""
    )


@job_handler(INGEST, on_failure=say_why, on_again=say_queued)
def ingest(run: Run) -> None:
    """Make a document findable, a slice at a time."""
    ingest_document(run)
