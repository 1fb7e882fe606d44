"""A persona's life: a draft is made and edited, published as versions that never change, and rolled back."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from personas.errors import KindNeedsWorld
from personas.forgetting import forget_what_hangs_on
from personas.kinds import kind_named
from personas.models import Persona, PersonaVersion
from personas.references import check_references
from personas.schema import read_settings
from tenants.errors import Conflict, Invalid
from webhooks.emitting import forget_all


def create_persona(
    *,
    tenant_id: UUID,
    slug: str,
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    allowed_origins: Sequence[str] = (),
) -> Persona:
    """A new draft. Raises Invalid for settings that its kind does not take, Conflict for a slug in use."""
    persona = Persona(tenant_id=tenant_id, slug=slug, name=name, kind=kind, allowed_origins=list(allowed_origins))
    persona.settings = checked_settings(tenant_id, kind, settings)
    _save(persona)
    return persona


def edit_persona(persona: Persona, *, settings: dict[str, Any] | None = None, **fields: Any) -> Persona:
    """Change a draft. Of `settings` only the keys given change; null takes one back to its default.

    Published versions stay as they are. Raises Invalid and Conflict as `create_persona`.
    """
    persona = _locked(persona)
    for field, value in fields.items():
        setattr(persona, field, value)
    if settings is not None or "kind" in fields:
        merged = {**persona.settings, **(settings or {})}
        persona.settings = checked_settings(persona.tenant.pk, persona.kind, merged)
    _save(persona)
    return persona


def publish(persona: Persona, *, by: str = "") -> PersonaVersion:
    """Make the draft the version that answers. Raises KindNeedsWorld, or Invalid if what it names is gone."""
    persona = _locked(persona)
    kind = kind_named(persona.kind)
    if kind.needs_world:
        raise KindNeedsWorld
    settings = read_settings(kind.settings_model, persona.settings)
    check_references(persona.tenant.pk, settings)
    newest = persona.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = persona.versions.create(
        tenant_id=persona.tenant_id,
        number=newest + 1,
        name=persona.name,
        kind=persona.kind,
        settings=settings.model_dump(mode="json"),  # defaults too: a later change of theirs must not reach it
        published_by=by,
    )
    _go_live(persona, version)
    return version


def roll_back(persona: Persona, *, number: int) -> PersonaVersion:
    """Let an older version answer again; the draft stays. Raises Invalid for a number that never was."""
    persona = _locked(persona)
    version: PersonaVersion | None = persona.versions.filter(number=number).first()
    if version is None:
        raise Invalid.field("version", _("There is no version %(number)s.") % {"number": number})
    _go_live(persona, version)
    return version


@transaction.atomic
def delete_persona(persona: Persona) -> None:
    """Delete a persona and all that hangs on it. The database reaches down by itself and loads no row."""
    forget_what_hangs_on(persona)
    rows = Persona.objects.for_tenant(persona.tenant).filter(pk=persona.pk)
    rows._raw_delete(using=rows.db)
    forget_all(persona.tenant_id, persona_id=persona.pk)


def checked_settings(tenant_id: UUID, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are stored: what was set, without defaults, for which null stands, too.

    Raises Invalid that names every wrong field.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    checked = read_settings(kind_named(kind).settings_model, given)
    check_references(tenant_id, checked)
    return checked.model_dump(mode="json", exclude_unset=True)


def _locked(persona: Persona) -> Persona:
    """The row as it is now, held until the transaction ends, so that two editors keep each other's keys."""
    locked: Persona = (
        Persona.objects.for_tenant(persona.tenant)
        .select_related("tenant")
        .select_for_update(of=["self"])
        .get(pk=persona.pk)
    )
    return locked


def _go_live(persona: Persona, version: PersonaVersion) -> None:
    persona.live_version = version
    persona.save(update_fields=["live_version", "updated_at"])


def _save(persona: Persona) -> None:
    try:
        with transaction.atomic():
            persona.save()
    except IntegrityError:
        detail = _("There is a persona with this slug already; choose another one.")
        raise Conflict(detail, errors=[{"field": "slug", "detail": detail}]) from None
