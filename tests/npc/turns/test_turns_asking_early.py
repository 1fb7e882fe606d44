"""The model is asked while the turn is being stored; nobody hears of its answer before that is done."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from django.db import OperationalError

from llm.models import ModelCall
from npc.sessions import writing
from tests.fakes.storing import Storing
from tests.npc.turns.conftest import kinds, reply
from tests.npc.turns.test_turns_streaming import asked, events_of, spoken, stream


@pytest.fixture
async def http(server: Any, acme: Any) -> Any:
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=20) as client:
        yield client


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storing]:
    held = Storing(monkeypatch, writing, "write_together")
    yield held
    held.ends()


async def test_what_the_model_says_meanwhile_is_told_once_the_turn_is_stored(game, scripted_llm, http, storing):
    scripted_llm.will_say(reply("One left, traveller."))
    heard: list[Any] = []

    async def listen() -> None:
        async with stream(http, game.url, asked()) as response:
            heard.extend(await events_of(response))

    listening = asyncio.create_task(listen())
    await scripted_llm.is_asked(within_s=30)
    await asyncio.sleep(0.3)
    assert not listening.done()
    assert heard == []

    storing.ends()
    await listening

    assert spoken(heard) == "One left, traveller."
    timing = heard[-1]["timing"]
    assert timing["first_delta_ms"] >= timing["opened_ms"] >= 300


async def test_a_turn_that_cannot_be_stored_fails_and_the_model_is_left(acme, game, scripted_llm, http, storing):
    scripted_llm.will_stall(after='{"say": "One left')
    body = asked()
    turning = asyncio.create_task(http.post(f"{game.url}turns/", json=body))
    call = await scripted_llm.is_asked(within_s=30)

    storing.ends(OperationalError("the database went away"))

    assert (await turning).status_code >= 500
    assert await call.client_leaves(within_s=30)
    assert await asyncio.to_thread(kinds, game) == ["opened"]
    assert await asyncio.to_thread(calls_of, acme) == 0

    storing.ends()
    scripted_llm.will_say(reply("One left."))
    assert (await http.post(f"{game.url}turns/", json=body)).json()["say"] == "One left."


def calls_of(business: Any) -> int:
    with business.scope():
        return ModelCall.objects.count()
