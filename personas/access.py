"""An id from outside becomes a row, or the same NotFound for a neighbour's and for one that never was."""

from uuid import UUID

from django.db.models import QuerySet

from personas.models import Persona
from tenants.errors import NotFound
from tenants.statements import Param, Select

_BY_ID: Select[Persona] = Select(lambda: _whole().filter(pk=Param("name")))
_BY_SLUG: Select[Persona] = Select(lambda: _whole().filter(slug=Param("name")))


def access_persona(tenant_id: UUID, slug_or_id: str) -> Persona:
    """One of the tenant's personas, by slug or id. Raises NotFound."""
    persona_id = as_uuid(slug_or_id)
    named, name = (_BY_ID, persona_id) if persona_id else (_BY_SLUG, slug_or_id)
    found = named.first(name=name, tenant_id=tenant_id)
    if found is None:
        raise NotFound
    return found


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


def _whole() -> QuerySet[Persona]:
    personas: QuerySet[Persona] = Persona.objects.select_related("live_version__tenant", "tenant")
    return personas.filter(tenant_id=Param("tenant_id"))
