"""Linking and verified questions over a dataset's rows: what is kept of it, brought to the pure parts."""

import threading
from collections import OrderedDict
from contextlib import suppress
from hashlib import blake2b
from uuid import UUID

import numpy as np

from analytics.catalogue import Catalogue, Table
from analytics.meaning.linking import Linked, centred, link_by, text_of
from analytics.meaning.rebinding import rebind
from analytics.meaning.values import known_values, said_in
from analytics.models import Dataset, DatasetTable, TableVector, VerifiedPair
from llm.door import embed_in_worker
from llm.errors import ProviderError
from llm.routes import resolve_route
from llm.types import Matrix, RouteConfig
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

MAX_QUESTION_CHARACTERS = 2000
# Of one dataset; the newest ones.
MAX_PAIRS = 2000
# What is embedded while somebody waits; a dataset of more tables or pairs is done after a few questions.
MAX_EMBEDDED_AT_ONCE = 200
MAX_KEPT = 32  # datasets whose vectors a process holds: 60 tables are 90 KiB
# A floor and no more: with the bundled model, questions that one answer fits lie at 0.45 to 0.82, such that differ in a
# filter or a negation at up to 1.0. Whether one answers the other, the words decide (`rebind`).
NEAR_ENOUGH = 0.35

_PAIRS: Select[VerifiedPair] = Select(
    lambda: VerifiedPair.objects.filter(tenant_id=Param("tenant_id"), dataset_id=Param("dataset_id"))
    .approved()
    .order_by("-id")[:MAX_PAIRS]
)  # fmt: skip
_kept: OrderedDict[tuple[UUID, str, bytes], Matrix] = OrderedDict()
_lock = threading.Lock()


def link(dataset: Dataset, catalogue: Catalogue, question: str, *, route: RouteConfig) -> Linked:
    """Tables, columns and values that a question is about. Outside of transactions: a provider may be asked.

    Without the provider words and values decide alone.
    """
    question = question[:MAX_QUESTION_CHARACTERS]
    with tenant_scope(dataset.tenant_id):
        values = known_values(dataset, catalogue, question)
    values += [found for found in said_in(catalogue, question) if found not in values]
    vectors, vector = np.zeros((len(catalogue.tables), 1), np.float32), np.zeros(1, np.float32)
    if len(catalogue.tables) > 1:  # a vector tells tables apart, and is most of what a question costs
        with suppress(ProviderError):
            stored = _table_vectors(dataset, catalogue, route)
            vector = embed_in_worker(route, [question], "query")[0]
            vectors = stored
    return link_by(catalogue, question, vector=vector, vectors=vectors, values=values)


def nearest_pairs(dataset: Dataset, question: str, limit: int = 5) -> list[tuple[VerifiedPair, float]]:
    """Approved pairs by how near their questions are, the nearest first, with the cosine of both.

    Outside of transactions. Empty when the provider of the embeddings does not answer.
    """
    with tenant_scope(dataset.tenant_id):
        route = resolve_route(dataset.tenant_id)
        pairs = _PAIRS.all(tenant_id=dataset.tenant_id, dataset_id=dataset.pk)
    if not pairs:
        return []
    try:
        _embed_pairs(dataset, pairs, route)
        vector = embed_in_worker(route, [question[:MAX_QUESTION_CHARACTERS]], "query")[0]
    except ProviderError:
        return []
    comparable = [pair for pair in pairs if pair.space == route.embedding_name and len(pair.vector) == vector.nbytes]
    if not comparable:
        return []
    vectors = np.stack([np.frombuffer(bytes(pair.vector), np.float32) for pair in comparable])
    likeness = vectors @ vector
    best = np.argsort(-likeness, kind="stable")[:limit]
    return [(comparable[at], float(likeness[at])) for at in best]


