"""An answer gives its conversation free as it is stored. By others, what comes next may be told before its end is.

Everybody hears all of it once all the same, in order.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection

from chat import preparing, running
from chat.hub import Hub, hub
from chat.log import append_blocking, delete_blocking, read_blocking, stream_key
from chat.models import Turn
from chat.process import heart
from chat.subscription import Subscription
from chat.sweeping import held_by, interrupt
from chat.writer import Writer
from tenants import scope
from tests.chat.conftest import comes_true, is_left_alone, taken_in_by_a_dead_one
from tests.chat.stage import PATIENCE_S, OtherProcess, Tab

OVER = ("turn.completed", "turn.failed", "conversation.handoff")


@pytest.fixture(scope="module")
def other(database: None) -> Iterator[OtherProcess]:
    with OtherProcess() as running:
        yield running


@dataclass
class Untold:
    """The first answer of this process is stored, and told to its end once it may be."""

    is_stored: threading.Event = field(default_factory=threading.Event)
    may_be_told: threading.Event = field(default_factory=threading.Event)

    async def stored(self) -> None:
        assert await asyncio.to_thread(self.is_stored.wait, PATIENCE_S)

    async def in_tenant(self, tenant: Any, do: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        done = await scope.in_tenant(tenant, do, *args, **kwargs)
        if do.__name__ == "_store" and not self.is_stored.is_set():
            self.is_stored.set()
            assert await asyncio.to_thread(self.may_be_told.wait, PATIENCE_S)
        return done


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> Iterator[Untold]:
    untold = Untold()
    monkeypatch.setattr(running, "in_tenant", untold.in_tenant)
    yield untold
    untold.may_be_told.set()


@pytest.fixture
def nobody_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be found by looking every few seconds is found at once, or never."""

    async def look_away(*_: Any) -> None: ...

    monkeypatch.setattr(Hub, "_heal_rooms", look_away)


@pytest.fixture
async def third(server: Any) -> AsyncIterator[Hub]:
    """As on a third process: this event loop's."""
    yield hub()
    await hub().aclose()


class Onlooker:
    """Follows on the third process, from a number on."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.frames: list[dict[str, Any]] = []

    async def hears(self, ends: int) -> None:
        while len(self.ends) < ends:
            self.frames += [orjson.loads(item.frame()) for item in await self._subscription.batch()]

    @property
    def ends(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] in OVER]


async def hears(tab: Tab, ends: int) -> list[dict[str, Any]]:
    """Wait for so many ends, of turns and of hands; all of them."""
    heard = [await tab.next(*OVER) for _ in range(ends)]
    assert tab.numbers() == sorted(set(tab.numbers()))
    return heard


async def test_who_goes_on_elsewhere_waits_for_nobody_and_leaves_nothing_out(
    carol, scripted_llm, open_tab, other, untold, third, nobody_heals
):
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.05)
    scripted_llm.will_say("Breakfast at seven.", chunks=3, delay_s=0.05)
    here, there = await open_tab(carol), await open_tab(carol, at=other.http)
    async with third.subscription(carol.business.id, UUID(carol.conversation_id)) as subscription:
        await third.replay(subscription, 0)
        onlooker = Onlooker(subscription)
        await here.says("Any rooms?")
        await untold.stored()

        await there.says("And breakfast?")
        heard_there = await hears(there, 2)
        await onlooker.hears(2)
        untold.may_be_told.set()
        heard_here = await hears(here, 2)

    assert [end["text"] for end in heard_here] == ["One room left.", "Breakfast at seven."]
    assert heard_here == heard_there == onlooker.ends
    numbers = [frame["seq"] for frame in onlooker.frames]
    assert numbers == sorted(set(numbers))
    for told in (here.text_of, there.text_of):
        assert [told(end["turn_id"]) for end in heard_here] == ["One room left.", "Breakfast at seven."]
    assert await here.stays_silent(0.2)


async def test_on_the_same_process_one_speaks_after_the_other(carol, scripted_llm, open_tab, untold):
    scripted_llm.will_say("One room left.", chunks=3)
    scripted_llm.will_say("Breakfast at seven.", chunks=3)
    desk, phone = await open_tab(carol), await open_tab(carol)
    await desk.says("Any rooms?")
    await untold.stored()

    await phone.says("And breakfast?")
    await scripted_llm.is_asked(2)
    await asyncio.sleep(0.3)  # it would have spoken by now
    untold.may_be_told.set()

    for tab in (desk, phone):
        assert [end["text"] for end in await hears(tab, 2)] == ["One room left.", "Breakfast at seven."]


async def test_who_goes_on_elsewhere_can_be_stopped_from_here(carol, scripted_llm, open_tab, other, untold):
    scripted_llm.will_say("One room left.")
    scripted_llm.will_stall(after="Breakfast at ")
    here, there = await open_tab(carol), await open_tab(carol, at=other.http)
    await here.says("Any rooms?")
    await untold.stored()
    await there.says("And breakfast?")
    turn_id = (await there.next("turn.completed"))["turn_id"]
    while turn_id == (delta := await there.next("turn.delta"))["turn_id"]:
        pass

    await here.sends("turn.stop", turn_id=delta["turn_id"])

    assert (await there.next("turn.completed"))["finish_reason"] == "stopped"
    untold.may_be_told.set()
    assert [end["text"] for end in await hears(here, 2)] == ["One room left.", "Breakfast at "]


@pytest.fixture
def unlogged(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The log is silent: no turn that has told its end lets go of it until this is set."""
    close, may_close = Writer.aclose, threading.Event()

    async def wait_and_close(writer: Writer) -> None:
        assert await asyncio.to_thread(may_close.wait, PATIENCE_S)
        await close(writer)

    monkeypatch.setattr(Writer, "aclose", wait_and_close)
    yield may_close
    may_close.set()


