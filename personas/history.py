"""What was said before, asked of the app above that keeps conversations: it registers itself."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from personas.context import NOBODY, EndUser, Said
from tenants.errors import NotFound


@dataclass(frozen=True, slots=True)
class SoFar:
    """A conversation up to now: its newest messages, oldest first, and a summary of what came before them."""

    history: tuple[Said, ...] = ()
    summary: str = ""
    end_user: EndUser = NOBODY


# (persona id, conversation id) → what was said. Raises NotFound for a conversation of another persona.
Provider = Callable[[UUID, UUID], SoFar]

_providers: list[Provider] = []


def register_provider(provider: Provider) -> None:
    """Called once, in the `AppConfig.ready()` of the app that keeps conversations."""
    _providers[:] = [provider]


def so_far(persona_id: UUID, conversation_id: UUID) -> SoFar:
    """The conversation up to now, inside the tenant's scope. Raises NotFound."""
    if not _providers:
        raise NotFound
    return _providers[0](persona_id, conversation_id)
