"""Taking questions in, and answers to what was asked back."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from analytics.asker import Asker
from analytics.asking import asked, progress
from analytics.asking.errors import NotAskedBack
from analytics.asking.spending import refuse_without_money
from analytics.errors import DatasetNotReady
from analytics.models import Dataset, Question
from jobs.queueing import enqueue
from llm.budgets import Account
from tenants.errors import Invalid
from tenants.models import Tenant

ANSWER = "analytics.question"
QUEUE = "analytics"


@transaction.atomic
def ask(
    *, tenant: Tenant | UUID, dataset: Dataset, question: str, asker: Asker, conversation_id: UUID | None = None
) -> Question:
    """Take a question in and put the work on it in line. In the tenant's scope.

    Within a conversation it may also be the answer to what was asked back there: then that question goes on, and is
    returned. Raises Invalid, DatasetNotReady, BudgetExhausted, NotFound for a conversation that is not about this
    dataset.
    """
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.pk
    text = asked.clean_question(question)
    if dataset.status != Dataset.Status.READY:
        raise DatasetNotReady
    history = asked.thread_of(tenant_id, dataset.pk, conversation_id) if conversation_id is not None else []
    if history and (place := _choice_of(history[-1], text)) is not None:
        return _go_on(history[-1], place)
    refuse_without_money(dataset, Account(tenant_id, key_id=asker.key_id), text, history)
    row = Question.objects.create(
        tenant_id=tenant_id,
        dataset=dataset,
        question=text,
        language=asked.language_of(text, asker.language),
        thread=conversation_id or uuid7(),
        member_id=asker.member_id,
        key_id=asker.key_id,
        end_user_id=asker.end_user_id,
        events=[progress.next_event([], Question.Status.QUEUED)],
    )
    enqueue(tenant_id=tenant_id, kind=ANSWER, queue=QUEUE, subject_id=row.pk)
    return row


@transaction.atomic
def clarify(question: Question, choice: str) -> Question:
    """Answer what was asked back, by the text of a choice or its number. Raises NotAskedBack, Invalid."""
    if question.status != Question.Status.NEEDS_CLARIFICATION:
        raise NotAskedBack
    place = _choice_of(question, choice)
    if place is None:
        raise Invalid.field("choice", _("Choose one of what was asked, by its text or its number."))
    return _go_on(question, place)


def _choice_of(question: Question, text: str) -> int | None:
    """Which of the choices a text means, from 0; None if nothing was asked back, or it means none of them."""
    if question.status != Question.Status.NEEDS_CLARIFICATION or question.clarification is None:
        return None
    said = asked.normalised(text)
    choices = [asked.normalised(choice) for choice in question.clarification["choices"]]
    if said in choices:
        return choices.index(said)
    place = int(said) - 1 if said.isascii() and said.isdecimal() and len(said) < 4 else -1
    return place if 0 <= place < len(choices) else None


def _go_on(question: Question, place: int) -> Question:
    """Put the question in line again with the answer, or end it if the answer was no."""
    before = (Question.Status.NEEDS_CLARIFICATION,)
    asked_back: dict[str, Any] = question.clarification or {}
    clarification = asked_back | {"answer": asked_back["choices"][place], "place": place}
    is_refused = clarification["kind"] == "confirm" and place > 0
    status = Question.Status.CANCELLED if is_refused else Question.Status.QUEUED
    finished_at = timezone.now() if is_refused else None
    if not progress.move(
        question.tenant_id, question.pk, status, expected=before, clarification=clarification, finished_at=finished_at
    ):
        raise NotAskedBack  # somebody else was faster
    if not is_refused:
        enqueue(tenant_id=question.tenant_id, kind=ANSWER, queue=QUEUE, subject_id=question.pk)
    question.refresh_from_db()
    return question
