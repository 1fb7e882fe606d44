"""A designer speaks a line to a character in any state, and nothing of it stays.

The turn is a real one, in a session of its own that is deleted when it is over; so everything is as in a game, but for
what the game knows of it: a world's hooks are asked about a session that no game has opened.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from npc.bench.cases import case_of
from npc.bench.explaining import explained
from npc.models import GameSession, World
from npc.sessions.access import access_session
from npc.sessions.carrying import export_session, import_session
from npc.sessions.changing import patch_state
from npc.sessions.opening import open_session
from npc.sessions.play import Player
from npc.sessions.writing import reading, writing
from npc.turns.asking import Asked
from npc.turns.replaying import replay_of
from npc.turns.running import start_turn
from npc.worlds.access import access_world
from npc.worlds.compiled import CompiledWorld, world_of
from npc.worlds.plain import check_plain
from npc.worlds.problems import refuse
from npc.worlds.trying import stages_of
from tenants.errors import Invalid
from tenants.scope import tenant_scope

# Marks the sessions of the bench, also those that are copies of a player's: no game can open one with such a seed.
SEED = -1
# No character is called so: an id is no plain word in brackets.
PLAYER = "[player]"
# One whose process died is cleared away by the next.
FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried: where a session stands, or else at a stage ("" is the beginning); or in this state."""

    character: str
    text: str
    stage: str = ""
    session: UUID | None = None
    state: dict[str, Any] | None = None


def try_line(tenant_id: UUID, world_id: UUID, trial: Trial) -> dict[str, Any]:
    """What the character answers and why, and the exchange as a case for tests. Outside any transaction.

    Raises Invalid, naming paths, for a state that the world does not take; WorldNotFound, SessionNotFound.
    """
    with tenant_scope(tenant_id):
        session = _staged(tenant_id, access_world(tenant_id, str(world_id)), trial)
    asked = Asked(turn_id=uuid7(), speaker=session.player_id, character=trial.character, text=trial.text)
    try:
        asyncio.run(_answer(tenant_id, session.pk, asked))
        with tenant_scope(tenant_id):
            turn = replay_of(reading(tenant_id, session.pk), asked.turn_id)
            return {**explained(turn), "case": case_of(turn)}
    finally:
        with tenant_scope(tenant_id):
            _forget(tenant_id, pk=session.pk)


def state_at(tenant_id: UUID, world: World, *, stage: str, session: UUID | None) -> dict[str, Any]:
    """The state of a session as it stands, or of one of the world's stages. Raises Invalid, SessionNotFound."""
    if session is not None:
        _of_world(tenant_id, world, session)
        return dict(reading(tenant_id, session).play.state)
    stages = stages_of(world_of(world.newest.pk).document)
    if stage not in stages:
        raise Invalid.field("stage", _("There is no «%(id)s».") % {"id": stage})
    return dict(stages[stage])


def _staged(tenant_id: UUID, world: World, trial: Trial) -> GameSession:
    """A session of its own to play in, marked as one."""
    _forget(tenant_id, seed=SEED, opened_at__lt=timezone.now() - FORGOTTEN_AFTER)
    compiled = world_of(world.newest.pk)
    _check(compiled, trial)
    if trial.session is not None:
        _of_world(tenant_id, world, trial.session)
        session = import_session(tenant_id=tenant_id, raw=export_session(tenant_id, trial.session)).session
        if trial.state is not None:
            with writing(tenant_id, session.pk) as writer:
                patch_state(writer, [{"op": "replace", "path": "", "value": trial.state}], source="turn")
    else:
        state = trial.state if trial.state is not None else state_at(tenant_id, world, stage=trial.stage, session=None)
        scene = compiled.characters[trial.character].scene
        session = open_session(
            world=world, player=Player(id=PLAYER, name=_("Player")), scene=scene, state=state
        ).session
    session.seed = SEED
    session.save(update_fields=["seed"])
    return session


def _check(world: CompiledWorld, trial: Trial) -> None:
    if trial.character not in world.characters:
        raise Invalid.field("character", _("There is no «%(id)s».") % {"id": trial.character})
    if not trial.text.strip():
        raise Invalid.field("text", _("Say something."))
    if trial.state is not None:
        refuse([*check_plain(trial.state, "state"), *world.state_problems(trial.state)])


def _of_world(tenant_id: UUID, world: World, session_id: UUID) -> None:
    if access_session(tenant_id, session_id).world_id != world.pk:
        raise Invalid.field("session", _("This session is of another world."))


async def _answer(tenant_id: UUID, session_id: UUID, asked: Asked) -> Mapping[str, Any]:
    return await start_turn(tenant_id, session_id, asked).answer()


def _forget(tenant_id: UUID, **which: Any) -> None:
    """With log, branches and memories: the database reaches down by itself."""
    rows = GameSession.objects.for_tenant(tenant_id).filter(**which)
    rows._raw_delete(using=rows.db)
