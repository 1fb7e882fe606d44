"""An id from outside becomes a row, or the same NotFound for a neighbour's and for one that never was."""

from typing import TypeVar, cast
from uuid import UUID

from analytics.datasets.conversations import conversations_of
from analytics.models import Dataset, Question, SavedQuestion, VerifiedPair
from tenants.base import TenantModel
from tenants.errors import NotFound

Row = TypeVar("Row", bound=TenantModel)


def access_dataset(tenant_id: UUID, dataset_id: UUID | str) -> Dataset:
    """By its id; "conversations" is the built-in one, which is made when it is first asked for. Raises NotFound."""
    if dataset_id == Dataset.Kind.CONVERSATIONS:
        return conversations_of(tenant_id)
    return _access(Dataset, tenant_id, _as_uuid(dataset_id))


def access_pair(tenant_id: UUID, pair_id: UUID) -> VerifiedPair:
    return _access(VerifiedPair, tenant_id, pair_id)


def access_question(tenant_id: UUID, question_id: UUID) -> Question:
    return _access(Question, tenant_id, question_id)


def access_saved_question(tenant_id: UUID, saved_id: UUID) -> SavedQuestion:
    return _access(SavedQuestion, tenant_id, saved_id)


def _access(model: type[Row], tenant_id: UUID, row_id: UUID) -> Row:
    """One of the tenant's rows. Raises NotFound."""
    row = model.objects.for_tenant(tenant_id).filter(pk=row_id).first()
    if row is None:
        raise NotFound
    return cast(Row, row)


def _as_uuid(said: UUID | str) -> UUID:
    try:
        return said if isinstance(said, UUID) else UUID(said)
    except ValueError:
        raise NotFound from None
