"""The inn as the rules of a turn see it, without a database."""

from typing import Any
from uuid import uuid4

from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.play import Play, Player
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import World
from tests.npc.conftest import inn


def compiled(**changes: Any) -> CompiledWorld:
    return CompiledWorld(uuid4(), World.model_validate(inn(**changes)), {})


def begun(world: CompiledWorld, **state: Any) -> Play:
    """Carol has come into the taproom."""
    opened = Opened(player=Player(id="carol"), state={**world.document.initial_state, **state}, scene="taproom")
    return first_play(world, opened)
