"""A session begins: anew, or at a save."""

import secrets
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from npc.knowledge.gossip import catch_up
from npc.models import Branch, GameSession, Save, World
from npc.sessions.access import access_save, access_session
from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.patching import check_size
from npc.sessions.play import Player, stored
from npc.sessions.writing import Reading, Writer, reading
from npc.worlds.compiled import CompiledWorld, world_of
from npc.worlds.plain import check_plain
from npc.worlds.problems import refuse
from tenants.errors import Invalid

SEED_BITS = 53  # what JSON numbers hold exactly


@transaction.atomic
def open_session(
    *,
    world: World,
    player: Player,
    scene: str | None = None,
    state: dict[str, Any] | None = None,
    seed: int | None = None,
) -> Reading:
    """A new play of a world's newest version. The player is in the first scene unless told otherwise.

    Raises Invalid for a state that the world's schema does not take, a scene that is not there, or a player who is
    called like a character.
    """
    compiled = world_of(world.newest.pk)
    opened = Opened(
        player=player,
        state=compiled.document.initial_state if state is None else state,
        scene=scene if scene is not None else next(iter(compiled.scenes), None),
    )
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    writer = begin(GameSession(world=world, version=world.newest, seed=seed), compiled, opened)
    writer.add(opened)
    writer.store()
    return Reading(writer.session, writer.branch, compiled, writer.play)


def begin(session: GameSession, compiled: CompiledWorld, opened: Opened) -> Writer:
    """Store a new session with its first branch; the caller adds `opened`. Raises as `open_session`."""
    player = opened.player
    if player.id in compiled.characters:
        raise Invalid.field("player.id", _("A character of this world has this id."))
    if opened.scene is not None and opened.scene not in compiled.scenes:
        raise Invalid.field("player.scene", _("There is no «%(id)s».") % {"id": opened.scene})
    refuse([*check_plain(opened.state, "state"), *compiled.state_problems(opened.state)])
    check_size(opened.state)
    session.player_id, session.player_name = player.id, player.name
    session.save()
    play = first_play(compiled, opened)
    branch = _go_on(session, Branch(session=session, base=stored(play), head=stored(play)))
    return Writer(Reading(session, branch, compiled, play))


@transaction.atomic
def load_save(*, tenant_id: UUID, save_id: UUID, world: World, player: Player) -> Reading:
    """Go on from a save, on a branch of its own; the one that was played until now is left.

    Raises NotFound, and Invalid for a save of another world or another player.
    """
    save = access_save(tenant_id, save_id)
    session = access_session(tenant_id, save.session_id, locked=True)
    if session.world_id != world.pk:
        raise Invalid.field("save", _("This save is of another world."))
    if session.player_id != player.id:
        raise Invalid.field("save", _("This save is of another player."))
    branch = _go_on(
        session,
        Branch(
            session=session,
            lineage=_lineage(save),
            base=save.play,
            base_seq=save.seq,
            head=save.play,
            head_seq=save.seq,
        ),
    )
    catch_up(branch)
    return reading(tenant_id, session.pk)


def _go_on(session: GameSession, branch: Branch) -> Branch:
    branch.save()
    session.live = branch
    session.save(update_fields=["live"])
    return branch


def _lineage(save: Save) -> list[list[Any]]:
    """Of a branch that begins at this save. A branch of which nothing belongs to it is no ancestor."""
    own = [[str(save.branch.pk), save.seq]] if save.seq > save.branch.base_seq else []
    return [*save.branch.lineage, *own]
