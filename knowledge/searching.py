"""Finding passages: by meaning (vectors) and by words, fused by what each side's evidence is worth.

The vectors of the question come from outside (`llm.door.embed`), since no transaction is open while a
provider is called: ask `embedding_of` first, embed, then `search_bases`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from knowledge.asking import asked_words, known_words
from knowledge.fusion import CountedChunk, Fused, WordStatistics, fuse, score_words
from knowledge.models import VECTOR_TABLES, Chunk, Document, Space
from knowledge.words import Word, quote_lexeme
from llm.routes import routes_for_embedding
from llm.types import BUNDLED_EMBEDDINGS, RouteConfig, Vector
from llm.vectors import as_halfvec
from tenants.statements import planning_cursor, prepared_cursor

Mode = Literal["hybrid", "vector", "keyword"]

# What each side brings to the fusion.
CANDIDATES = 50
# Below this many vectors every one is compared, and recall is 1 by construction. Measured: all of 2 000 take
# as long as the index with what surrounds it, all of 10 000 forty milliseconds against three.
EXACT_BELOW = 3_000
# Reading every match costs; more words than these say little more.
MOST_WORDS = 32
# How much cosine of the bundled model a wholly covered question is worth (docs/adr/0010-fuse-by-evidence.md).
BUNDLED_COSINE_PER_COVERAGE = 0.5
# A word that stands in more than this share of a large base tells passages hardly apart.
TOO_COMMON = 0.3


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A passage that was found. Ranks count from 1 and are None where that side did not find it."""

    chunk_id: UUID
    document_id: UUID
    title: str
    heading: str
    text: str
    page: int | None
    start: int
    end: int
    score: float
    similarity: float | None
    vector_rank: int | None
    keyword_rank: int | None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Space:
    """Vectors of one base under the model that it is searched by, and how many there are to be found."""

    id: UUID
    base_id: UUID
    model: str
    dimension: int
    chunks: int


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where a search may look: what is ready, and fits the caller's filter; and what is known of it."""

    tenant_id: UUID
    base_ids: list[UUID]
    only: list[UUID] | None  # documents, or None for all but `unready`
    unready: list[UUID]
    spaces: list[_Space]
    statistics: WordStatistics


def embedding_of(tenant_id: UUID, base_ids: Sequence[UUID]) -> dict[str, RouteConfig]:
    """The embedding models that the bases are under now, each with the route that serves it."""
    models = Space.objects.for_tenant(tenant_id).filter(base_id__in=base_ids, is_active=True)
    return routes_for_embedding(tenant_id, list(models.values_list("model", flat=True).distinct()))


def search_bases(
    tenant_id: UUID,
    base_ids: Sequence[UUID],
    query: str,
    vectors: Mapping[str, Vector],
    *,
    top_k: int = 5,
    mode: Mode = "hybrid",
    metadata: Mapping[str, Any] | None = None,
) -> list[SearchResult]:
    """The best passages of the bases, best first. Inside the tenant's scope.

    `vectors` holds the question's vector per embedding model. `metadata` narrows the search to documents that
    have these values.
    """
    if not base_ids:
        return []
    words = asked_words(query)
    reach = _reach(tenant_id, base_ids, metadata, {word.text for word in words})
    if reach.only == []:
        return []
    candidates = max(CANDIDATES, 2 * top_k)
    similarities = _nearest(reach, vectors, candidates) if mode != "keyword" else {}
    coverages = _covering(reach, words, candidates) if mode != "vector" else {}
    fused = fuse(similarities, coverages, _cosine_per_coverage(vectors))
    if mode == "keyword":
        fused = [one for one in fused if one.keyword_rank]
        fused.sort(key=lambda one: one.keyword_rank or 0)
    return _described(tenant_id, fused[:top_k], mode)


def _cosine_per_coverage(vectors: Mapping[str, Vector]) -> float | None:
    """Measured for the bundled model; None has it estimated from what was found."""
    return BUNDLED_COSINE_PER_COVERAGE if set(vectors) <= {BUNDLED_EMBEDDINGS} else None


