"""Verified questions that another question may be in other words, and those that are good examples for it."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from uuid import UUID

import numpy as np

from analytics.catalogue import Catalogue
from analytics.meaning.rebinding import rebind
from analytics.meaning.values import MAX_QUESTION_CHARACTERS, said_values
from analytics.models import Dataset, VerifiedPair
from knowledge.words import fold
from llm.door import embed_in_worker
from llm.errors import ProviderError
from llm.routes import resolve_route
from llm.types import RouteConfig, Vector
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

# Of one dataset; the newest ones.
MAX_PAIRS = 2000
# What is embedded while somebody waits; a dataset of more pairs is done after a few questions.
MAX_EMBEDDED_AT_ONCE = 200
# What else may be the same question, by the words that both have: of those of the longer one.
WORDS_SHARED = 0.5
TRIED_BY_WORDS = 5
# Vectors hardly tell which of a few questions on one subject another one fits; the words do, and cost little.
TRIED_BY_VECTOR = 20
# A floor and no more: with the bundled model, questions that one answer fits lie at 0.45 to 0.82, such that differ in a
# filter or a negation at up to 1.0. Whether one answers the other, the words decide (`rebind`).
NEAR_ENOUGH = 0.35
EXAMPLES = 5

_PAIRS: Select[VerifiedPair] = Select(
    lambda: VerifiedPair.objects.filter(tenant_id=Param("tenant_id"), dataset_id=Param("dataset_id"))
    .approved()
    .defer("vector")
    .order_by("-id")[:MAX_PAIRS]
)  # fmt: skip
_VECTORS: Select[tuple[UUID, memoryview]] = Select(
    lambda: VerifiedPair.objects.filter(
        tenant_id=Param("tenant_id"), dataset_id=Param("dataset_id"), space=Param("space")
    )
    .approved()
    .values_list("pk", "vector")
)  # fmt: skip
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")


def approved_pairs(dataset: Dataset) -> list[VerifiedPair]:
    """The newest first, in the tenant's scope."""
    with tenant_scope(dataset.tenant_id):
        return _PAIRS.all(tenant_id=dataset.tenant_id, dataset_id=dataset.pk)


def likely_pairs(dataset: Dataset, pairs: Sequence[VerifiedPair], question: str) -> Iterator[VerifiedPair]:
    """Those of `pairs` that may ask the same, the likeliest first. Outside of transactions.

    Those that share words with the question come first. Its vector is most of what a question costs: it is asked for
    only when none of them was the one.
    """
    alike = {pair.pk: pair for pair in sharing_words(pairs, question)}
    yield from alike.values()
    for pair, likeness in nearest_pairs(dataset, pairs, question, TRIED_BY_VECTOR):
        if likeness >= NEAR_ENOUGH and pair.pk not in alike:
            yield pair


def sharing_words(pairs: Sequence[VerifiedPair], question: str) -> list[VerifiedPair]:
    """Those most of whose words the question has, and that have most of its words; the most alike first."""
    asked = _words_of(question[:MAX_QUESTION_CHARACTERS])

    def share(pair: VerifiedPair) -> float:
        words = _words_of(pair.question)
        return len(asked & words) / max(len(asked), len(words), 1)

    return [pair for pair in sorted(pairs, key=share, reverse=True)[:TRIED_BY_WORDS] if share(pair) >= WORDS_SHARED]


def examples_for(dataset: Dataset, pairs: Sequence[VerifiedPair], question: str) -> Sequence[VerifiedPair]:
    """Those of `pairs` that a model learns most of: all if they are few. Outside of transactions."""
    if len(pairs) <= EXAMPLES:
        return pairs
    return [pair for pair, _likeness in nearest_pairs(dataset, pairs, question, EXAMPLES)]


def nearest_pairs(
    dataset: Dataset, pairs: Sequence[VerifiedPair], question: str, limit: int = EXAMPLES
) -> list[tuple[VerifiedPair, float]]:
    """`pairs` by how near their questions are, the nearest first, with the cosine of both.

    Outside of transactions. Empty when the provider of the embeddings does not answer.
    """
    if not pairs:
        return []
    try:
        with tenant_scope(dataset.tenant_id):
            route = resolve_route(dataset.tenant_id)
        vectors = _vectors(dataset, pairs, route)
        asked = embed_in_worker(route, [question[:MAX_QUESTION_CHARACTERS]], "query")[0]
    except ProviderError:
        return []
    comparable = [pair for pair in pairs if len(vectors.get(pair.pk, ())) == len(asked)]
    if not comparable:
        return []
    likeness = np.stack([vectors[pair.pk] for pair in comparable]) @ asked
    best = np.argsort(-likeness, kind="stable")[:limit]
    return [(comparable[at], float(likeness[at])) for at in best]


def has_pair_for(dataset: Dataset, catalogue: Catalogue, question: str) -> bool:
    """Whether a verified question answers this one without a model. Outside of transactions."""
    pairs, values = approved_pairs(dataset), said_values(dataset, catalogue, question)
    return any(rebind(pair, question, catalogue, values) for pair in likely_pairs(dataset, pairs, question))


def _vectors(dataset: Dataset, pairs: Sequence[VerifiedPair], route: RouteConfig) -> dict[UUID, Vector]:
    """By the pairs' ids; made for those that have none of this model. As a question's: two questions are compared."""
    with tenant_scope(dataset.tenant_id):
        rows = _VECTORS.all(tenant_id=dataset.tenant_id, dataset_id=dataset.pk, space=route.embedding_name)
    found: dict[UUID, Vector] = {pair_id: np.frombuffer(bytes(vector), np.float32) for pair_id, vector in rows}
    waiting = [pair for pair in pairs if pair.pk not in found][:MAX_EMBEDDED_AT_ONCE]
    if not waiting:
        return found
    fresh = embed_in_worker(route, [pair.question[:MAX_QUESTION_CHARACTERS] for pair in waiting], "query")
    for pair, vector in zip(waiting, fresh.astype(np.float32), strict=True):
        pair.vector, pair.space = vector.tobytes(), route.embedding_name
        found[pair.pk] = vector
    with tenant_scope(dataset.tenant_id):
        VerifiedPair.objects.for_tenant(dataset.tenant_id).bulk_update(waiting, ["vector", "space"])
    return found


@lru_cache(maxsize=8192)
def _words_of(question: str) -> frozenset[str]:
    return frozenset(_WORD.findall(fold(question)))
