"""Whether a question was stopped, looked at beside the work on it: then a model or a query is left at once."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import DatabaseError, connections
from django.db.models import Exists, Q

from analytics.models import Question
from analytics.running import cancel_runs
from jobs import leaving
from jobs.handlers import Leaving, Run, Stopped
from jobs.models import Job
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

logger = logging.getLogger(__name__)

# How long a stopped question may go on with its model.
LOOK_S = 0.3
_JOB: Q = Q(tenant_id=Param("tenant_id"), id=Param("job_id"), status=Job.Status.RUNNING, fence=Param("fence"))
# Asked thrice a second for as long as a model takes.
_COUNTS: Select[UUID] = Select(
    lambda: (
        Question.objects.filter(Exists(Job.objects.filter(_JOB)), tenant_id=Param("tenant_id"), id=Param("id"))
        .open()
        .values_list("id", flat=True)
    )
)


class Watch:
    """Looks from a thread of its own while a question is worked on.

    Once the question was stopped, or its job is not ours any more, it ends what runs in the database, again and again
    in case something had just begun, and calls `hang_up`.
    """

    def __init__(self, run: Run, question_id: UUID) -> None:
        self._run = run
        self._question_id = question_id
        self._is_over = threading.Event()
        self._is_stopped = threading.Event()
        self._hang_up: Callable[[], object] | None = None

    @property
    def tenant_id(self) -> UUID:
        return self._run.tenant_id

    def check(self) -> None:
        """Raise Stopped, or Leaving, if the work does not count any more."""
        if leaving.is_asked():
            raise Leaving
        if self._is_stopped.is_set():
            raise Stopped

    @contextmanager
    def hanging_up_by(self, hang_up: Callable[[], object]) -> Iterator[None]:
        """While the block runs, `hang_up` is called from the watching thread when there is a reason to."""
        self._hang_up = hang_up
        try:
            yield
        finally:
            self._hang_up = None

    def watch(self) -> None:
        """Look until `end`."""
        try:
            while not self._is_over.wait(LOOK_S):
                try:
                    self.look()
                except DatabaseError as error:
                    logger.warning("Whether question %s was stopped is not known: %s", self._question_id, error)
        finally:
            connections.close_all()

    def end(self) -> None:
        self._is_over.set()

    def look(self) -> None:
        """See whether the work still counts, and if not, leave what is under way."""
        if not self._is_stopped.is_set() and not self._counts():
            self._is_stopped.set()
        if self._is_stopped.is_set():
            cancel_runs(self._question_id)
        if (self._is_stopped.is_set() or leaving.is_asked()) and (hang_up := self._hang_up):
            hang_up()

    def _counts(self) -> bool:
        job, tenant_id = self._run.job, self._run.tenant_id
        with tenant_scope(tenant_id):
            found = _COUNTS.first(tenant_id=tenant_id, id=self._question_id, job_id=job.pk, fence=job.fence)
            return found is not None


@contextmanager
def watching(run: Run, question_id: UUID) -> Iterator[Watch]:
    watch = Watch(run, question_id)
    thread = threading.Thread(target=watch.watch, name="question-watch", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()
