"""The innkeeper whom Acme puts in front of its guests, and what it takes to try him."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.postgres.search import SearchVector
from django.db.models import Value
from pgvector import HalfVector

from knowledge.models import Chunk, ChunkVector384, Document, KnowledgeBase, Space
from llm.embedding import bundled
from tenants.scope import tenant_scope

INNKEEPER = {
    "slug": "innkeeper",
    "name": "Bram the Innkeeper",
    "kind": "customer_service",
    "settings": {"instructions": "You keep the inn at the ford.", "greeting": "Come in, traveller."},
}


@pytest.fixture
def innkeeper(acme: Any) -> dict[str, Any]:
    """A draft of Acme's, as the API shows it."""
    return draft(acme, **INNKEEPER)


def draft(business: Any, **fields: Any) -> dict[str, Any]:
    response = business.api.post("/api/v1/personas/", INNKEEPER | fields)
    assert response.status_code == 201, response.content
    return dict(response.json())


@pytest.fixture
def open_base() -> Callable[..., Any]:
    """Make an empty knowledge base of a business."""

    def open_one(business: Any, slug: str) -> Any:
        with business.scope():
            return KnowledgeBase.objects.create(slug=slug, name=slug.title())

    return open_one


@pytest.fixture
def shelve() -> Callable[..., Any]:
    """Put passages of one document into a base, ready to be found by their vectors."""

    def put(base: Any, title: str, *passages: str) -> list[Any]:
        embedder = bundled()
        vectors = embedder.embed_passages(passages)
        with tenant_scope(base.tenant_id):
            space, _ = Space.objects.get_or_create(base=base, model=embedder.model_name, dimension=embedder.dimension)
            document = Document.objects.create(
                base=base,
                title=title,
                content_sha256="0" * 64,
                status=Document.Status.READY,
                chunk_count=len(passages),
            )
            chunks = [
                Chunk.objects.create(
                    base=base,
                    document=document,
                    ordinal=number,
                    text=text,
                    start=0,
                    end=len(text),
                    word_count=1,
                    words=SearchVector(Value("")),
                )
                for number, text in enumerate(passages)
            ]
            for chunk, vector in zip(chunks, vectors, strict=True):
                ChunkVector384.objects.create(chunk_id=chunk.id, base=base, space=space, embedding=HalfVector(vector))
        return chunks

    return put


def wrong_fields(response: Any) -> dict[str, str]:
    """The fields that a 422 names, each with what it says."""
    assert response.status_code == 422, response.content
    body = response.json()
    assert body["code"] == "invalid"
    return {error["field"]: error["detail"] for error in body["errors"]}
