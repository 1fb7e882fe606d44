"""Carol plays over a socket: speech as it comes, several things at once, lines that break."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from npc import consumers
from npc.sessions import tokens
from tests.npc.conftest import Game
from tests.npc.line import Line, line_at
from tests.npc.turns.conftest import reply, sale


@pytest.fixture
async def open_line(server: Any) -> AsyncIterator[Callable[..., Any]]:
    """Open a line of a game; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(game: Game) -> Line:
            line: Line = await stack.enter_async_context(line_at(server.http, game.opened["token"]))
            return line

        yield open_one


async def test_bram_speaks_as_the_model_does_and_proposes_a_sale(game, scripted_llm, open_line):
    scripted_llm.will_say(reply("还有一间，客官。", "happy", sale()), chunks=60, delay_s=0.01)
    line = await open_line(game)

    turn_id = await line.turns("还有房间吗？")
    done = await line.done(turn_id)

    kinds = [frame["type"] for frame in line.frames]
    assert kinds[0] == "ok"
    assert kinds[-3:] == ["speech.final", "action.proposed", "turn.done"]
    assert set(kinds[1:-3]) == {"speech.delta"}
    assert len(kinds) > 6
    final, proposed = line.frames[-3:-1]
    assert line.spoken(turn_id) == final["say"] == done["say"] == "还有一间，客官。"
    assert (final["emotion"], done["character"]) == ("happy", "bram")
    assert done["actions"] == [{name: proposed[name] for name in done["actions"][0]}]
    assert proposed["name"] == "sell"


async def test_an_accepted_action_changes_the_state(game, scripted_llm, open_line):
    scripted_llm.will_say(reply("Three gold.", "happy", sale()))
    line = await open_line(game)
    action = (await line.done(await line.turns()))["actions"][0]

    settled = await line.call("action.result", action_id=action["id"], accepted=True, state_patch={"gold": 7})

    assert (settled["state_version"], settled["state"]["gold"]) == (2, 7)
    again = await line.call("action.result", action_id=action["id"], accepted=True)
    assert again["state_version"] == 2
    assert (await line.refused("action.result", action_id=action["id"], accepted=False))["code"] == "conflict"


async def test_a_patch_a_turn_and_an_event_are_carried_out_in_their_order(game, scripted_llm, open_line):
    scripted_llm.will_say(reply("Good night."))
    line = await open_line(game)

    patched = await line.asks("state.patch", patch={"night": True}, base_state_version=1)
    turn = await line.asks("turn", character="bram", speaker="carol", text="Late?", base_state_version=2)
    told = await line.asks("event", event={"type": "gift", "text": "Carol gives Bram a fish.", "game_time": 3})

    assert (await line.answer(patched))["state"]["night"] is True
    assert (await line.answer(turn))["type"] == "ok"
    assert (await line.answer(told))["id"]
    await line.done((await line.answer(turn))["turn_id"])
    assert "sell" not in scripted_llm.chat_requests[0].last_text.split("What you can do now")[1]


async def test_while_a_model_speaks_all_else_passes(game, scripted_llm, open_line):
    scripted_llm.will_say(reply("Three gold.", "happy", sale()))
    scripted_llm.will_stall(after='{"say": "It was a dark night and')
    line = await open_line(game)
    action = (await line.done(await line.turns()))["actions"][0]
    turn_id = await line.turns("Tell me a story.", deadline_ms=60_000)
    while line.spoken(turn_id) != "It was a dark night and":
        await line.receive()

    assert (await line.call("ping")).keys() == {"type", "request_id"}
    await line.call("action.result", action_id=action["id"], accepted=True, state_patch={"gold": 7})
    await line.call("state.patch", patch=[{"op": "replace", "path": "/stage", "value": 1}], base_state_version=2)
    scripted_llm.will_say(reply("I sweep."))
    assert (await line.done(await line.turns("And you?", character="mira")))["say"] == "I sweep."
    assert not line.of(turn_id, "turn.done")

    cancelled = await line.call("turn.cancel", turn_id=turn_id)
    done = await line.done(turn_id)
    assert cancelled["say"] == done["say"] == "It was a dark night and"
    assert await scripted_llm.chat_requests[1].client_leaves()