async def test_a_turn_that_is_taken_up_is_ours_though_the_log_is_silent(
    carol, scripted_llm, open_tab, off_loop, unlogged
):
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.1)
    scripted_llm.will_say("Breakfast at seven.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    waiting = await tab.says("And breakfast?")
    await tab.next("turn.completed")

    held = await off_loop(held_by, heart.process_id)
    ours = {turn_id for _tenant_id, conversation_id, turn_id in held if str(conversation_id) == carol.conversation_id}
    assert len(ours) == 1
    assert ours <= heart.turns, "it would be taken for one that nobody runs"
    await tab.says("And breakfast?", client_id=waiting)
    unlogged.set()

    assert (await tab.next("turn.completed"))["text"] == "Breakfast at seven."
    assert [frame["type"] for frame in tab.frames].count("turn.started") == 2
    await comes_true(lambda: is_left_alone(carol) and not ours & heart.turns)


async def test_what_waits_in_an_erased_conversation_is_not_answered(carol, scripted_llm, open_tab, off_loop, unlogged):
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.1)
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await tab.says("And breakfast?")
    await tab.next("turn.completed")

    await off_loop(carol.business.api.delete, f"/api/v1/conversations/{carol.conversation_id}/")
    assert await tab.is_closed() == 4401
    unlogged.set()

    await comes_true(lambda: is_left_alone(carol))
    assert len(scripted_llm.chat_requests) == 1


async def test_a_connection_that_breaks_as_the_next_turn_is_loaded_loses_neither(
    carol, scripted_llm, open_tab, monkeypatch
):
    load, broken = preparing.load, []

    def break_down(turn: Turn, *said: Any) -> Any:
        if turn.question.text == "And breakfast?" and not broken:
            broken.append(turn.pk)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return load(turn, *said)

    monkeypatch.setattr(preparing, "load", break_down)
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.1)
    scripted_llm.will_say("Breakfast at seven.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    await tab.says("And breakfast?")

    assert [end["text"] for end in await hears(tab, 2)] == ["One room left.", "Breakfast at seven."]
    assert len(broken) == 1
    stored = [message["text"] for message in carol.messages()]
    assert sorted(stored) == ["And breakfast?", "Any rooms?", "Breakfast at seven.", "One room left."]


async def test_a_person_who_takes_over_is_told_of_after_the_answer(
    carol, scripted_llm, open_tab, off_loop, untold, nobody_heals
):
    scripted_llm.will_say("One room left.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await untold.stored()

    path = f"/api/v1/conversations/{carol.conversation_id}/takeover/"
    taken = await off_loop(carol.business.api.post, path, {"agent_name": "Bob"})
    untold.may_be_told.set()

    assert taken.status_code == 200
    answered, handed = await hears(tab, 2)
    assert (answered["text"], handed["state"]) == ("One room left.", "human")


@pytest.mark.parametrize("is_end_logged", [False, True])
async def test_of_a_process_that_dies_early_in_a_turn_all_before_it_is_told_too(
    carol, scripted_llm, open_tab, off_loop, third, is_end_logged
):
    """It told of the question, and maybe of the end of the answer before it, to nobody elsewhere."""
    conversation = carol.business.id, UUID(carol.conversation_id)
    key = stream_key(*conversation)
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.3)
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await tab.next("turn.completed")
    await comes_true(lambda: is_left_alone(carol))
    if not is_end_logged:
        await off_loop(cut_off_its_end, key)
    logged = await off_loop(read_blocking, key)

    async with third.subscription(*conversation) as subscription:
        subscription.rewind(logged[-1].last)
        subscription.release()
        third.follow(subscription)
        posted = await off_loop(taken_in_by_a_dead_one, carol, "And breakfast?")
        await off_loop(interrupt, *conversation, posted.turn.pk, [])
        onlooker = Onlooker(subscription)
        await onlooker.hears(1 if is_end_logged else 2)

    told = [(frame["type"], frame["text"]) for frame in onlooker.frames if frame["type"] in ("message.created", *OVER)]
    before = [("message.created", "One room left."), ("turn.completed", "One room left.")]
    after = [("message.created", "And breakfast?"), ("turn.failed", "")]
    assert told == (after if is_end_logged else before + after)


def cut_off_its_end(key: str) -> None:
    """As if the process that wrote the log had been killed before the last pieces of the answer."""
    items = read_blocking(key)
    beginning = items[: next(place for place, item in enumerate(items) if item.type == "turn.delta") + 1]
    assert len(beginning) < len(items)
    delete_blocking([key])
    append_blocking(key, beginning, 0)
