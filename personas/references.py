"""The rows that settings name: bases by slug or id, a route by slug. They must be the tenant's own."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from knowledge.models import KnowledgeBase
from llm.models import Route
from llm.routes import BUILT_IN_SLUGS
from personas.access import as_uuid
from personas.lookups import known_tools
from personas.schema import PersonaSettings
from tenants.errors import Invalid


def base_ids(tenant_id: UUID, references: Sequence[str]) -> dict[str, UUID]:
    """The knowledge bases that are there, in the order named; what is gone is missing."""
    ids = [value for reference in references if (value := as_uuid(reference))]
    rows = KnowledgeBase.objects.for_tenant(tenant_id).filter(Q(slug__in=references) | Q(pk__in=ids))
    known = {name: pk for pk, slug in rows.values_list("pk", "slug") for name in (slug, str(pk))}
    return {each: known[each] for each in references if each in known}


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
