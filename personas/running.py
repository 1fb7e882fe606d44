"""A persona as it answers: a published version, or the draft that is being tried out."""

from dataclasses import dataclass
from uuid import UUID

from personas.kinds import PersonaKind, kind_named
from personas.models import Persona, PersonaVersion
from personas.schema import PersonaSettings, load_settings


@dataclass(frozen=True, slots=True)
class RunningPersona:
    """All that a turn needs of a persona, without its row. `version` is None for a draft."""

    tenant_id: UUID
    persona_id: UUID
    name: str
    tenant_name: str
    kind: PersonaKind
    settings: PersonaSettings
    version: int | None


def running_draft(persona: Persona) -> RunningPersona:
    return _running(persona.pk, persona, None)


def running_version(version: PersonaVersion) -> RunningPersona:
    return _running(version.persona_id, version, version.number)


def _running(persona_id: UUID, source: Persona | PersonaVersion, version: int | None) -> RunningPersona:
    kind = kind_named(source.kind)
    return RunningPersona(
        tenant_id=source.tenant.pk,
        persona_id=persona_id,
        name=source.name,
        tenant_name=source.tenant.name,
        kind=kind,
        settings=load_settings(kind.settings_model, source.settings),
        version=version,
    )
