"""Memories as somebody from outside asks for them, and lets them be forgotten."""

from uuid import UUID

from npc.knowledge.remembering import sights_of
from npc.sessions.entries import MemoryForgotten
from npc.sessions.writing import Reading, Writer
from personas.memories import forget
from personas.models import Memory, MemoryQuerySet
from tenants.errors import NotFound


def memories_of(at: Reading | Writer, character: str) -> MemoryQuerySet:
    """What a character keeps on the live branch. Raises NotFound for one that the world does not have."""
    if character not in at.world.characters:
        raise NotFound
    found: MemoryQuerySet = Memory.objects.for_tenant(at.session.tenant_id).in_sight(sights_of(at.branch))
    return found.filter(holder=character)


def forget_memory(writer: Writer, character: str, memory_id: UUID) -> list[UUID]:
    """Let a memory be forgotten with all that was made of it, in every save that knows it too. Raises NotFound.

    The log says so, for whoever makes memories from it again.
    """
    if not memories_of(writer, character).filter(pk=memory_id).exists():
        raise NotFound
    forgotten = forget(tenant_id=writer.session.tenant_id, memory_id=memory_id)
    for one in forgotten:
        writer.add(MemoryForgotten(memory_id=str(one)), subject=one)
    return forgotten
