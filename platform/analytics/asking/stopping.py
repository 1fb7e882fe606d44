"""Stopping a question, wherever it is: in line, with the model, or in the database."""

from functools import partial

from django.db import transaction
from django.utils import timezone

from analytics.asking.errors import NotUnderWay
from analytics.asking.posting import ANSWER
from analytics.asking.progress import move
from analytics.models import Question
from analytics.running import cancel_runs
from jobs.queueing import cancel

STOPPABLE = (*Question.OPEN, Question.Status.NEEDS_CLARIFICATION)


@transaction.atomic
def stop_question(question: Question) -> Question:
    """Cancel a question for good: whatever a worker still does for it comes to nothing. Raises NotUnderWay.

    What runs for it in the database is ended after the commit; the worker hangs up on the model as soon as it sees.
    """
    tenant_id, status = question.tenant_id, Question.Status.CANCELLED
    # The job first, as its worker does it: the other way round each would wait for the other.
    cancel(tenant_id=tenant_id, subject_id=question.pk, kind=ANSWER)
    if not move(tenant_id, question.pk, status, expected=STOPPABLE, finished_at=timezone.now()):
        question.refresh_from_db()
        if question.status == status:
            return question
        raise NotUnderWay
    transaction.on_commit(partial(cancel_runs, question.pk), robust=True)
    question.refresh_from_db()
    return question
