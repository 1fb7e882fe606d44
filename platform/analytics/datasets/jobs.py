"""Background work on datasets, and the sweeper of what they leave behind."""

import logging
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connections

from analytics.datasets.keeping import LOOK, look, say_why_not
from analytics.datasets.schemas import PREFIX, as_owner, drop_schema
from jobs.handlers import Run, job_handler
from jobs.models import Job
from jobs.relay import every_second
from tenants.errors import PlatformError

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 600.0
# A schema is made before its dataset's row is committed.
GRACE = timedelta(hours=1)
_last_sweep = -SWEEP_EVERY_S


def _say_why(job: Job, error: PlatformError) -> None:
    say_why_not(job.subject_id, code=error.code, detail=str(error.detail))


@job_handler(LOOK, on_failure=_say_why)
def run_look(run: Run) -> None:
    look(run)


@every_second
def sweep_now_and_then() -> None:
    global _last_sweep
    if time.monotonic() - _last_sweep >= SWEEP_EVERY_S:
        _last_sweep = time.monotonic()
        sweep_orphans()


def sweep_orphans(*, now: datetime | None = None) -> list[str]:
    """Drop the schemas and roles whose dataset is gone, as with a tenant, or never came to be; their names."""
    try:
        with as_owner() as owner:
            rows = owner.execute(
                """SELECT nspname FROM pg_namespace
                   WHERE nspname ~ %s AND nspname NOT IN (SELECT schema_name FROM analytics_dataset)""",
                [f"^{PREFIX}[0-9a-f]{{32}}$"],
            ).fetchall()
        before = (now or datetime.now(UTC)) - GRACE
        orphans = [name for (name,) in rows if _made_at(name) < before]
        for name in orphans:
            drop_schema(name)
            logger.info("Dropped %s, which no dataset has any more", name)
        return orphans
    finally:
        connections["owner"].close()


def _made_at(name: str) -> datetime:
    """A UUIDv7 begins with the milliseconds at which it was made."""
    return datetime.fromtimestamp((UUID(name.removeprefix(PREFIX)).int >> 80) / 1000, UTC)
