"""A game server behind a load balancer: whichever process it reaches, it is the same turn."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from llm.models import Route
from tests.chat.stage import OtherProcess
from tests.fakes.openai_server import FakeOpenAI
from tests.npc.conftest import inn, open_game, put
from tests.npc.line import line_at
from tests.npc.turns.conftest import reply, sale


@pytest.fixture(scope="module")
def other() -> Iterator[OtherProcess]:
    with OtherProcess() as process:
        yield process


@pytest.fixture
def model(acme, fake_openai: FakeOpenAI) -> FakeOpenAI:
    """The model behind Acme's route, which every process knows."""
    with acme.scope():
        route = Route(slug="main", name="Main", base_url=fake_openai.base_url, chat_model="fake", is_default=True)
        route.api_key = "sk-test"
        route.save()
    return fake_openai


@pytest.fixture
async def doors(acme, server, other) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two ways in: to this process, and to the other one."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=at.http, headers=acme.headers, timeout=30) for at in (server, other)]
        yield [await stack.enter_async_context(client) for client in clients]


@pytest.fixture
def game(acme):
    put(acme, inn())
    return open_game(acme)


def asked() -> dict[str, Any]:
    return {"turn_id": str(uuid4()), "character": "bram", "speaker": "carol", "text": "Rooms?", "deadline_ms": 60_000}


async def test_a_turn_that_is_sent_to_two_processes_is_answered_once(game, model, doors):
    model.will_say(reply("One left.", "happy", sale()), delay_s=0.03)
    body = asked()

    first, second = await asyncio.gather(*(door.post(f"{game.url}turns/", json=body) for door in doors))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert len(model.chat_requests) == 1


async def test_a_turn_is_cancelled_from_another_process(game, model, doors):
    model.will_stall(after='{"say": "One left. And th')
    here, there = doors
    body = asked()
    heard = asyncio.Event()

    async def listen() -> list[dict[str, Any]]:
        events = []
        headers = {"Accept": "text/event-stream"}
        async with there.stream("POST", f"{game.url}turns/", json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    events.append(json.loads(line[6:]))
                    if "".join(event.get("text", "") for event in events).endswith("And th"):
                        heard.set()
        return events

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(heard.wait(), 20)
    cancelled = await here.post(f"{game.url}turns/{body['turn_id']}/cancel/", json={})

    events = await asyncio.wait_for(listening, 20)
    assert cancelled.json() == {name: value for name, value in events[-1].items() if name != "type"}
    assert cancelled.json()["say"] == "One left. And th"


async def test_a_player_comes_back_to_another_process_in_mid_turn(game, model, server, other):
    model.will_say(reply("A long tale of a short winter.", "happy", sale()), delay_s=0.04)
    async with line_at(server.http, game.opened["token"]) as first:
        turn_id = await first.turns("A tale!", deadline_ms=60_000)
        await first.next("speech.delta")

    async with line_at(other.http, game.opened["token"]) as back:
        await back.turns("A tale!", deadline_ms=60_000, turn_id=turn_id)
        done = await back.done(turn_id)

    assert back.spoken(turn_id) == done["say"] == "A long tale of a short winter."
    assert [action["name"] for action in done["actions"]] == ["sell"]
    assert len(model.chat_requests) == 1
