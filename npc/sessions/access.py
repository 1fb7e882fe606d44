"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from npc.errors import SessionNotFound
from npc.models import GameSession, Save
from tenants.access import access_row
from tenants.statements import Asked, Param, Select, read


def access_session(tenant_id: UUID, session_id: UUID, *, locked: bool = False) -> GameSession:
    """One of the tenant's sessions; `locked` holds it until the transaction ends. Raises SessionNotFound."""
    (found,) = read(asked_session(tenant_id, session_id, locked=locked))
    return session_found(found)


def asked_session(tenant_id: UUID, session_id: UUID, *, locked: bool) -> Asked:
    """The question of `access_session`, to be read together with something else."""
    return (_HELD if locked else _SESSION).of(tenant_id=tenant_id, session_id=session_id)


def session_found(found: Sequence[GameSession]) -> GameSession:
    """The answer of `access_session` from these rows."""
    if not found:
        raise SessionNotFound
    return found[0]


def _sessions() -> Any:
    return GameSession.objects.select_related("world").filter(tenant_id=Param("tenant_id"), pk=Param("session_id"))


_SESSION: Select[GameSession] = Select(_sessions)
_HELD: Select[GameSession] = Select(lambda: _sessions().select_for_update(no_key=True, of=["self"]))


def access_save(tenant_id: UUID, save_id: UUID) -> Save:
    """Raises NotFound."""
    return access_row(Save, tenant_id, related=["branch"], pk=save_id)
