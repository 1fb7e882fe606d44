"""Background work on what is not to be kept."""

from chat.retention import erasing, expiring
from jobs.handlers import Run, job_handler


@job_handler(erasing.ERASE, on_failure=erasing.say_why, on_again=erasing.say_queued, limits=erasing.LIMITS)
def erase(run: Run) -> None:
    """Erase what one receipt is about."""
    erasing.work(run)
    expiring.go_on(run.tenant_id, run.subject_id)


@job_handler(expiring.EXPIRE)
def expire(run: Run) -> None:
    """Keep one tenant's policy."""
    expiring.expire(run)
