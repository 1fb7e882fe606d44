"""PostgreSQL, Valkey or the model is away for a while: waiting is bounded, errors are clear, and it mends itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from chat.models import Turn
from llm.models import ModelCall, Route
from tests.chat.conftest import Visitor, welcome
from tests.chat.stage import Tab, tab_at
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI, fail, say
from tests.faults.conftest import IS_LONG, SEED, forget_connections
from tests.faults.proxy import FaultProxy
from tests.faults.stage import Site, stopped

AWAY_S = 30.0 if IS_LONG else 3.0
# Once what was away is back. A machine that runs other tests as well is no fault.
RECOVERY_S = 5.0 if IS_LONG else 30.0
STORY = "从前有一家客栈。" + " Once upon a time there was an inn." * 4

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def carol(inn: Business) -> Visitor:
    return welcome(inn, "carol")


@pytest.fixture
async def open_tab(site: Site) -> AsyncIterator[Callable[..., Any]]:
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(visitor: Visitor, *, web: int = 0, after: int | None = None) -> Tab:
            tab: Tab = await stack.enter_async_context(tab_at(site.webs[web].http, visitor.token, after=after))
            return tab

        yield open_one


async def is_answered(tab: Tab, model: FakeOpenAI, text: str, *, within_s: float = RECOVERY_S) -> float:
    """Say something, again if need be, until it is answered. After how many seconds it was taken in."""
    model.will_say(text)
    began = time.monotonic()
    client_id = await tab.says("And now?")
    while True:
        async with asyncio.timeout(within_s + RECOVERY_S):
            frame = await tab.next("turn.completed", "turn.failed", "error", "message.accepted")
        if frame["type"] == "message.accepted":
            taken_s = time.monotonic() - began
        elif frame["type"] == "turn.completed":
            assert frame["text"] == text
            assert taken_s < within_s
            return taken_s
        else:
            assert frame["type"] == "error", frame
            assert time.monotonic() - began < within_s
            await asyncio.sleep(0.2)
            await tab.says("And now?", client_id)


def saw_all_once(tab: Tab, turn_id: str) -> bool:
    return tab.text_of(turn_id) == STORY and tab.numbers() == sorted(set(tab.numbers()))


async def test_valkey_away_in_mid_answer_is_not_noticed_by_who_follows_here(carol, model, open_tab, site):
    model.will_say(STORY, chunks=30, delay_s=0.05)
    desk, phone = await open_tab(carol), await open_tab(carol, web=1)
    await desk.says("Tell me a story.")
    for tab in (desk, phone):
        await tab.next("turn.delta")

    site.redis.refuse()
    completed = await desk.next("turn.completed", "turn.failed")
    assert completed["type"] == "turn.completed"
    assert saw_all_once(desk, completed["turn_id"])
    await is_answered(desk, model, "Still here.")
    await asyncio.sleep(AWAY_S - 1)
    site.redis.resume()

    # The other process finds out from the database, or from Valkey once it is back.
    for text in (STORY, "Still here."):
        assert (await phone.next("turn.completed"))["text"] == text
    assert phone.numbers() == sorted(set(phone.numbers()))
    await is_answered(phone, model, "All well.")
    assert (await desk.next("turn.completed"))["text"] == "All well."


async def test_what_a_moments_absence_of_valkey_hid_is_found(carol, model, open_tab, site):
    """Nobody elsewhere is told of it, and the log knows nothing of it."""
    desk, phone = await open_tab(carol), await open_tab(carol, web=1)
    await is_answered(desk, model, "Before.")
    await phone.next("turn.completed")

    site.redis.refuse()
    await is_answered(desk, model, "Meanwhile.")
    site.redis.resume()

    assert (await phone.next("turn.completed"))["text"] == "Meanwhile."


async def test_valkeys_connections_that_go_nowhere_are_given_up(carol, model, open_tab, site):
    desk, phone = await open_tab(carol), await open_tab(carol, web=1)
    await is_answered(desk, model, "Before.")
    await phone.next("turn.completed")

    site.redis.half_open()

    await is_answered(desk, model, "After.")
    assert (await phone.next("turn.completed"))["text"] == "After."


async def test_a_flushed_valkey_loses_nothing_that_is_stored(carol, model, open_tab, site):
    desk = await open_tab(carol)
    await is_answered(desk, model, "Before.")

    redis.Redis.from_url(f"{settings.REDIS_URL}/0").flushall()

    late = await open_tab(carol, web=1, after=0)
    assert (await late.next("turn.completed"))["text"] == "Before."
    await is_answered(late, model, "After.")
    assert (await desk.next("turn.completed"))["text"] == "After."


async def test_a_database_that_pauses_in_mid_answer_holds_up_only_the_end(carol, model, open_tab, site, off_loop):
    postmaster = await off_loop(site.postmaster)
    model.will_say(STORY, chunks=20, delay_s=0.1)
    desk = await open_tab(carol)
    await desk.says("Tell me a story.")
    delta = await desk.next("turn.delta")

    with stopped(postmaster):
        while desk.text_of(delta["turn_id"]) != STORY:  # words come all the same
            await desk.next("turn.delta")
        await asyncio.sleep(AWAY_S)

    async with asyncio.timeout(RECOVERY_S):
        completed = await desk.next("turn.completed", "turn.failed")
    assert (completed["type"], completed["text"]) == ("turn.completed", STORY)
    await is_answered(desk, model, "All well.")
    await off_loop(forget_connections)
    assert [said["text"] for said in carol.messages()] == ["Tell me a story.", STORY, "And now?", "All well."]


async def test_a_process_that_cannot_reach_the_database_is_taken_for_dead(carol, model, open_tab, site, off_loop):
    """The others cannot tell it from one that died. What it says then is not stored beside what they stored."""
    model.will_say(STORY, chunks=20, delay_s=0.05)
    desk = await open_tab(carol)
    await desk.says("Tell me a story.")
    await desk.next("turn.delta")

    site.database.pause()
    while (turn := await off_loop(_turn_of, carol)).status == "running":
        await asyncio.sleep(0.2)
    site.database.resume()

    async with asyncio.timeout(2 * RECOVERY_S):
        failed = await desk.next("turn.failed", "turn.completed")
    assert (failed["type"], failed["code"]) == ("turn.failed", "turn_interrupted")
    assert turn.status == "interrupted"
    assert STORY.startswith(failed["text"])
    await is_answered(desk, model, "All well.")
    kept = [failed["text"]] if failed["text"] else []
    assert [said["text"] for said in carol.messages()] == ["Tell me a story.", *kept, "And now?", "All well."]


def _turn_of(visitor: Visitor) -> Turn:
    with visitor.business.scope():
        return Turn.objects.earliest("id")


@pytest.mark.parametrize("fault", ["reset", "one_byte", "slow"])
async def test_bad_weather_before_the_database(carol, model, open_tab, site, fault):
    desk = await open_tab(carol)
    await is_answered(desk, model, "Before.")

    match fault:
        case "reset":
            site.database.reset()
        case "one_byte":
            site.database.one_byte_at_a_time = True
        case "slow":
            site.database.latency_s = 0.02

    await is_answered(desk, model, "After.")


@pytest.fixture
def unsteady(inn: Business, model: FakeOpenAI) -> Any:
    """A proxy before the model, which is not waited for for long."""
    url = urlsplit(model.base_url)
    with FaultProxy(url.hostname or "", url.port or 0, seed=SEED) as proxy:
        with inn.scope():
            base_url = f"http://127.0.0.1:{proxy.port}/v1"
            Route.objects.update(base_url=base_url, timeout_s=5, stall_timeout_s=1.5)
        yield proxy


@pytest.mark.parametrize("fault", ["pause", "half_open", "reset", "refuse", "cut", "one_byte"])
async def test_a_model_behind_bad_weather(carol, model, unsteady, open_tab, off_loop, fault):
    desk = await open_tab(carol)
    model.will_say(STORY, chunks=30, delay_s=0.03)
    if fault == "cut":
        unsteady.cut_after(2_000)
    if fault == "one_byte":
        unsteady.one_byte_at_a_time = True
    await desk.says("Tell me a story.")
    first = await desk.next("turn.delta")
    if fault in ("pause", "half_open", "reset", "refuse"):
        getattr(unsteady, fault)()

    async with asyncio.timeout(RECOVERY_S):
        ended = await desk.next("turn.completed", "turn.failed")
    unsteady.resume()

    assert ended["text"] == desk.text_of(first["turn_id"])
    if fault == "one_byte":
        assert (ended["type"], ended["text"]) == ("turn.completed", STORY)
    else:
        code = "provider_timeout" if fault in ("pause", "half_open") else "provider_unavailable"
        assert (ended["type"], ended["code"], ended["retryable"]) == ("turn.failed", code, True)
        assert STORY.startswith(ended["text"])
    await is_answered(desk, model, "All well.")
    assert await off_loop(_calls_per_turn, carol) == [1, 1]


def _calls_per_turn(visitor: Visitor) -> list[int]:
    with visitor.business.scope():
        return [ModelCall.objects.filter(turn_id=turn.pk).count() for turn in Turn.objects.all()]


async def test_a_model_that_is_down_for_all_is_left_alone_and_found_again(carol, model, open_tab):
    desk = await open_tab(carol)
    is_back, codes = False, []
    model.will_answer_with(lambda _: say("All well.") if is_back else fail(503), times=None)
    for _ in range(4):
        await desk.says("Any rooms?")
        codes.append((await desk.next("turn.failed"))["code"])
    assert codes == ["provider_unavailable"] * 4
    asked = len(model.chat_requests)
    assert asked < 12, "it was asked three times for each of them"

    is_back = True
    began = time.monotonic()
    while True:
        await desk.says("And now?")
        frame = await desk.next("turn.completed", "turn.failed")
        if frame["type"] == "turn.completed":
            break
        await asyncio.sleep(0.3)
    assert time.monotonic() - began < RECOVERY_S
