"""An id from outside becomes a row, or the same NotFound for a neighbour's and for one that never was."""

from uuid import UUID

from analytics.datasets.conversations import conversations_of
from analytics.models import Dataset, Question, SavedQuestion, VerifiedPair
from tenants.access import access_row
from tenants.errors import NotFound


def access_dataset(tenant_id: UUID, dataset_id: UUID | str) -> Dataset:
    """By its id; "conversations" is the built-in one, which is made when it is first asked for. Raises NotFound."""
    if dataset_id == Dataset.Kind.CONVERSATIONS:
        return conversations_of(tenant_id)
    return access_row(Dataset, tenant_id, pk=_as_uuid(dataset_id))


def access_pair(tenant_id: UUID, pair_id: UUID) -> VerifiedPair:
    return access_row(VerifiedPair, tenant_id, pk=pair_id)


def access_question(tenant_id: UUID, question_id: UUID) -> Question:
    return access_row(Question, tenant_id, pk=question_id)


def access_saved_question(tenant_id: UUID, saved_id: UUID) -> SavedQuestion:
    return access_row(SavedQuestion, tenant_id, pk=saved_id)


def _as_uuid(said: UUID | str) -> UUID:
    try:
        return said if isinstance(said, UUID) else UUID(said)
    except ValueError:
        raise NotFound from None