async def test_a_turn_cancelled_at_once_is_cancelled(game, scripted_llm, open_line):
    scripted_llm.will_stall()
    line, turn_id = await open_line(game), str(uuid4())

    asked = {"character": "bram", "speaker": "carol", "text": "Hello?", "deadline_ms": 60_000}
    await line.asks("turn", turn_id=turn_id, **asked)
    await line.call("turn.cancel", turn_id=turn_id)

    assert (await line.done(turn_id))["say"] == ""


async def test_who_comes_back_in_mid_turn_hears_it_from_its_beginning(game, scripted_llm, open_line):
    scripted_llm.will_say(reply("A long tale of a short winter.", "happy"), delay_s=0.04)
    first, turn_id = await open_line(game), str(uuid4())
    await first.turns(turn_id=turn_id)
    while not first.of(turn_id, "speech.delta"):
        await first.receive()
    await first.leaves()

    back = await open_line(game)
    await back.turns(turn_id=turn_id)
    done = await back.done(turn_id)

    assert back.spoken(turn_id) == done["say"] == "A long tale of a short winter."
    assert len(scripted_llm.chat_requests) == 1
    late = await open_line(game)
    await late.turns(turn_id=turn_id)
    assert await late.done(turn_id) == done
    assert late.spoken(turn_id) == done["say"]


async def test_a_turn_whose_line_was_lost_is_noted_all_the_same(game, scripted_llm, open_line, off_loop):
    scripted_llm.will_say(reply("A long tale.", "happy"), delay_s=0.04)
    line = await open_line(game)
    await line.turns()
    await line.leaves()

    async with asyncio.timeout(10):
        while (await off_loop(game.log))[-1]["kind"] != "turn.closed":
            await asyncio.sleep(0.05)

    assert (await off_loop(game.log))[-1]["data"]["say"] == "A long tale."


async def test_what_forbids_a_turn_is_the_answer_to_its_frame(game, scripted_llm, open_line):
    line = await open_line(game)
    asked = {"character": "bram", "speaker": "carol", "text": "Hello."}

    stale = await line.refused("turn", **asked, base_state_version=9)
    nobody = await line.refused("turn", **{**asked, "character": "ghost"})
    wrong = await line.refused("state.patch", patch={"gold": -1}, base_state_version=1)

    assert (stale["code"], stale["state_version"]) == ("state_stale", 1)
    assert (nobody["code"], nobody["errors"][0]["field"]) == ("invalid", "character")
    assert (wrong["code"], wrong["errors"][0]["field"]) == ("invalid", "state.gold")
    assert (await line.call("ping"))["type"] == "ok"
    assert scripted_llm.chat_requests == []


async def test_a_loaded_save_ends_the_turns_of_the_branch_that_was_left(game, scripted_llm, open_line, acme, off_loop):
    scripted_llm.will_stall(after='{"say": "Once')
    line, save = await open_line(game), await off_loop(game.save)
    turn_id = await line.turns(deadline_ms=60_000)
    body = {"world": "inn", "player": {"id": "carol", "name": "Carol"}, "save": save}
    assert (await off_loop(acme.api.post, "/api/v1/npc/sessions/", body)).status_code == 201

    await line.asks("turn.cancel", turn_id=turn_id)

    # The turn's own frame and the one that cancels it.
    assert [(await line.next("error"))["code"] for _ in range(2)] == ["conflict"] * 2
    assert (await line.call("ping"))["type"] == "ok"


# --- Coming in, being sent away -----------------------------------------------------------------------------
async def test_a_deleted_session_lets_nobody_in_and_sends_its_players_away(game, acme, open_line, off_loop):
    line = await open_line(game)
    await line.call("ping")

    assert (await off_loop(acme.api.delete, game.url)).status_code == 204
    await line.asks("event", event={"type": "gift"})

    assert await line.is_closed() == 4401
    assert await (await open_line(game)).is_closed() == 4401


async def test_a_socket_does_not_outlive_its_token(game, open_line, monkeypatch):
    def ends_soon(token: str) -> tokens.Admitted:
        return tokens.read_token(token)._replace(expires_at=timezone.now() + timedelta(seconds=0.2))

    monkeypatch.setattr(consumers, "read_token", ends_soon)

    assert await (await open_line(game)).is_closed() == 4401
