"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from llm.routes import routes_version
from npc.errors import SessionNotFound
from npc.models import GameSession, Save
from tenants.access import access_row
from tenants.statements import Param, Select


def access_session(tenant_id: UUID, session_id: UUID, *, locked: bool = False) -> GameSession:
    """One of the tenant's sessions; `locked` holds it until the transaction ends. Raises SessionNotFound."""
    return _found((_HELD if locked else _SESSION).all(tenant_id=tenant_id, session_id=session_id))


def access_live(tenant_id: UUID, session_id: UUID, *, locked: bool = False) -> GameSession:
    """The same with its live branch, but for the plays that are kept there; `locked` holds both, and tells which
    version the tenant's model routes have. Raises SessionNotFound.
    """
    question = _HELD_LIVE if locked else _LIVE
    found = question.all(tenant_id=tenant_id, session_id=session_id)
    if not found and locked:
        # Who held it before us has loaded a save: what we waited for was the branch before. The session is ours now.
        found = question.all(tenant_id=tenant_id, session_id=session_id)
    return _found(found)


def _found(found: Sequence[GameSession]) -> GameSession:
    if not found:
        raise SessionNotFound
    return found[0]


def _sessions() -> Any:
    return GameSession.objects.select_related("world").filter(tenant_id=Param("tenant_id"), pk=Param("session_id"))


def _with_live() -> Any:
    # A session always has a branch, which the filter says: rows of an outer join could not be held.
    return _sessions().select_related("live").filter(live__session_id=F("pk")).defer("live__base", "live__head")


_SESSION: Select[GameSession] = Select(_sessions)
_HELD: Select[GameSession] = Select(lambda: _sessions().select_for_update(no_key=True, of=["self"]))
_LIVE: Select[GameSession] = Select(_with_live)
_HELD_LIVE: Select[GameSession] = Select(
    lambda: _with_live().annotate(routes_version=routes_version()).select_for_update(no_key=True, of=["self", "live"])
)


def access_save(tenant_id: UUID, save_id: UUID) -> Save:
    """Raises NotFound."""
    return access_row(Save, tenant_id, related=["branch"], pk=save_id)
