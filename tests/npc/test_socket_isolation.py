"""Mallory has a session of her own in Globex's inn, and knows the ids of Acme's. Over her socket they mean nothing."""

from typing import Any
from uuid import uuid4

import pytest

from tests.npc.conftest import Game, inn, open_game, put
from tests.npc.line import line_at
from tests.npc.test_asyncapi import SENT_BY_GAMES
from tests.npc.turns.conftest import answered, reply, sale


@pytest.fixture
def played(game: Game, scripted_llm: Any) -> dict[str, Any]:
    """Bram has proposed a sale to Carol; the answer."""
    scripted_llm.will_say(reply("The vault is under the bar.", "happy", sale()))
    return answered(game)


@pytest.fixture(params=["another tenant", "another player"])
def hers(request: Any, acme: Any, globex: Any, game: Game) -> list[Game]:
    """Two sessions of somebody else: one to try Acme's ids in, one for made-up ones."""
    business = acme if request.param == "another player" else globex
    if business is globex:
        put(globex, inn())
    return [open_game(business, player={"id": "mallory"}, seed=7) for _ in range(2)]


def frames_about(turn_id: str, action_id: str) -> dict[str, dict[str, Any]]:
    """Every frame that a game may send, with somebody's ids where it takes any."""
    return {
        "turn": {"turn_id": turn_id, "character": "bram", "speaker": "mallory", "text": "Where is the vault?"},
        "turn.cancel": {"turn_id": turn_id},
        "state.patch": {"patch": {"gold": 0}, "base_state_version": 1},
        "event": {"event": {"type": "gift"}},
        "action.result": {"action_id": action_id, "accepted": True, "state_patch": {"gold": 0}},
        "ping": {},
    }


def test_every_frame_of_the_socket_is_tried_here():
    assert frames_about("", "").keys() == SENT_BY_GAMES


async def test_ids_of_acmes_play_are_as_made_up_ones(game, played, hers, acme, server, scripted_llm, off_loop):
    before = await off_loop(game.log)
    heard = []
    for session, ids in zip(
        hers, ((played["turn_id"], played["actions"][0]["id"]), (str(uuid4()), str(uuid4()))), strict=True
    ):
        scripted_llm.will_say(reply("Which vault?"))
        async with line_at(server.http, session.opened["token"]) as line:
            answers = {}
            for type, fields in reversed(frames_about(*ids).items()):
                # What names Carol's session has no effect: the token says whose it is.
                answer = await line.answer(await line.asks(type, **fields, session_id=game.id, tenant=str(acme.id)))
                answers[type] = answer.get("code"), answer.get("state_version")
            assert (await line.done(ids[0]))["say"] == "Which vault?"
            assert "under the bar" not in str(line.frames)
            heard.append(answers)

    assert heard[0] == heard[1]
    assert heard[0]["action.result"][0] == heard[0]["turn.cancel"][0] == "not_found"
    assert await off_loop(game.log) == before
    assert "under the bar" not in str([one.messages for one in scripted_llm.chat_requests[1:]])
