"""What can be done in the background: apps register handlers by kind."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from jobs import leaving
from jobs.models import LEASE, Job
from tenants.errors import PlatformError
from tenants.scope import tenant_scope
from tenants.statements import Param, Update


class RetryLater(Exception):
    """The work failed in a way that may pass.

    `after` is the least time to wait; without it the wait doubles with each attempt.
    """

    def __init__(self, error: PlatformError, after: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


class Again(Exception):
    """The slice is done and there is more to do: let others have a turn, then go on. Not a failure."""


class Stopped(Exception):
    """The job was cancelled, or another worker has it now. Leave everything as it is."""


class Leaving(Stopped):
    """This worker is told to end. The job goes back in line as if this run had not been."""


@dataclass(frozen=True)
class Limits:
    """How long one run may take.

    At `soft` SoftTimeLimitExceeded is raised inside the handler. At `hard` the lease ends, whoever says that he
    lives, and then the process is killed. Both count as an attempt. Slices (`Again`) each have all of it.
    """

    soft: timedelta = timedelta(minutes=9)
    hard: timedelta = timedelta(minutes=10)

    @property
    def kill(self) -> timedelta:
        """Celery kills by this one: it counts from a little earlier, and must not come before the lease's end."""
        return self.hard + timedelta(seconds=3)

    def __post_init__(self) -> None:
        if self.soft >= self.hard:
            raise ValueError(f"Of {self}, the hard one must be the longer one")


_RENEW = Update(
    lambda: Job.objects.filter(
        id=Param("id"), tenant_id=Param("tenant_id"), status=Job.Status.RUNNING, fence=Param("fence")
    ),
    "lease_until",
)


@dataclass(frozen=True)
class Run:
    """A claimed job, as its handler sees it.

    No transaction is open around a handler: it enters scopes itself.
    """

    job: Job
    limits: Limits = Limits()

    @property
    def tenant_id(self) -> UUID:
        return self.job.tenant_id

    @property
    def subject_id(self) -> UUID:
        return self.job.subject_id

    @property
    def ends_at(self) -> datetime:
        """When this run is over, done or not."""
        return (self.job.started_at or timezone.now()) + self.limits.hard

    def check_in(self) -> None:
        """Learn whether to go on, best in the transaction that writes. Raises Stopped.

        That we live is said by the heartbeat; this is about whether what we do still counts.
        """
        if leaving.is_asked():
            raise Leaving
        self.renew()

    def renew(self) -> None:
        """Say that we live. Raises Stopped if the job is not ours any more."""
        with tenant_scope(self.tenant_id):
            lease_until = min(timezone.now() + LEASE, self.ends_at)
            if not _RENEW(id=self.job.pk, tenant_id=self.tenant_id, fence=self.job.fence, lease_until=lease_until):
                raise Stopped


Handler = Callable[[Run], None]
FailureHandler = Callable[[Job, PlatformError], None]


@dataclass(frozen=True)
class Registration:
    handle: Handler
    # Lets the subject say that the last attempt failed. Called inside the tenant's scope, also in the beat
    # process: it writes a few rows and nothing else. One that raises is called a few times more.
    on_failure: FailureHandler | None = None
    # Lets the subject say that it is in line again. Called inside the tenant's scope, in the same transaction.
    on_again: Callable[[Job], None] | None = None
    limits: Limits = Limits()


_registry: dict[str, Registration] = {}


def job_handler(
    kind: str,
    *,
    on_failure: FailureHandler | None = None,
    on_again: Callable[[Job], None] | None = None,
    limits: Limits = Limits(),
) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind.

    Modules with handlers are named `jobs.py` or imported by `tasks.py`.
    """

    def register(handler: Handler) -> Handler:
        _registry[kind] = Registration(handler, on_failure, on_again, limits)
        return handler

    return register


def registration(kind: str) -> Registration:
    """Raises KeyError for a kind that this process does not know, as an older one beside a newer may not."""
    return _registry[kind]


def limits_of(kind: str) -> Limits:
    """The limits of a kind, or the usual ones if it is not known here."""
    return _registry[kind].limits if kind in _registry else Limits()


def say_again(job: Job) -> None:
    """Let the job's subject say that it is in line again, if its kind is known here and wants to."""
    if job.kind in _registry and (on_again := _registry[job.kind].on_again):
        on_again(job)
