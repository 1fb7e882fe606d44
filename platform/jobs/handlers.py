"""What can be done in the background: apps register handlers by kind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from jobs.models import LEASE, Job
from tenants.errors import PlatformError
from tenants.scope import tenant_scope


class RetryLater(Exception):
    """The work failed in a way that may pass.

    `after` is a wish; without it the wait doubles with each attempt.
    """

    def __init__(self, error: PlatformError, after: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Again(Exception):
    """The slice is done and there is more to do: let others have a turn, then go on. Not a failure."""


class Stopped(Exception):
    """The job was cancelled, or another worker has it now. Leave everything as it is."""


@dataclass(frozen=True)
class Run:
    """A claimed job, as its handler sees it.

    No transaction is open around a handler: it enters scopes itself.
    """

    job: Job

    @property
    def tenant_id(self) -> UUID:
        return self.job.tenant_id

    @property
    def subject_id(self) -> UUID:
        return self.job.subject_id

    def check_in(self) -> None:
        """Say that we live, and learn whether to go on. Raises Stopped. Call it at least every 20 seconds."""
        with tenant_scope(self.tenant_id):
            held = Job.objects.filter(pk=self.job.pk, status=Job.Status.RUNNING, fence=self.job.fence)
            if not held.update(lease_until=timezone.now() + LEASE):
                raise Stopped


Handler = Callable[[Run], None]
FailureHandler = Callable[[Job, PlatformError], None]


@dataclass(frozen=True)
class Registration:
    handle: Handler
    # Called inside the tenant's scope when the last attempt failed, so that the subject can say so.
    on_failure: FailureHandler | None


_registry: dict[str, Registration] = {}


def job_handler(kind: str, *, on_failure: FailureHandler | None = None) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind.

    Modules with handlers are named `jobs.py` or imported by `tasks.py`.
    """

    def register(handler: Handler) -> Handler:
        _registry[kind] = Registration(handler, on_failure)
        return handler

    return register


def registration(kind: str) -> Registration:
    return _registry[kind]
