"""Documents coming in, being stopped and tried again, and going."""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from jobs.queueing import cancel, enqueue
from knowledge.errors import NeedsConfirmation, NotRunning, NotStopped, in_readers_language
from knowledge.models import Document, DocumentSource, KnowledgeBase
from knowledge.parsing import media_type_of
from knowledge.parsing.cleaning import clean_text
from knowledge.parsing.errors import DocumentEmpty
from knowledge.terms import forget_terms
from tenants.errors import Conflict, Invalid
from webhooks.emitting import forget, forget_all

INGEST = "knowledge.ingest"
MAX_METADATA_CHARACTERS = 10_000

WORKING = [
    Document.Status.QUEUED,
    Document.Status.PARSING,
    Document.Status.CHUNKING,
    Document.Status.EMBEDDING,
]
STOPPED = [Document.Status.FAILED, Document.Status.CANCELLED]


def create_base(*, name: str, slug: str = "", language: str = "") -> KnowledgeBase:
    """A new, empty knowledge base of the current tenant. Raises Conflict for a slug in use."""
    slug = slug or slugify(name)[:50] or f"kb-{uuid7().hex[-8:]}"
    try:
        with transaction.atomic():
            return KnowledgeBase.objects.create(name=name, slug=slug, language=language)
    except IntegrityError:
        raise Conflict(_("There is a knowledge base with this slug already; choose another one.")) from None


def delete_base(base: KnowledgeBase) -> None:
    """Delete a base with all that is in it. The database reaches down by itself and loads no row."""
    rows = KnowledgeBase.objects.for_tenant(base.tenant_id).filter(pk=base.pk)
    rows._raw_delete(using=rows.db)
    forget_all(base.tenant_id, knowledge_base_id=base.pk)


def add_file(
    *,
    base: KnowledgeBase,
    filename: str,
    data: bytes,
    declared_type: str = "",
    title: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Document:
    """Take a file in and put it in line. The same file twice, unless it stopped, is one document.

    Raises an UnreadableFile for one whose outside shows that it is no document. What else is wrong with it the
    document says in its status once a worker has read it, unless `refuse_unreadable` said it before.
    """
    return _add(
        base=base,
        title=clean_text(title).strip() or clean_text(filename) or _("Untitled"),
        filename=clean_text(filename)[:300],
        media_type=media_type_of(data, filename, declared_type),
        data=data,
        metadata=metadata,
    )


def add_text(*, base: KnowledgeBase, title: str, text: str, metadata: Mapping[str, Any] | None = None) -> Document:
    """Take a text in, plain or Markdown. Raises DocumentEmpty, FileTooLarge."""
    cleaned = clean_text(text)
    if not any(map(str.isalnum, cleaned)):
        raise DocumentEmpty
    data = cleaned.encode()
    return _add(
        base=base,
        title=clean_text(title),
        filename="",
        media_type=media_type_of(data),
        data=data,
        metadata=metadata,
    )


@transaction.atomic
def _add(
    *,
    base: KnowledgeBase,
    title: str,
    filename: str,
    media_type: str,
    data: bytes,
    metadata: Mapping[str, Any] | None,
) -> Document:
    asked = {
        "filename": filename,
        "content_sha256": hashlib.sha256(data).hexdigest(),
        "metadata": checked_metadata(metadata),
    }
    # Two uploads of one file at the same moment wait for each other here.
    KnowledgeBase.objects.select_for_update().get(pk=base.pk)
    same = base.documents.filter(**asked).exclude(status__in=STOPPED)
    known: Document | None = (same if filename else same.filter(title=title.strip()[:300])).first()
    if known:
        return known
    document = Document.objects.create(
        base=base, title=title.strip()[:300], media_type=media_type, size_bytes=len(data), **asked
    )
    DocumentSource.objects.create(document=document, data=data)
    _put_in_line(document)
    return document


def checked_metadata(metadata: Mapping[str, Any] | None, *, field: str = "metadata") -> dict[str, Any]:
    """Metadata as it may be stored or looked for. Raises Invalid for what is no plain object, or too much."""
    if metadata is None:
        return {}
    plain = str | int | float | bool | None
    if not isinstance(metadata, Mapping) or not all(isinstance(value, plain) for value in metadata.values()):
        raise Invalid.field(field, _("An object of texts, numbers and booleans is needed."))
    cleaned = {
        clean_text(str(name)): clean_text(value) if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    if len(str(cleaned)) > MAX_METADATA_CHARACTERS:
        raise Invalid.field(field, _("The metadata is too long."))
    return cleaned


def stop_document(document: Document) -> Document:
    """Stop the work on a document; what was done stays, and a retry goes on from there. Raises NotRunning."""
    with transaction.atomic():
        # The job first, as its worker does: locks taken crosswise would wait for each other.
        cancel(tenant_id=document.tenant_id, subject_id=document.pk, kind=INGEST)
        working = Document.objects.filter(pk=document.pk, status__in=WORKING)
        if not working.update(status=Document.Status.CANCELLED):
            raise NotRunning
    document.refresh_from_db()
    return document


def retry_document(document: Document, *, is_confirmed: bool = False) -> Document:
    """Start the work on a document again where it stopped. `is_confirmed`: yes, it may take long.

    Raises NotStopped, or NeedsConfirmation for a long one that nobody has agreed to.
    """
    if document.error_code == NeedsConfirmation.code and not is_confirmed:
        raise NeedsConfirmation(in_readers_language(document.error_detail))
    with transaction.atomic():
        restarted = Document.objects.filter(pk=document.pk, status__in=STOPPED).update(
            status=Document.Status.QUEUED,
            error_code="",
            error_detail="",
            is_confirmed=document.is_confirmed or is_confirmed,
        )
        if not restarted:
            raise NotStopped
        _put_in_line(document)
    document.refresh_from_db()
    return document


@transaction.atomic
def delete_document(document: Document) -> None:
    """Delete a document with everything made from it; nothing of it is found by any later search."""
    cancel(tenant_id=document.tenant_id, subject_id=document.pk, kind=INGEST)
    locked = Document.objects.select_for_update().filter(pk=document.pk).first()
    if locked is not None:
        forget_terms(locked)
        rows = Document.objects.for_tenant(document.tenant_id).filter(pk=document.pk)
        rows._raw_delete(using=rows.db)
        forget(document.tenant_id, document.pk)


def _put_in_line(document: Document) -> None:
    enqueue(tenant_id=document.tenant_id, kind=INGEST, queue="embedding", subject_id=document.pk)
