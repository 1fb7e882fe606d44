"""What webhooks are told of documents."""

from typing import Any

from knowledge.models import Document
from webhooks.emitting import emit
from webhooks.models import EventType


def tell_ready(document: Document) -> None:
    """It can be found. In the transaction that says so."""
    emit(document.tenant_id, EventType.DOCUMENT_READY, {**_about(document), "chunk_count": document.chunk_count})


def tell_failed(document: Document) -> None:
    """It cannot be read, and why."""
    error = {"code": document.error_code, "detail": document.error_detail}
    emit(document.tenant_id, EventType.DOCUMENT_FAILED, {**_about(document), "error": error})


def _about(document: Document) -> dict[str, Any]:
    return {
        "document_id": str(document.pk),
        "knowledge_base_id": str(document.base_id),
        "title": document.title,
        "metadata": document.metadata,
    }
