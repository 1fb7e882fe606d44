"""A game server that plays through the Python client, against the real server and a scripted model."""

import asyncio
import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from npc.clients.python import troupe_npc
from npc.clients.python.troupe_npc import Action, Game, LineLost, Speech, StateStale, Troupe, TroupeError
from tests.npc.conftest import CAROL, inn
from tests.npc.turns.conftest import reply, sale

TALE = "A long tale of a short winter."


@pytest.fixture
async def troupe(acme: Any, server: Any) -> AsyncIterator[Troupe]:
    async with Troupe(server.http, acme.token) as opened:
        await opened.put_world("inn", inn())
        yield opened


@pytest.fixture
async def game(troupe: Troupe) -> AsyncIterator[Game]:
    async with await troupe.open_session("inn", CAROL["id"], name=CAROL["name"]) as opened:
        yield opened


async def kinds(troupe: Troupe, game: Game) -> list[str]:
    log = await troupe.call("GET", f"sessions/{game.id}/log/")
    return [entry["kind"] for entry in log["results"]]


def lose_line(game: Game) -> None:
    """As if somebody had pulled the plug."""
    assert game._line
    game._line.transport.abort()


async def test_speech_streams_and_a_sale_is_accepted(game, scripted_llm):
    scripted_llm.will_say(reply("还有一间，客官。", "happy", sale()), chunks=60, delay_s=0.01)
    turn, said = game.turn("还有房间吗？", character="bram"), []

    async for heard in turn:
        match heard:
            case Speech(text):
                said.append(text)
            case Action(name="sell", arguments={"price": price}):
                state = await heard.accept({"gold": game.state["gold"] - price})

    assert "".join(said) == turn.said == (await turn.answer())["say"] == "还有一间，客官。"
    assert len(said) > 3
    assert (state["gold"], game.state_version) == (7, 2)


async def test_a_rejected_action_brings_a_line_and_does_not_happen(troupe, scripted_llm):
    sell = {**inn()["actions"][0], "rejections": ["Forgive me: {reason}."]}
    await troupe.put_world("shop", inn(slug="shop", actions=[sell]))
    scripted_llm.will_say(reply("Three gold.", "happy", sale()))
    async with await troupe.open_session("shop", "carol") as game:

        async def decide() -> str | None:
            async for action in game.actions():
                return await action.reject("the ale is gone")
            return None

        deciding = asyncio.create_task(decide())
        await game.turn("An ale, please.", character="bram").answer()

        assert await deciding == "Forgive me: the ale is gone."
        assert game.state == inn()["initial_state"]
        assert (await kinds(troupe, game))[-1] == "action.outcome"


async def test_a_line_that_is_lost_in_mid_turn_is_made_again(troupe, game, scripted_llm):
    scripted_llm.will_say(reply(TALE, "happy", sale()), delay_s=0.04)
    turn, heard = game.turn("A tale!", character="bram"), []

    async for one in turn:
        heard.append(one)
        if len(heard) == 2:
            lose_line(game)

    assert "".join(one.text for one in heard if isinstance(one, Speech)) == TALE
    assert [one.name for one in heard if isinstance(one, Action)] == ["sell"]
    assert len(scripted_llm.chat_requests) == 1
    assert (await kinds(troupe, game)).count("turn.closed") == 1


async def test_what_may_have_been_carried_out_is_not_sent_again(troupe, game, monkeypatch):
    hear = Game._hear
    monkeypatch.setattr(Game, "_hear", lambda game, frame: lose_line(game))

    with pytest.raises(LineLost):
        await game.tell("gift", "Carol gives Bram a fish.")

    monkeypatch.setattr(Game, "_hear", hear)
    assert (await kinds(troupe, game)).count("event") == 1
    assert await game.tell("gift", "And another.")
    assert (await kinds(troupe, game)).count("event") == 2


async def test_a_stale_version_is_refused_and_made_anew(troupe, game):
    async with await troupe.open_session("inn", "carol", save=await game.save()) as beside:
        assert beside.id == game.id
        await beside.patch([{"op": "replace", "path": "/gold", "value": 4}])

    with pytest.raises(StateStale):
        await game.patch({"gold": 100})
    tried = []

    def pay(state: dict[str, Any]) -> dict[str, Any]:
        tried.append(state["gold"])
        return {"gold": state["gold"] - 1}

    assert (await game.change(pay))["gold"] == 3
    assert tried == [10, 4]


async def test_a_save_is_gone_back_to(game, scripted_llm):
    scripted_llm.will_stall(after='{"say": "Once')
    save = await game.save()
    await game.change(lambda state: {"gold": 0})
    turn = game.turn("A tale!", character="bram", deadline_ms=60_000)
    async for _ in turn:
        break

    assert (await game.load(save))["gold"] == 10
    with pytest.raises(TroupeError, match="conflict"):
        await turn.cancel()
    with pytest.raises(TroupeError, match="conflict"):
        await turn.answer()
    assert (await game.patch({"gold": 9}))["gold"] == 9


async def test_a_player_who_walks_away_leaves_what_was_said(game, scripted_llm):
    scripted_llm.will_stall(after='{"say": "One left, trav')
    turn = game.turn("A room?", character="bram", deadline_ms=60_000)

    async for _ in turn:
        if turn.said == "One left, ":  # a word that may yet become a secret is held back
            cancelled = await turn.cancel()

    assert cancelled == await turn.answer()
    assert (cancelled["say"], cancelled["actions"]) == ("One left, ", [])


async def test_what_is_wrong_is_said(troupe, game, acme, globex, server):
    with pytest.raises(TroupeError, match=r"present\.0") as wrong:
        await game.turn("Hello", present=["ghost"]).answer()
    with pytest.raises(TroupeError, match="speaker"):
        async for _ in game.turn("Hello", speaker="ghost"):
            pass
    with pytest.raises(TroupeError, match="characters"):
        await troupe.put_world("bad", inn(slug="bad", characters=7))
    async with Troupe(server.http, globex.token) as mallory:
        with pytest.raises(TroupeError, match="not_found"):
            await mallory.open_session("inn", "mallory", save=await game.save())

    assert (wrong.value.code, wrong.value.errors[0]["field"]) == ("invalid", "present.0")


async def test_a_session_that_is_gone_ends_all_that_waits(troupe, game, scripted_llm):
    scripted_llm.will_stall(after='{"say": "Once')
    turn = game.turn("A tale!", character="bram", deadline_ms=60_000)
    async for _ in turn:
        break
    listening = asyncio.create_task(anext(game.actions(), None))

    await troupe.call("DELETE", f"sessions/{game.id}/")
    for ask in (lambda: game.tell("gift"), turn.answer, lambda: game.tell("gift")):
        with pytest.raises(TroupeError, match="unauthenticated"):
            await ask()
    assert await listening is None


def test_it_is_one_module_without_django():
    """A game server copies the file; what it imports must be what it says."""
    path = Path(inspect.getfile(troupe_npc))
    told = (
        "import sys, troupe_npc; print(sorted({n.partition('.')[0] for n in sys.modules} & {'django', 'npc', 'chat'}))"
    )

    done = subprocess.run([sys.executable, "-c", told], cwd=path.parent, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