def _reach(tenant_id: UUID, base_ids: Sequence[UUID], metadata: Mapping[str, Any] | None, words: set[str]) -> _Reach:
    only = None
    if metadata:
        documents = Document.objects.for_tenant(tenant_id).filter(base_id__in=base_ids).ready()
        only = list(documents.filter(metadata__contains=dict(metadata)).values_list("id", flat=True))
    with prepared_cursor() as cursor:
        cursor.execute(_SURVEY, {"tenant": tenant_id, "bases": list(base_ids), "words": list(words)})
        unready, chunks, word_count, spaces, frequencies = cursor.fetchone()
    return _Reach(
        tenant_id,
        list(base_ids),
        only,
        unready,
        [_Space(UUID(pk), UUID(base_id), *rest) for pk, base_id, *rest in json.loads(spaces)],
        WordStatistics(chunks, word_count / max(chunks, 1), json.loads(frequencies)),
    )


# All that is known before anything is searched, in one statement. Chunks are counted by the documents' own counts: to
# count 100 000 vectors takes 25 ms.
_SURVEY = """
    WITH documents AS MATERIALIZED (
        SELECT id, base_id, status = 'ready' AS is_ready, chunk_count, word_count FROM knowledge_document
        WHERE tenant_id = %(tenant)s AND base_id = ANY (%(bases)s)
    )
    SELECT coalesce(array_agg(id) FILTER (WHERE NOT is_ready), '{}'),
           coalesce(sum(chunk_count) FILTER (WHERE is_ready), 0)::int,
           coalesce(sum(word_count) FILTER (WHERE is_ready), 0)::int,
           (SELECT coalesce(json_agg(json_build_array(id, base_id, model, dimension, (
                SELECT coalesce(sum(chunk_count), 0) FROM documents WHERE is_ready AND base_id = space.base_id))), '[]')
            FROM knowledge_space space WHERE tenant_id = %(tenant)s AND base_id = ANY (%(bases)s) AND is_active)::text,
           (SELECT coalesce(json_object_agg(word, held), '{}') FROM (
                SELECT word, sum(chunks) AS held FROM knowledge_term
                WHERE tenant_id = %(tenant)s AND base_id = ANY (%(bases)s) AND word = ANY (%(words)s)
                GROUP BY word) counted)::text
    FROM documents
"""


# --- By meaning ---------------------------------------------------------------------------------------------
def _nearest(reach: _Reach, vectors: Mapping[str, Vector], limit: int) -> dict[UUID, float]:
    """Cosines of the nearest chunks in each active space of the bases."""
    found: dict[UUID, float] = {}
    for space in reach.spaces:
        if (vector := vectors.get(space.model)) is not None:
            found |= _nearest_in(space, reach, vector, limit)
    return dict(sorted(found.items(), key=lambda pair: -pair[1])[:limit])


def _nearest_in(space: _Space, reach: _Reach, vector: Vector, limit: int) -> dict[UUID, float]:
    table = VECTOR_TABLES[space.dimension]._meta.db_table
    with planning_cursor() as cursor:
        if space.chunks > EXACT_BELOW:
            cursor.execute(_BY_INDEX)
            rows = _ordered(cursor, _indexed_sql(table), space, reach, vector, limit)
            if len(rows) >= min(limit, space.chunks):
                return rows
        return _ordered(cursor, _exact_sql(table), space, reach, vector, limit)


_BY_INDEX = """
    SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', '100', true)
"""


def _ordered(cursor: Any, sql: str, space: _Space, reach: _Reach, vector: Vector, limit: int) -> dict[UUID, float]:
    cursor.execute(
        sql,
        {
            "vector": as_halfvec(vector),
            "tenant": reach.tenant_id,
            "base": space.base_id,
            "space": space.id,
            "only": reach.only,
            "unready": reach.unready,
            "limit": limit,
        },
    )
    return {chunk_id: 1.0 - float(distance) for chunk_id, distance in cursor.fetchall()}


