"""From what came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from npc.errors import WorldNotFound
from npc.models import World, WorldVersion
from personas.access import as_uuid
from tenants.access import access_row


def access_world(tenant_id: UUID, slug_or_id: str) -> World:
    """One of the tenant's worlds, with its newest version. Raises WorldNotFound."""
    world_id = as_uuid(slug_or_id)
    wanted = {"pk": world_id} if world_id else {"slug": slug_or_id}
    return access_row(World, tenant_id, related=["newest"], error=WorldNotFound, **wanted)


def access_version(world: World, number: int) -> WorldVersion:
    """Raises WorldNotFound for a number that never was."""
    return access_row(WorldVersion, world.tenant_id, error=WorldNotFound, world=world, number=number)
