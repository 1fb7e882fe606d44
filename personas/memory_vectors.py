"""Vectors of memories, made in the background a batch at a time."""

from uuid import UUID

from jobs.handlers import Run
from llm.embedding import bundled
from personas.models import Memory
from tenants.scope import tenant_scope

# Enough to keep the model busy, few enough to stop between two.
BATCH = 32


def embed_memories(run: Run) -> None:
    """Give every memory of one store (the job's subject) its vector. One that is forgotten meanwhile stays empty."""
    while batch := _next(run.tenant_id, run.subject_id):
        vectors = bundled().embed_passages([memory.text for memory in batch])
        for memory, vector in zip(batch, vectors, strict=True):
            memory.embedding = vector
        with tenant_scope(run.tenant_id):
            run.check_in()
            Memory.objects.for_tenant(run.tenant_id).filter(forgotten_at=None).bulk_update(batch, ["embedding"])


def _next(tenant_id: UUID, store: UUID) -> list[Memory]:
    with tenant_scope(tenant_id):
        waiting = Memory.objects.for_tenant(tenant_id).filter(store=store, embedding=None, forgotten_at=None)
        return list(waiting.order_by("seq", "id").only("text")[:BATCH])
