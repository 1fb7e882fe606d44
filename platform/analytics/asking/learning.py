"""What people say of answers, and what later questions learn from it.

A pair of question and SQL counts as verified when it comes from somebody who answers for the data: a member who may
edit, or a key with the scope `manage`. From anybody else it is a proposal that such a member may approve.
"""

from uuid import UUID

from django.db import transaction

from analytics.asker import Asker
from analytics.asking.asked import history_of, in_full
from analytics.asking.errors import NotAnswered
from analytics.catalogues import catalogue_of
from analytics.gate import check
from analytics.models import Approval, Dataset, Question, VerifiedPair


@transaction.atomic
def judge(question: Question, *, is_correct: bool, sql: str, asker: Asker, may_approve: bool) -> Question:
    """Note whether an answer is right. A right one, or the `sql` that would have been, becomes a pair.

    Raises NotAnswered while the question is open or where there is nothing to judge, and SqlRejected for SQL that may
    not run; then nothing is noted.
    """
    if question.status in Question.OPEN or not (sql or question.sql):
        raise NotAnswered
    catalogue = catalogue_of(question.dataset)
    if sql:
        check(sql, catalogue)
    questions = Question.objects.for_tenant(question.tenant_id)
    # Neither this answer nor a copy of it is given again.
    if not is_correct and question.cache_key:
        questions.filter(cache_key=question.cache_key).update(cache_key="")
    questions.filter(pk=question.pk).update(is_correct=is_correct)
    if not is_correct:
        _unlearn(question, may_approve=may_approve)
    if right := sql.strip() or (question.sql if is_correct else ""):
        _learn(question, right, member_id=asker.member_id, may_approve=may_approve)
    question.refresh_from_db()
    return question


def _learn(question: Question, sql: str, *, member_id: UUID | None, may_approve: bool) -> None:
    status = Approval.APPROVED if may_approve else Approval.PROPOSED
    text = in_full(question.question, history_of(question))
    pair, is_new = VerifiedPair.objects.get_or_create(
        dataset=question.dataset,
        question=text,
        sql=sql,
        defaults={
            "language": question.language,
            "origin": VerifiedPair.Origin.FEEDBACK,
            "status": status,
            "asked_by_id": member_id,
        },
    )
    if may_approve and pair.status != status:
        pair.status = status
        pair.save(update_fields=["status"])
        is_new = True
    if is_new and may_approve:
        _note_change(question.dataset_id)


def _unlearn(question: Question, *, may_approve: bool) -> None:
    """What was learned from this answer before somebody saw that it is wrong."""
    learned = VerifiedPair.objects.filter(
        dataset=question.dataset, sql=question.sql, origin=VerifiedPair.Origin.FEEDBACK,
        question=in_full(question.question, history_of(question)),
    )  # fmt: skip
    if not may_approve:
        learned = learned.filter(status=Approval.PROPOSED)
    _count, deleted = learned.delete()
    if deleted and may_approve:
        _note_change(question.dataset_id)


def _note_change(dataset_id: UUID) -> None:
    """What was answered before may be answered better now."""
    Dataset.objects.filter(pk=dataset_id).note_change()
