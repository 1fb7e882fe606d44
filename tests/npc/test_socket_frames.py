"""Whatever comes in over a game's socket: a clear refusal, nothing noted, and the socket lives."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.models import Conversation
from chat.sessions import session_token
from npc import consumers
from npc.sessions import tokens
from tenants import sockets
from tests.chat.stage import InProcessServer
from tests.chat.test_connections import fewest_held
from tests.npc.conftest import open_game
from tests.npc.line import Line, line_at
from tests.npc.turns.conftest import reply

NOBODY = str(uuid4())
SURROGATE = "\\ud800"  # as it stands in JSON
DEEP = 30_000
# As deep as our parser goes, and deeper than Python's own recursion.
NESTED = '{"x":' * 1_000 + "1" + "}" * 1_000


def frame(type: str, **fields: object) -> str:
    return json.dumps({"type": type, "request_id": "r", **fields})


def turn(**fields: object) -> str:
    return frame("turn", **{"character": "bram", "speaker": "carol", "text": "Hello", **fields})


def patch(value: object, **fields: object) -> str:
    return frame("state.patch", **{"patch": value, "base_state_version": 1, **fields})


def result(**fields: object) -> str:
    return frame("action.result", **{"action_id": NOBODY, "accepted": True, **fields})


BAD_FRAMES: dict[str, tuple[str, list[str | bytes]]] = {
    "no JSON object": ("frame_invalid", ["Hello?", "", '{"type": "ping"', "[]", "null", "{}", '{"type": ["ping"]}']),
    "beyond what JSON libraries bear": (
        "frame_invalid",
        ['{"type":"ping","x":1e999}', "[" * 2 * DEEP, '{"type":"ping","x":' + "[" * DEEP + "]" * DEEP + "}"],
    ),
    "binary": ("frame_invalid", [b'{"type": "ping"}', b"\x00\xff"]),
    "unknown": ("frame_unknown", [frame("turn.steal"), frame("_turn"), frame("")]),
    "too large": ("frame_too_large", [turn(text="x" * 100_000), turn(text="房" * 22_000), patch({"x": "y" * 70_000})]),
    "no request": ("invalid", [frame("ping", request_id=value) for value in (None, "", "x" * 101, True, [1], {}, 1.5)]),
    "no turn": (
        "invalid",
        [
            frame("turn"),
            *(turn(text=text) for text in ("", " \n", None, ["Hello"], "x" * 4_001, "Hello\x00")),
            turn(turn_id="tomorrow"),
            turn(speaker="ghost"),
            turn(character=["bram"]),
            turn(deadline_ms=1),
            turn(event={"type": "gift"}),
            turn(state_patch={"gold": -1}),
            turn(present=["ghost"]),
            turn(seed="now"),
        ],
    ),
    "no turn to cancel": ("invalid", [frame("turn.cancel"), frame("turn.cancel", turn_id=7)]),
    "a turn that never was": ("not_found", [frame("turn.cancel", turn_id=NOBODY)]),
    "no state": ("precondition_required", [frame("state.patch", patch={}), patch({}, base_state_version=None)]),
    "another state": ("state_stale", [patch({"gold": 1}, base_state_version=0), turn(base_state_version=9)]),
    "no patch": (
        "invalid",
        [
            frame("state.patch", base_state_version=1),
            *(patch(value) for value in (None, 7, "gold", [7], {"gold": -1}, {"gold": "x\x00"}, {"wings": 2})),
            patch({"gold": 2**60}),
            patch([{"op": "fly", "path": "/gold"}]),
            patch({}, base_state_version="x"),
            patch(None).replace("null", NESTED),
            turn(state_patch=None).replace("null", NESTED),
            result(state_patch=None).replace("null", NESTED),
            frame("event", event={"type": "gift", "data": None}).replace("null", NESTED),
            turn(text=None).replace("null", NESTED),
        ],
    ),
    "no event": (
        "invalid",
        [
            frame("event"),
            *(frame("event", event=value) for value in (None, 7, [], {}, {"type": "a b"}, {"type": "x\x00"})),
            frame("event", event={"type": "gift", "witnesses": ["ghost"]}),
            frame("event", event={"type": "gift", "game_time": 1e300}),
        ],
    ),
    "no result": ("invalid", [frame("action.result"), result(action_id="x"), result(accepted="maybe")]),
    "an action that never was": ("not_found", [result()]),
}


@pytest.fixture
async def line(server: Any, game: Any) -> AsyncIterator[Line]:
    async with line_at(server.http, game.opened["token"]) as opened:
        yield opened


async def test_a_bad_frame_is_refused_and_the_socket_lives(game, scripted_llm, off_loop, monkeypatch, server):
    monkeypatch.setattr(sockets, "FRAME_BURST", 1_000.0)
    async with line_at(server.http, game.opened["token"]) as line:
        for kind, (code, frames) in BAD_FRAMES.items():
            for raw in frames:
                await line.socket.send(raw)
                error = await line.next("error")
                assert (error["code"], bool(error["detail"])) == (code, True), (kind, raw[:80], error)
            assert (await line.call("ping"))["type"] == "ok"

    assert [entry["kind"] for entry in await off_loop(game.log)] == ["opened"]
    assert scripted_llm.chat_requests == []


async def test_the_refusal_names_its_request_whatever_is_wrong_with_it(line):
    await line.socket.send(frame("turn.steal"))
    assert (await line.next("error"))["request_id"] == "r"
    await line.socket.send(frame("turn", request_id=7))
    error = await line.next("error")
    assert error["request_id"] == 7
    assert {each["field"] for each in error["errors"]} == {"speaker"}
    await line.socket.send("nonsense")
    assert "request_id" not in await line.next("error")


async def test_characters_that_are_none_are_left_out(game, scripted_llm, line, off_loop):
    scripted_llm.will_say(reply("Yes."))

    await line.socket.send(turn(text="Any?rooms", request_id="r?1").replace("?", SURROGATE))

    assert (await line.next("ok"))["request_id"] == "r1"
    await line.next("turn.done")
    opened = next(entry for entry in await off_loop(game.log) if entry["kind"] == "turn.opened")
    assert opened["data"]["text"] == "Anyrooms"


async def test_too_many_frames_are_told_off_and_then_cut_off(line):
    with contextlib.suppress(ConnectionClosed):
        for _ in range(400):
            await line.socket.send(frame("ping"))

    assert await line.is_closed() == 4429
    assert {one["code"] for one in line.frames if one["type"] == "error"} == {"rate_limited"}


async def test_turns_at_once_and_frames_that_wait_are_limited(scripted_llm, line, monkeypatch):
    monkeypatch.setattr(consumers, "MAX_SPEAKING", 2)
    scripted_llm.will_stall(after='{"say": "Well', times=2)
    talks = [await line.turns(deadline_ms=60_000) for _ in range(2)]

    assert (await line.refused("turn", character="mira", speaker="carol", text="Hello"))["code"] == "rate_limited"

    monkeypatch.setattr(consumers, "MAX_SPEAKING", 4)
    for turn_id in talks:
        await line.call("turn.cancel", turn_id=turn_id)


# --- Coming in ----------------------------------------------------------------------------------------------
async def closing_code(server: Any, *, subprotocol: str = "", query: str = "") -> int:
    """Open a socket, which must be accepted before it is closed, so that a browser sees the code."""
    url = server.http.replace("http", "ws") + "/ws/v1/npc/" + query
    protocols: Any = ["troupe.v1", *([f"token.{subprotocol}"] if subprotocol else [])]
    async with connect(url, subprotocols=protocols) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 5)
    return closed.value.rcvd.code if closed.value.rcvd else 0


async def test_a_bad_token_is_accepted_and_then_closed(server, game, acme, globex, monkeypatch, off_loop):
    token = game.opened["token"]
    secret, head = token.rpartition("_")[2], token.rpartition(".")[0]
    forged, foreign = f"{head}.{'A' * 43}", f"st_{globex.id.hex}_{secret}"
    chats = token_of_a_chat(acme)
    monkeypatch.setattr(tokens, "TTL", timedelta(seconds=-1))
    expired = (await off_loop(open_game, acme)).opened["token"]
    for wrong in ("nonsense", token[:-1], forged, foreign, f"st_{'0' * 32}_{secret}", acme.token, chats, expired):
        assert await closing_code(server, subprotocol=wrong) == 4401, wrong
    assert await closing_code(server, query=f"?token={foreign}") == 4401
    assert await closing_code(server) == 4401


def token_of_a_chat(business: Any) -> str:
    """As well signed, and for another purpose."""
    return session_token(Conversation(id=uuid4(), tenant_id=business.id), timedelta(hours=1))[0]


async def test_a_token_in_the_address_lets_a_player_in(server, game):
    url = server.http.replace("http", "ws") + f"/ws/v1/npc/?token={game.opened['token']}"
    async with connect(url) as socket:
        await socket.send(frame("ping"))
        assert json.loads(await socket.recv()) == {"type": "ok", "request_id": "r"}


# --- While models speak -------------------------------------------------------------------------------------
async def test_turns_that_speak_hold_no_connection(game, scripted_llm, line):
    before = await fewest_held()
    scripted_llm.will_stall(after='{"say": "Well', times=4)
    talks = [await line.turns(deadline_ms=60_000) for _ in range(4)]
    while not all(line.spoken(turn_id) == "Well" for turn_id in talks):
        await line.receive()

    assert await fewest_held() == before
    for turn_id in talks:
        await line.call("turn.cancel", turn_id=turn_id)


async def test_a_server_that_ends_sends_players_away_and_notes_their_turns(game, scripted_llm, off_loop, database):
    scripted_llm.will_say(reply("A long tale of a short winter."), delay_s=0.05)
    server = await asyncio.to_thread(InProcessServer().__enter__)
    async with line_at(server.http, game.opened["token"]) as line:
        await line.turns()
        await line.next("speech.delta")
        ends = asyncio.create_task(asyncio.to_thread(server.__exit__))
        assert await line.is_closed() == 1012
        await ends

    assert (await off_loop(game.log))[-1]["data"]["say"] == "A long tale of a short winter."
