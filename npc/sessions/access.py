"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef

from llm.routes import routes_version
from npc.errors import SessionNotFound
from npc.models import GameSession, LogEntry, Save
from tenants.access import access_row
from tenants.statements import Param, Select


def access_session(tenant_id: UUID, session_id: UUID, *, locked: bool = False) -> GameSession:
    """One of the tenant's sessions; `locked` holds it until the transaction ends. Raises SessionNotFound."""
    return _found((_HELD if locked else _SESSION).all(tenant_id=tenant_id, session_id=session_id))


def access_live(tenant_id: UUID, session_id: UUID) -> GameSession:
    """The same with its live branch, but for the plays that are kept there. Raises SessionNotFound."""
    return _found(_LIVE.all(tenant_id=tenant_id, session_id=session_id))


def hold_live(tenant_id: UUID, session_id: UUID, turn_id: UUID | None = None) -> GameSession:
    """The same, held with its branch until the transaction ends.

    For a turn it also tells which version the tenant's model routes have, and whether the branch had the turn when this
    was asked: by then others may have held it.
    """
    values = {"tenant_id": tenant_id, "session_id": session_id, **({"turn_id": turn_id} if turn_id else {})}
    question = _HELD_FOR_TURN if turn_id else _HELD_LIVE
    # If who held it before us has loaded a save, what we waited for was the branch before. The session is ours now.
    return _found(question.all(**values) or question.all(**values))


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
_HELD_LIVE: Select[GameSession] = Select(lambda: _held(_with_live()))
_HELD_FOR_TURN: Select[GameSession] = Select(
    lambda: _held(_with_live().annotate(routes_version=routes_version(), has_turn=Exists(_of_turn())))
)


def _held(sessions: Any) -> Any:
    return sessions.select_for_update(no_key=True, of=["self", "live"])


def _of_turn() -> Any:
    own = LogEntry.objects.filter(tenant_id=Param("tenant_id"), branch_id=OuterRef("live_id"))
    return own.filter(kind="turn.opened", subject=Param("turn_id"))


def access_save(tenant_id: UUID, save_id: UUID) -> Save:
    """Raises NotFound."""
    return access_row(Save, tenant_id, related=["branch"], pk=save_id)
