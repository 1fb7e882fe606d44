"""A save: a place in the log to come back to."""

from uuid import UUID

import orjson
from django.utils.translation import gettext as _

from npc.models import Branch, Save
from npc.sessions.access import access_session
from npc.sessions.play import Play, stored
from npc.sessions.writing import play_at
from npc.worlds.compiled import world_of
from tenants.errors import Invalid


def save_play(*, tenant_id: UUID, session_id: UUID, seq: int | None = None) -> Save:
    """Save the play as it is, or as it was after an earlier entry of the log, to rewind there.

    The session is held meanwhile, so that nothing happens between the place and the play. Raises SessionNotFound, and
    Invalid for a number that the live branch does not know.
    """
    session = access_session(tenant_id, session_id, locked=True)
    live = Branch.objects.for_tenant(tenant_id).get(pk=session.live_id)
    branch, at = (live, live.head_seq) if seq is None else _place(live, seq)
    play = Play.model_validate(live.head) if seq is None else play_at(world_of(session.version_id), branch, at)
    kept = stored(play)
    size = len(orjson.dumps(kept))
    saved: Save = Save.objects.create(session=session, branch=branch, seq=at, play=kept, size_bytes=size)
    return saved


def _place(live: Branch, seq: int) -> tuple[Branch, int]:
    """The branch, this one or an ancestor, on which an entry of this number happened."""
    if not 0 < seq <= live.head_seq:
        raise Invalid.field("seq", _("There is no entry of this number."))
    for ancestor_id, last_seq in live.lineage:
        if seq <= last_seq:
            return Branch.objects.for_tenant(live.tenant_id).get(pk=UUID(ancestor_id)), seq
    return live, seq
