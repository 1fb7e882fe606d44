"""Whatever belongs to an event loop ends with it: as many loops come and go as Django calls views from threads."""

import asyncio
import gc
import threading
import warnings
from uuid import uuid4

import pytest

from chat.hub import hub
from llm.door import stream_chat
from llm.types import ChatMessage, ChatRequest, RouteConfig
from tenants.perloop import is_wanted
from tests.chat.stage import PATIENCE_S
from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI


async def look_in() -> None:
    hub()


async def tell() -> None:
    await hub().tell(uuid4(), uuid4(), "fence", fence=1)


async def follow() -> None:
    async with hub().subscription(uuid4(), uuid4()) as subscription:
        await hub().log.read(subscription.room.key, 0)
        await asyncio.sleep(0)


async def ask_a_model() -> None:
    with FakeOpenAI() as model:
        model.will_say("One room.")
        route = RouteConfig("main", "openai", model.base_url, chat_model=CHAT_MODEL)
        assert [item async for item in stream_chat(route, ChatRequest([ChatMessage("user", "Any rooms?")]))]


@pytest.mark.parametrize("visit", [look_in, tell, follow, ask_a_model])
def test_a_short_loop_ends_and_leaves_no_connection(visit):
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(20):
            visiting = threading.Thread(target=lambda: asyncio.run(visit()), daemon=True)
            visiting.start()
            visiting.join(PATIENCE_S)
            assert not visiting.is_alive(), "a task of the hub goes on"
        gc.collect()
    assert [str(warning.message) for warning in left if "unclosed" in str(warning.message).lower()] == []


async def test_a_task_whose_cancellation_was_lost_is_not_wanted():
    seen: list[bool] = []

    async def careless() -> None:
        seen.append(is_wanted())
        try:
            await asyncio.sleep(PATIENCE_S)
        except asyncio.CancelledError:
            seen.append(is_wanted())

    task = asyncio.create_task(careless())
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert seen == [True, False]
