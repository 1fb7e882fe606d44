"""Background work on webhooks. Celery finds this module; the rows in `jobs` decide what runs."""

from jobs.handlers import Run, job_handler
from webhooks.sending import SEND, send_due


@job_handler(SEND)
def send(run: Run) -> None:
    """Tell one endpoint what is due to it. What fails is tried again by the delivery's own clock."""
    send_due(run)
