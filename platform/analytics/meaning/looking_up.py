"""Linking over a dataset's rows: what is kept of it, brought to the pure part."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

import numpy as np

from analytics.catalogue import Catalogue, Table
from analytics.meaning.linking import Found, Linked, Vectors, centred, link_by, text_of
from analytics.meaning.values import MAX_QUESTION_CHARACTERS
from analytics.models import Dataset, DatasetTable, TableVector
from llm.door import embed_in_worker
from llm.errors import ProviderError
from llm.types import Matrix, RouteConfig
from tenants.scope import tenant_scope

# What is embedded while somebody waits; a dataset of more tables is done after a few questions.
MAX_EMBEDDED_AT_ONCE = 200
MAX_KEPT = 32  # datasets whose vectors a process holds: 60 tables are 90 KiB
_kept: OrderedDict[tuple[UUID, str, bytes], Matrix] = OrderedDict()
_lock = threading.Lock()


def link(
    dataset: Dataset, catalogue: Catalogue, question: str, *, values: Sequence[Found], route: RouteConfig
) -> Linked:
    """Tables, columns and values that a question is about. Outside of transactions: a provider may be asked.

    `values`: what `said_values` gives. Without the provider words and values decide alone.
    """
    question = question[:MAX_QUESTION_CHARACTERS]
    return link_by(catalogue, question, values=values, vectors=lambda: _vectors(dataset, catalogue, question, route))


def _vectors(dataset: Dataset, catalogue: Catalogue, question: str, route: RouteConfig) -> Vectors | None:
    try:
        tables = _table_vectors(dataset, catalogue, route)
        return Vectors(embed_in_worker(route, [question], "query")[0], tables)
    except ProviderError:
        return None


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
