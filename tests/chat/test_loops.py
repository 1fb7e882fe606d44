"""Whatever belongs to an event loop ends with it: as many loops come and go as Django calls views from threads."""

import asyncio
import gc
import threading
import warnings
from uuid import uuid4

import pytest

from chat.hub import hub
from chat.perloop import is_wanted
from tests.chat.stage import PATIENCE_S


async def look_in() -> None:
    hub()


async def tell() -> None:
    await hub().tell(uuid4(), uuid4(), "fence", fence=1)


async def follow() -> None:
    async with hub().subscription(uuid4(), uuid4()) as subscription:
        await hub().log.read(subscription.room.key, 0)
        await asyncio.sleep(0)


@pytest.mark.parametrize("visit", [look_in, tell, follow])
def test_a_short_loop_ends_and_leaves_no_connection(visit):
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(20):
            visiting = threading.Thread(target=lambda: asyncio.run(visit()), daemon=True)
            visiting.start()
            visiting.join(PATIENCE_S)
            assert not visiting.is_alive(), "a task of the hub goes on"
        gc.collect()
    assert [str(warning.message) for warning in left if "redis" in str(warning.message).lower()] == []


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
