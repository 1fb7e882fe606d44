"""An id from outside becomes a row, or the same NotFound for a neighbour's and for one that never was."""

from uuid import UUID

from knowledge.models import Document, KnowledgeBase
from tenants.access import access_row
from tenants.errors import NotFound


def access_base(tenant_id: UUID, slug_or_id: str) -> KnowledgeBase:
    """One of the tenant's bases, with its counts. Raises NotFound."""
    bases = KnowledgeBase.objects.for_tenant(tenant_id).with_counts()
    base_id = as_uuid(slug_or_id)
    named = bases.filter(pk=base_id) if base_id else bases.filter(slug=slug_or_id)
    base: KnowledgeBase | None = named.first()
    if base is None:
        raise NotFound
    return base


def access_document(tenant_id: UUID, document_id: UUID) -> Document:
    """One of the tenant's documents. Raises NotFound."""
    return access_row(Document, tenant_id, pk=document_id)


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