def has_pair_for(dataset: Dataset, catalogue: Catalogue, question: str, linked: Linked) -> bool:
    """Whether a verified question answers this one without a model. Outside of transactions, as `nearest_pairs`."""
    pairs = nearest_pairs(dataset, question)
    return any(near >= NEAR_ENOUGH and rebind(pair, question, catalogue, linked.values) for pair, near in pairs)


def _embed_pairs(dataset: Dataset, pairs: list[VerifiedPair], route: RouteConfig) -> None:
    """Give those a vector that have none of this model. As a question's: two questions are compared."""
    waiting = [pair for pair in pairs if pair.space != route.embedding_name][:MAX_EMBEDDED_AT_ONCE]
    if not waiting:
        return
    vectors = embed_in_worker(route, [pair.question[:MAX_QUESTION_CHARACTERS] for pair in waiting], "query")
    for pair, vector in zip(waiting, vectors, strict=True):
        pair.vector, pair.space = vector.astype(np.float32).tobytes(), route.embedding_name
    with tenant_scope(dataset.tenant_id):
        VerifiedPair.objects.for_tenant(dataset.tenant_id).bulk_update(waiting, ["vector", "space"])


def _table_vectors(dataset: Dataset, catalogue: Catalogue, route: RouteConfig) -> Matrix:
    """Of the catalogue's tables in their order, centred. Zeros for what is not embedded yet."""
    texts = {table: text_of(table) for table in catalogue.tables}
    digests = {table: blake2b(text.encode(), digest_size=16) for table, text in texts.items()}
    together = blake2b(b"".join(digest.digest() for digest in digests.values()), digest_size=16).digest()
    key = (dataset.pk, route.embedding_name, together)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    rows = _stored(dataset, route)
    missing = [table for table in texts if rows.get(table.name, ("",))[0] != digests[table].hexdigest()]
    now = missing[:MAX_EMBEDDED_AT_ONCE]
    if now:
        fresh = embed_in_worker(route, [texts[table] for table in now], "passage")
        rows |= {t.name: (digests[t].hexdigest(), row) for t, row in zip(now, fresh, strict=True)}
        _store(dataset, route, {table.name: rows[table.name] for table in now})
    vectors = _in_order(catalogue.tables, {name: row for name, (_, row) in rows.items()})
    if len(now) == len(missing):
        with _lock:
            _kept[key] = vectors
            if len(_kept) > MAX_KEPT:
                _kept.popitem(last=False)
    return vectors


def _in_order(tables: tuple[Table, ...], rows: dict[str, np.ndarray]) -> Matrix:
    known = [at for at, table in enumerate(tables) if table.name in rows]
    vectors = np.zeros((len(tables), len(next(iter(rows.values()), np.zeros(1)))), np.float32)
    if known:
        vectors[known] = centred(np.stack([rows[tables[at].name] for at in known]))
    return vectors


def _stored(dataset: Dataset, route: RouteConfig) -> dict[str, tuple[str, np.ndarray]]:
    with tenant_scope(dataset.tenant_id):
        rows = TableVector.objects.for_tenant(dataset.tenant_id).filter(dataset=dataset, space=route.embedding_name)
        found = list(rows.values_list("table__name", "digest", "vector"))
    return {name: (digest, np.frombuffer(bytes(vector), np.float32)) for name, digest, vector in found}


def _store(dataset: Dataset, route: RouteConfig, vectors: dict[str, tuple[str, np.ndarray]]) -> None:
    with tenant_scope(dataset.tenant_id):
        tables = DatasetTable.objects.for_tenant(dataset.tenant_id).filter(dataset=dataset, name__in=vectors)
        rows = [
            TableVector(
                dataset=dataset,
                table=table,
                space=route.embedding_name,
                digest=vectors[table.name][0],
                vector=vectors[table.name][1].astype(np.float32).tobytes(),
            )
            for table in tables
        ]
        TableVector.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["tenant", "table", "space"], update_fields=["digest", "vector"]
        )
