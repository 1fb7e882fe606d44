"""The rows that settings name: bases by slug or id, a route by slug. They must be the tenant's own."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from llm.models import Route
from llm.routes import BUILT_IN_SLUGS
from personas.access import as_uuid
from personas.lookups import known_tools
from personas.schema import PersonaSettings
from tenants.errors import Invalid
from tenants.statements import prepared_cursor


def base_ids(tenant_id: UUID, references: Sequence[str]) -> dict[str, UUID]:
    """The knowledge bases that are there, in the order named; what is gone is missing."""
    return {name: base_id for name, (base_id, _model) in bases_named(tenant_id, references).items()}


def bases_named(tenant_id: UUID, references: Sequence[str]) -> dict[str, tuple[UUID, str | None]]:
    """As `base_ids`, each with the embedding model that it is under; None for one that nothing was put into yet."""
    ids = [value for reference in references if (value := as_uuid(reference))]
    with prepared_cursor() as cursor:
        cursor.execute(_BASES, [tenant_id, list(references), ids])
        known = {name: (pk, model) for pk, slug, model in cursor.fetchall() for name in (slug, str(pk))}
    return {each: known[each] for each in references if each in known}


# Each turn of a persona with documents asks for them.
_BASES = """
    SELECT base.id, base.slug, space.model FROM knowledge_knowledgebase base
    LEFT JOIN knowledge_space space
        ON space.tenant_id = base.tenant_id AND space.base_id = base.id AND space.is_active
    WHERE base.tenant_id = %s AND (base.slug = ANY (%s) OR base.id = ANY (%s::uuid[]))
"""


def check_references(tenant_id: UUID, settings: PersonaSettings) -> None:
    """Raises Invalid that names each reference to nothing; a neighbour's row is nothing, too."""
    bases = base_ids(tenant_id, settings.knowledge_bases) if settings.knowledge_bases else {}
    errors = [
        *_missing("knowledge_bases", settings.knowledge_bases, bases, _("There is no knowledge base «%(name)s».")),
        *_missing("lorebooks", settings.lorebooks, (), _("There is no lorebook «%(name)s».")),
        *_missing("tools", settings.tools, known_tools(tenant_id, settings.tools), _("There is no tool «%(name)s».")),
    ]
    if settings.route or settings.fallback_routes:
        errors += _missing_routes(tenant_id, settings)
    if errors:
        raise Invalid(errors=errors)


def _missing_routes(tenant_id: UUID, settings: PersonaSettings) -> list[dict[str, str]]:
    named = {settings.route, *settings.fallback_routes}
    known = set(Route.objects.for_tenant(tenant_id).filter(slug__in=named).values_list("slug", flat=True))
    sentence = _("There is no model route «%(name)s».")
    fallbacks = _missing("fallback_routes", settings.fallback_routes, known | BUILT_IN_SLUGS, sentence)
    if not settings.route or settings.route in known:
        return fallbacks
    return [{"field": "settings.route", "detail": sentence % {"name": settings.route}}, *fallbacks]


def _missing(field: str, references: Sequence[str], known: Iterable[str], detail: str) -> list[dict[str, str]]:
    known = set(known)
    return [
        {"field": f"settings.{field}.{number}", "detail": detail % {"name": reference}}
        for number, reference in enumerate(references)
        if reference not in known
    ]
