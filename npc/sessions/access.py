"""From an id that came from outside to a row; a neighbour's and one that never was fail alike."""

from uuid import UUID

from npc.errors import SessionNotFound
from npc.models import GameSession, Save
from tenants.errors import NotFound


def access_session(tenant_id: UUID, session_id: UUID, *, locked: bool = False) -> GameSession:
    """One of the tenant's sessions; `locked` holds it until the transaction ends. Raises SessionNotFound."""
    sessions = GameSession.objects.for_tenant(tenant_id).select_related("world")
    if locked:
        sessions = sessions.select_for_update(no_key=True, of=["self"])
    session: GameSession | None = sessions.filter(pk=session_id).first()
    if session is None:
        raise SessionNotFound
    return session


def access_save(tenant_id: UUID, save_id: UUID) -> Save:
    """Raises NotFound."""
    save: Save | None = Save.objects.for_tenant(tenant_id).select_related("branch").filter(pk=save_id).first()
    if save is None:
        raise NotFound
    return save
