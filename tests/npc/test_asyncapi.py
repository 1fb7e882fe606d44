"""Every frame of a real game is as the AsyncAPI document says, in both directions."""

from typing import Any

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from tests.npc.line import line_at
from tests.npc.turns.conftest import reply, sale

SENT_BY_THE_SERVER = {
    "ok", "error", "speech.delta", "speech.final", "action.proposed", "turn.done",
}  # fmt: skip
SENT_BY_GAMES = {"turn", "turn.cancel", "state.patch", "event", "action.result", "ping"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As it is served."""
    response = Client().get("/api/asyncapi.yaml")
    assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
    served: dict[str, Any] = yaml.safe_load(response.content)
    return served


def faults(document: dict[str, Any], frame: dict[str, Any]) -> list[str]:
    """What is wrong with a frame, by the document."""
    message = document["components"]["messages"][f"npc.{frame['type']}"]
    schema = {**message["payload"], "components": document["components"]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{frame['type']}: {error.message}" for error in validator.iter_errors(frame)]


def names(document: dict[str, Any], operation: str) -> set[str]:
    return {message["$ref"].rsplit("/", 1)[1] for message in document["operations"][operation]["messages"]}


def test_it_names_every_frame_and_nothing_else(document):
    messages = {name: one for name, one in document["components"]["messages"].items() if name.startswith("npc.")}

    assert document["channels"]["npc"]["address"] == "/ws/v1/npc/"
    assert names(document, "gameHears") == SENT_BY_THE_SERVER
    assert names(document, "gameSends") == SENT_BY_GAMES
    assert document["channels"]["npc"]["messages"] == {
        name: {"$ref": f"#/components/messages/npc.{name}"} for name in SENT_BY_THE_SERVER | SENT_BY_GAMES
    }
    assert {one["name"] for one in messages.values()} == SENT_BY_THE_SERVER | SENT_BY_GAMES
    for message in messages.values():
        Draft202012Validator.check_schema(message["payload"])


def test_it_refuses_what_is_wrong(document):
    delta = {"type": "speech.delta", "turn_id": "01890000-0000-7000-8000-000000000000", "offset": 0, "text": "茶"}

    assert faults(document, delta) == []
    for wrong in ({"turn_id": "x"}, {"offset": -1}, {"text": ""}, {"extra": 1}):
        assert faults(document, delta | wrong), wrong
    assert faults(document, {"type": "ok", "request_id": "r", "odd": 1})
    assert faults(document, {"type": "state.patch", "request_id": "r", "patch": "gold", "base_state_version": 1})


async def test_a_game_is_as_described(game, scripted_llm, server, document):
    scripted_llm.will_say(reply("One left, traveller.", "happy", sale()))
    scripted_llm.will_stall(after='{"say": "Well')
    async with line_at(server.http, game.opened["token"]) as line:
        action = (await line.done(await line.turns()))["actions"][0]
        await line.call("action.result", action_id=action["id"], accepted=False, reason="No coins.")
        await line.call("state.patch", patch={"gold": 3}, base_state_version=1)
        await line.call("state.patch", patch=[{"op": "remove", "path": "/night"}], base_state_version=2)
        await line.call("event", event={"type": "gift", "game_time": 2.5, "moves": {"mira": "cellar"}})
        await line.call("ping")
        turn_id = await line.turns(
            event={"type": "gift", "data": {"item": "fish"}}, text="", present=["carol", "bram"], deadline_ms=60_000
        )
        await line.call("turn.cancel", turn_id=turn_id)
        await line.refused("state.patch", patch={}, base_state_version=1)
        await line.refused("turn", speaker="ghost", text="Boo.")
        await line.socket.send("nonsense")
        await line.next("error")

    assert {frame["type"] for frame in line.frames} == SENT_BY_THE_SERVER
    assert {frame["type"] for frame in line.sent} == SENT_BY_GAMES
    for frame in [*line.frames, *line.sent]:
        assert faults(document, frame) == []
