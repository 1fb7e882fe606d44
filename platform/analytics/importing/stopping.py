"""Imports being stopped and tried again."""

from django.db import transaction

from analytics.importing.errors import NotImporting, NotStopped
from analytics.importing.running import STOPPED
from analytics.importing.taking_in import IMPORT, put_in_line
from analytics.models import DatasetFile
from jobs.queueing import cancel


def stop_file(file: DatasetFile) -> DatasetFile:
    """Stop an import; what was there before stays as it was. Raises NotImporting."""
    with transaction.atomic():
        # The job first, as its worker does: locks taken crosswise would wait for each other.
        cancel(tenant_id=file.tenant_id, subject_id=file.pk, kind=IMPORT)
        working = DatasetFile.objects.filter(pk=file.pk).exclude(status__in=[*STOPPED, DatasetFile.Status.READY])
        if not working.update(status=DatasetFile.Status.CANCELLED):
            raise NotImporting
    file.refresh_from_db()
    return file


def retry_file(file: DatasetFile) -> DatasetFile:
    """Put an import in line again. Raises NotStopped."""
    with transaction.atomic():
        stopped = DatasetFile.objects.filter(pk=file.pk, status__in=STOPPED)
        if not stopped.update(status=DatasetFile.Status.QUEUED, error_code="", error_detail=""):
            raise NotStopped
        put_in_line(file)
    file.refresh_from_db()
    return file
