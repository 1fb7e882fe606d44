"""A time limit that moves with each sign of life."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from llm.patience import Patience

SOON_S, LATE_S = 0.05, 30.0


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def patience() -> AsyncIterator[Patience]:
    made = Patience(now() + LATE_S)
    yield made
    made.end()


async def hears_nothing(patience: Patience) -> bool:
    """Whether the wait is given up."""
    try:
        await patience.wait_for(asyncio.sleep(LATE_S))
    except TimeoutError:
        return True
    return False


async def test_who_hears_in_time_gets_what_was_said(patience):
    assert await patience.wait_for(asyncio.sleep(0, "One room.")) == "One room."


@pytest.mark.parametrize("moves", [[SOON_S], [2 * LATE_S, SOON_S], [2 * SOON_S, 3 * SOON_S], [-1.0]])
async def test_a_silence_ends_at_the_limit_as_it_was_moved_last(patience, moves):
    began = now()
    for move in moves:
        patience.move(began + move)

    assert await hears_nothing(patience)
    assert moves[-1] <= now() - began < LATE_S


async def test_a_limit_that_passed_while_nobody_waited_can_be_moved_on(patience):
    patience.move(now() + SOON_S)
    await asyncio.sleep(3 * SOON_S)  # a slow listener

    patience.move(now() + LATE_S)
    assert await patience.wait_for(asyncio.sleep(2 * SOON_S, "One room.")) == "One room."
    patience.move(now() + SOON_S)
    assert await hears_nothing(patience)


async def test_who_is_cancelled_himself_is_not_told_that_time_is_up(patience):
    patience.move(now() + SOON_S)

    async def listen() -> None:
        asyncio.get_running_loop().call_later(SOON_S / 2, task.cancel)
        await patience.wait_for(asyncio.sleep(LATE_S))

    task = asyncio.create_task(listen())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_who_is_cancelled_in_the_same_moment_stays_cancelled(patience):
    async def listen() -> None:
        await patience.wait_for(asyncio.sleep(LATE_S))

    task = asyncio.create_task(listen())
    await asyncio.sleep(0)
    patience.move(now() - 1)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def test_an_ended_one_rings_no_more(patience):
    patience.move(now() + SOON_S)
    patience.end()

    assert await patience.wait_for(asyncio.sleep(3 * SOON_S, "One room.")) == "One room."
