"""Of many facts that a character may know, those that the talk is about."""

from collections.abc import Sequence
from functools import lru_cache
from uuid import UUID, uuid5

from pgvector.django import CosineDistance

from jobs.models import Queue
from jobs.queueing import enqueue
from llm.types import Vector
from npc.models import FactVector, GameSession, WorldVersion
from npc.worlds.compiled import KEPT_WORLDS, CompiledWorld

# The kind of job that makes the vectors; its subject is a version of a world.
EMBED = "npc.embed_facts"
# As many as a prompt holds besides all else. A world of no more needs no vectors: all of them are told.
TOLD_FACTS = 60


def vector_id(world_id: UUID, text: str) -> UUID:
    return uuid5(world_id, text)


def embed_later(version: WorldVersion, count: int) -> None:
    """Have the facts of a new version embedded, in the caller's transaction, if they are too many to be told."""
    if count > TOLD_FACTS:
        enqueue(tenant_id=version.tenant_id, kind=EMBED, queue=Queue.EMBEDDING, subject_id=version.pk)


def nearest_facts(
    session: GameSession,
    world: CompiledWorld,
    known: Sequence[str],
    vector: Vector | None,
    limit: int = TOLD_FACTS,
) -> list[str]:
    """Of the facts that a character may know now, those nearest to what is said, in the order of the world.

    `known` is what `may_know` lets through, and only that is looked at. While there are no vectors, the first. Inside
    the tenant's scope; `vector` is the bundled model's, of its query side.
    """
    if len(known) <= limit or vector is None:
        return list(known[:limit])
    ids = _vector_ids(world, session.world_id)
    facts = FactVector.objects.for_tenant(session.tenant_id).filter(pk__in=list({ids[one] for one in known}))
    near = facts.order_by(CosineDistance("embedding", vector), "pk").values_list("pk", flat=True)[:limit]
    places = {found: place for place, found in enumerate(near)}
    # What has no vector yet comes last, in the order of the world.
    told = set(sorted(known, key=lambda one: places.get(ids[one], limit))[:limit])
    return [one for one in known if one in told]


@lru_cache(maxsize=KEPT_WORLDS)
def _vector_ids(world: CompiledWorld, world_id: UUID) -> dict[str, UUID]:
    return {fact.id: vector_id(world_id, fact.text) for fact in world.document.facts}
