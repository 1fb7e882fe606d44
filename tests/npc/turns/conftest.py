"""Carol talks in Acme's inn, whose characters speak by a scripted model."""

import json
from typing import Any
from uuid import uuid4

from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.play import Play, Player
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import World
from tests.npc.conftest import Game, inn


def compiled(**changes: Any) -> CompiledWorld:
    """The inn as the rules of a turn see it, without a database."""
    return CompiledWorld(uuid4(), World.model_validate(inn(**changes)), {})


def begun(world: CompiledWorld, **state: Any) -> Play:
    """Carol has come into the taproom."""
    opened = Opened(player=Player(id="carol"), state={**world.document.initial_state, **state}, scene="taproom")
    return first_play(world, opened)


def reply(say: str = "Here you are.", emotion: str = "happy", *actions: Any) -> str:
    return json.dumps({"say": say, "emotion": emotion, "actions": list(actions)}, ensure_ascii=False)


def sale(item: str = "ale", price: Any = 3) -> dict[str, Any]:
    return {"name": "sell", "arguments": {"item": item, "price": price}}


def turn(game: Game, text: str = "An ale, please.", **asked: Any) -> Any:
    """Carol turns to Bram; the response."""
    asked = {"character": "bram", "speaker": "carol", "text": text, **asked}
    return game.api.post(f"{game.url}turns/", {name: value for name, value in asked.items() if value is not ...})


def answered(game: Game, text: str = "An ale, please.", **asked: Any) -> dict[str, Any]:
    response = turn(game, text, **asked)
    assert response.status_code == 200, response.content
    return dict(response.json())


def settled(game: Game, action_id: str, accepted: bool = True, **more: Any) -> Any:
    return game.api.post(f"{game.url}actions/{action_id}/result/", {"accepted": accepted, **more})


def kinds(game: Game) -> list[str]:
    return [entry["kind"] for entry in game.log()]
