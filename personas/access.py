"""An id from outside becomes a row, or the same NotFound for a neighbour's and for one that never was."""

from uuid import UUID

from personas.models import Persona
from tenants.access import access_row
from tenants.errors import NotFound


def access_persona(tenant_id: UUID, slug_or_id: str) -> Persona:
    """One of the tenant's personas, by slug or id. Raises NotFound."""
    persona_id = as_uuid(slug_or_id)
    wanted = {"pk": persona_id} if persona_id else {"slug": slug_or_id}
    return access_row(Persona, tenant_id, related=["live_version__tenant", "tenant"], **wanted)


def access_published(tenant_id: UUID, slug_or_id: str) -> Persona:
    """As `access_persona`, but only one that answers: its `live_version` is set."""
    persona = access_persona(tenant_id, slug_or_id)
    if persona.live_version is None:
        raise NotFound
    return persona


def access_by_publishable_key(tenant_id: UUID, publishable_key: str) -> Persona:
    """The published persona that this key names, inside the scope of the key's tenant. Raises NotFound."""
    personas = Persona.objects.for_tenant(tenant_id).published()
    persona: Persona | None = personas.filter(publishable_key=publishable_key).first()
    if persona is None:
        raise NotFound
    return persona


def as_uuid(text: str) -> UUID | None:
    """Only the usual form with dashes: a slug may well be 32 hexadecimal digits."""
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text.lower() else None
