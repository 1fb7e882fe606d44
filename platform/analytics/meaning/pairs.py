"""Verified questions: added, changed, approved, removed."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.catalogues import catalogue_of
from analytics.gate import check
from analytics.meaning.quoting import plain
from analytics.models import Approval, Dataset, VerifiedPair
from personas.language import is_chinese
from tenants.errors import Conflict, Invalid

MAX_PAIRS = 2000
MAX_QUESTION = 1000


@transaction.atomic
def add_pair(
    dataset: Dataset,
    *,
    question: str,
    sql: str,
    origin: VerifiedPair.Origin = VerifiedPair.Origin.MEMBER,
    status: str = Approval.PROPOSED,
    asked_by_id: Any = None,
) -> VerifiedPair:
    """A question with its SQL, which must pass the gate. Raises SqlRejected, Invalid, Conflict."""
    if dataset.pairs.count() >= MAX_PAIRS:
        raise Invalid.field("question", _("There are as many verified questions as there may be."))
    pair = VerifiedPair(dataset=dataset, origin=origin, asked_by_id=asked_by_id, status=status)
    _set(pair, question, sql)
    pair.save()
    _note(pair)
    return pair


@transaction.atomic
def change_pair(pair: VerifiedPair, *, question: str | None = None, sql: str | None = None, status: str = "") -> None:
    """Raises SqlRejected, Invalid, Conflict."""
    was_approved = pair.status == Approval.APPROVED
    pair.status = status or pair.status
    # What was proposed may have lost its tables meanwhile: approving looks at it again.
    _set(pair, pair.question if question is None else question, pair.sql if sql is None else sql)
    pair.save()
    if was_approved or pair.status == Approval.APPROVED:
        Dataset.objects.filter(pk=pair.dataset_id).note_change()


@transaction.atomic
def remove_pair(pair: VerifiedPair) -> None:
    _note(pair)
    pair.delete()


def _set(pair: VerifiedPair, question: str, sql: str) -> None:
    said = plain(question)
    if not said or len(said) > MAX_QUESTION:
        raise Invalid.field("question", _("A question of 1 to %(most)d characters is needed.") % {"most": MAX_QUESTION})
    check(sql, catalogue_of(pair.dataset))
    twins = VerifiedPair.objects.filter(dataset=pair.dataset, question=said, sql=sql).exclude(pk=pair.pk)
    if twins.exists():
        raise Conflict(_("This question is there with this SQL already."))
    if said != pair.question:
        pair.vector, pair.space = b"", ""
    pair.question, pair.sql = said, sql
    pair.language = "zh" if is_chinese(said) else "en"


def _note(pair: VerifiedPair) -> None:
    if pair.status == Approval.APPROVED:
        Dataset.objects.filter(pk=pair.dataset_id).note_change()
