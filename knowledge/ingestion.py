"""From a file to passages that are found: read, split, store, embed.

What is left to do is read from the rows, so that a worker that takes over goes on where the last one
stopped. No transaction is open while a file is parsed or a model called; every write asks first whether the
job is still ours.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.utils import timezone
from pgvector import HalfVector

from jobs.handlers import Again, RetryLater, Run
from knowledge.errors import LONG, DimensionUnsupported, NeedsConfirmation
from knowledge.models import VECTOR_TABLES, Chunk, Document, DocumentSource, Space
from knowledge.parsing import ParsedDocument
from knowledge.parsing.apart import parse_apart
from knowledge.splitting import Piece, split
from knowledge.telling import tell_ready
from knowledge.terms import count_terms
from knowledge.words import index_words, to_tsvector_literal
from llm.door import embed_in_worker
from llm.embedding import bundled
from llm.errors import ProviderError
from llm.metering import Payer, record_call
from llm.models import ModelCall
from llm.routes import resolve_route, route_for_embedding
from llm.tokens import count_tokens
from llm.types import BUNDLED_EMBEDDINGS, Matrix, RouteConfig, Usage
from tenants.scope import tenant_scope

# More passages than this are embedded only after somebody has agreed to wait.
ASK_ABOVE_CHUNKS = 2_000
# Measured for the bundled model on one core: 1.3 to 1.8 ms.
EMBED_S_PER_TOKEN = 0.0018
# Of 250 tokens each, about three seconds of work for the bundled model; an endpoint takes more at a time.
BUNDLED_BATCH = 8
ENDPOINT_BATCH = 64
# Then others have their turn.
SLICE_S = 20.0
HEADING_SEPARATOR = " › "


def ingest_document(run: Run) -> None:
    """Do the next slice of a document's work.

    Raises Again while there is more to do and Stopped when the job is not ours any more. A document that
    fails raises UnreadableFile, NeedsConfirmation, DimensionUnsupported, ProviderError, or RetryLater.
    """
    with _writing(run):
        document = Document.objects.filter(pk=run.subject_id).first()
    if document is None:
        return
    if document.progress_total == 0:
        _make_chunks(run, document)
    elif document.status != Document.Status.EMBEDDING:  # stopped in the middle, and started again
        with _writing(run):
            _change(document, status=Document.Status.EMBEDDING)
    ends_at = time.monotonic() + SLICE_S
    while document.progress_done < document.progress_total:
        _embed_batch(run, document)
        if time.monotonic() > ends_at:
            raise Again
    _make_ready(run, document)


def passage_text(title: str, heading: str, text: str) -> str:
    """What is embedded and indexed of a passage: its title and headings are part of what it says."""
    return "\n".join(part for part in (title, heading, text) if part)


# --- Reading and splitting ----------------------------------------------------------------------------------
def _make_chunks(run: Run, document: Document) -> None:
    with _writing(run):
        source = DocumentSource.objects.get(document=document)
        _change(document, status=Document.Status.PARSING)
    parsed = parse_apart(bytes(source.data), document.filename, document.media_type)
    with _writing(run):
        _change(document, status=Document.Status.CHUNKING)
    pieces = split(parsed, bundled().count_tokens)
    _ask_about_long_ones(document, pieces)
    if document.title == document.filename.strip():  # nobody gave a better one
        document.title = parsed.title
    chunks = [_chunk(document, piece) for piece in pieces]
    with _writing(run):
        _store(document, source, parsed, chunks)


def _ask_about_long_ones(document: Document, pieces: Sequence[Piece]) -> None:
    if len(pieces) <= ASK_ABOVE_CHUNKS or document.is_confirmed:
        return
    seconds = sum(count_tokens(piece.text) for piece in pieces) * EMBED_S_PER_TOKEN
    raise NeedsConfirmation(LONG % {"count": len(pieces), "minutes": max(1, round(seconds / 60))})


def _chunk(document: Document, piece: Piece) -> Chunk:
    path = piece.heading_path[1:] if piece.heading_path[:1] == [document.title] else piece.heading_path
    heading = HEADING_SEPARATOR.join(path)
    words = index_words(passage_text(document.title, heading, piece.text))
    return Chunk(
        tenant_id=document.tenant_id,
        base_id=document.base_id,
        document_id=document.pk,
        ordinal=piece.ordinal,
        text=piece.text,
        heading=heading,
        page=piece.page,
        start=piece.start,
        end=piece.end,
        words=to_tsvector_literal(words),
        word_count=len(words),
    )


def _store(document: Document, source: DocumentSource, parsed: ParsedDocument, chunks: Sequence[Chunk]) -> None:
    """The chunks are there from here on, but found only when the document is ready."""
    Chunk.objects.filter(document_id=document.pk)._raw_delete("default")
    Chunk.objects.bulk_create(chunks, batch_size=200)
    source.text = parsed.text
    source.save(update_fields=["text"])
    _change(
        document,
        status=Document.Status.EMBEDDING,
        title=document.title,
        word_count=sum(chunk.word_count for chunk in chunks),
        progress_done=0,
        progress_total=len(chunks),
    )


# --- Embedding ----------------------------------------------------------------------------------------------
def _embed_batch(run: Run, document: Document) -> None:
    with _writing(run):
        space = Space.objects.filter(base_id=document.base_id, is_active=True).first()
        route = _route(document, space)
        size = BUNDLED_BATCH if route.embedding_name == BUNDLED_EMBEDDINGS else ENDPOINT_BATCH
        left = Chunk.objects.filter(document_id=document.pk, ordinal__gte=document.progress_done)
        chunks = list(left.order_by("ordinal")[:size])
    texts = [passage_text(document.title, chunk.heading, chunk.text) for chunk in chunks]
    began = time.monotonic()
    vectors = _embed(route, texts, space)
    took_ms = round((time.monotonic() - began) * 1000)
    if vectors.shape[1] not in VECTOR_TABLES:
        raise DimensionUnsupported
    with _writing(run):
        _store_vectors(document, route, chunks, vectors)
        tokens = sum(map(count_tokens, texts))
        record_call(
            route=route,
            usage=Usage(tokens, 0, is_estimate=True),
            duration_ms=took_ms,
            payer=Payer(),
            operation=ModelCall.Operation.EMBED,
        )


def _route(document: Document, space: Space | None) -> RouteConfig:
    """The first document of a base decides on the model of all."""
    if space:
        return route_for_embedding(document.tenant_id, space.model)
    return resolve_route(document.tenant_id)


def _embed(route: RouteConfig, texts: Sequence[str], space: Space | None) -> Matrix:
    try:
        return embed_in_worker(route, texts, "passage", dimension=space.dimension if space else None)
    except ProviderError as error:
        if error.retryable:
            raise RetryLater(error) from error
        raise


def _store_vectors(document: Document, route: RouteConfig, chunks: Sequence[Chunk], vectors: Matrix) -> None:
    space, _is_new = Space.objects.get_or_create(
        tenant_id=document.tenant_id,
        base_id=document.base_id,
        is_active=True,
        defaults={"model": route.embedding_name, "dimension": vectors.shape[1]},
    )
    if space.model != route.embedding_name:
        raise Again  # another document of the new base has just decided on another model
    table = VECTOR_TABLES[space.dimension]
    table.objects.bulk_create(
        [
            table(
                tenant_id=document.tenant_id,
                chunk_id=chunk.id,
                base_id=document.base_id,
                space=space,
                embedding=HalfVector(vector),  # type: ignore[misc]  # each table has its own
            )
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
    )
    _change(document, progress_done=document.progress_done + len(chunks))


def _make_ready(run: Run, document: Document) -> None:
    with _writing(run):
        count_terms(document)
        _change(
            document,
            status=Document.Status.READY,
            chunk_count=document.progress_total,
            ready_at=timezone.now(),
        )
        tell_ready(document)


# --- The job's hold -----------------------------------------------------------------------------------------
def _change(document: Document, **fields: Any) -> None:
    """Write these fields only: a person may be editing the others."""
    for name, value in fields.items():
        setattr(document, name, value)
    document.save(update_fields=list(fields))


@contextmanager
def _writing(run: Run) -> Iterator[None]:
    """A transaction in the tenant's scope that fails with Stopped if the job is not ours any more."""
    with tenant_scope(run.tenant_id):
        run.check_in()
        yield