# A chunk that is switched off, or whose document is not ready or not asked for, is not found.
_VISIBLE = """
    EXISTS (SELECT FROM knowledge_chunk c WHERE c.tenant_id = %(tenant)s AND c.id = v.chunk_id AND c.enabled
            AND c.document_id <> ALL (%(unready)s::uuid[])
            AND (%(only)s::uuid[] IS NULL OR c.document_id = ANY (%(only)s::uuid[])))
"""


def _exact_sql(table: str) -> str:
    """Compare all: the order is made outside the materialised rows, so no index can be taken for it."""
    return f"""
        WITH compared AS MATERIALIZED (
            SELECT v.chunk_id, v.embedding <=> %(vector)s::halfvec AS distance FROM {table} v
            WHERE v.tenant_id = %(tenant)s AND v.base_id = %(base)s AND v.space_id = %(space)s AND {_VISIBLE}
        )
        SELECT chunk_id, distance FROM compared ORDER BY distance, chunk_id LIMIT %(limit)s
    """  # noqa: S608 - the table is one of four names of ours


def _indexed_sql(table: str) -> str:
    """By the index, whose relaxed order is put right outside."""
    return f"""
        WITH near AS MATERIALIZED (
            SELECT v.chunk_id, v.embedding <=> %(vector)s::halfvec AS distance FROM {table} v
            WHERE v.tenant_id = %(tenant)s AND v.base_id = %(base)s AND v.space_id = %(space)s AND {_VISIBLE}
            ORDER BY distance LIMIT %(limit)s
        )
        SELECT chunk_id, distance FROM near ORDER BY distance, chunk_id
    """  # noqa: S608 - the table is one of four names of ours


# --- By words -----------------------------------------------------------------------------------------------
def _covering(reach: _Reach, words: Sequence[Word], limit: int) -> dict[UUID, float]:
    """How much of the question the chunks cover that hold its rarest words."""
    statistics = reach.statistics
    words = known_words(words, statistics.frequencies)
    asked = [word for word in words if statistics.frequencies.get(word.text)]
    telling = sorted({word.text for word in asked}, key=statistics.rarity, reverse=True)[:MOST_WORDS]
    kept = [word for word in telling if not _is_too_common(word, statistics)] or telling[:1]
    if not kept:
        return {}
    with planning_cursor() as cursor:
        cursor.execute(
            "SELECT chunk_id, word_count, counts FROM knowledge_find_words(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                reach.tenant_id,
                reach.base_ids,
                reach.only,
                reach.unready,
                kept,
                [quote_lexeme(word) for word in kept],
                [statistics.rarity(word) for word in kept],
                limit,
            ],
        )
        rows = cursor.fetchall()
    counted = [
        CountedChunk(chunk_id, dict(zip(kept, counts, strict=True)), length) for chunk_id, length, counts in rows
    ]
    return score_words(words, counted, statistics)


def _is_too_common(word: str, statistics: WordStatistics) -> bool:
    return statistics.chunks > 1_000 and statistics.frequencies[word] > TOO_COMMON * statistics.chunks


# --- Results ------------------------------------------------------------------------------------------------
def _described(tenant_id: UUID, fused: Sequence[Fused[UUID]], mode: Mode) -> list[SearchResult]:
    chunks = {
        chunk.id: chunk for chunk in Chunk.objects.filter(id__in=[one.key for one in fused]).select_related("document")
    }
    return [
        SearchResult(
            chunk_id=chunk.id,
            document_id=chunk.document_id,
            title=chunk.document.title,
            heading=chunk.heading,
            text=chunk.text,
            page=chunk.page,
            start=chunk.start,
            end=chunk.end,
            score=round((one.coverage or 0.0) if mode == "keyword" else one.score, 6),
            similarity=one.similarity,
            vector_rank=one.vector_rank,
            keyword_rank=one.keyword_rank,
            metadata=chunk.document.metadata,
        )
        for one in fused
        if (chunk := chunks.get(one.key))
    ]
