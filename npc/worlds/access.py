"""From what came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from npc.errors import WorldNotFound
from npc.models import World, WorldVersion
from personas.access import as_uuid


def access_world(tenant_id: UUID, slug_or_id: str) -> World:
    """One of the tenant's worlds, with its newest version. Raises WorldNotFound."""
    world_id = as_uuid(slug_or_id)
    wanted = {"pk": world_id} if world_id else {"slug": slug_or_id}
    world: World | None = World.objects.for_tenant(tenant_id).select_related("newest").filter(**wanted).first()
    if world is None:
        raise WorldNotFound
    return world


def access_version(world: World, number: int) -> WorldVersion:
    """Raises WorldNotFound for a number that never was."""
    version: WorldVersion | None = world.versions.filter(number=number).first()
    if version is None:
        raise WorldNotFound
    return version
