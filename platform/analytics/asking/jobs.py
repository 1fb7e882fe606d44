"""Background work on questions."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from analytics.asking.answering import answer_question
from analytics.asking.posting import ANSWER
from analytics.asking.progress import move
from analytics.models import Question
from jobs.handlers import Limits, Run, job_handler
from jobs.models import Job
from tenants.errors import PlatformError

# A model that is asked twice, with its time limits, and two statements with theirs.
LIMITS = Limits(soft=timedelta(minutes=7), hard=timedelta(minutes=8))
STOPPED = (Question.Status.FAILED, Question.Status.CANCELLED)


def say_why(job: Job, error: PlatformError) -> None:
    """The last attempt failed: the question says so, unless it is over or was deleted."""
    fields: dict[str, Any] = {
        "error_code": error.code,
        "error_detail": str(error.detail),
        "finished_at": timezone.now(),
    }
    move(job.tenant_id, job.subject_id, Question.Status.FAILED, **fields)


def say_queued(job: Job) -> None:
    """It was put in line again."""
    fields: dict[str, Any] = {"error_code": "", "error_detail": "", "finished_at": None}
    move(job.tenant_id, job.subject_id, Question.Status.QUEUED, expected=STOPPED, **fields)


@job_handler(ANSWER, on_failure=say_why, on_again=say_queued, limits=LIMITS)
def answer(run: Run) -> None:
    """Answer one question."""
    answer_question(run)
