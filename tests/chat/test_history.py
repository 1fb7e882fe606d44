"""What a client that was away is told from the database, when the log has nothing left."""

import asyncio
import threading
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.conf import settings
from django.db import OperationalError
from redis import Redis

from chat.events import ENDINGS, Delta, Item
from chat.history import stored_events
from chat.hub import hub
from chat.log import EventLog, delete_blocking, stream_key
from chat.models import SEQ_BLOCK
from chat.subscription import Ended, Subscription
from tests.chat.conftest import Visitor, comes_true, is_left_alone
from tests.chat.stage import Tab
from tests.chat.test_provider_trouble import teach


def empty_the_log(visitor: Visitor) -> None:
    delete_blocking([stream_key(visitor.business.id, UUID(visitor.conversation_id))])


async def is_free(visitor: Visitor) -> None:
    """Wait until no turn runs, by which its last event is in the log."""
    await comes_true(lambda: is_left_alone(visitor))


async def lose_the_log(visitor: Visitor) -> None:
    """Empty it when nothing is about to be written to it."""
    await is_free(visitor)
    empty_the_log(visitor)


async def everything_since(tab: Tab) -> list[dict[str, Any]]:
    """All that is replayed: what comes before the answer to a ping, and whatever may come late."""
    await tab.sends("ping")
    await tab.next("pong")
    assert await tab.stays_silent(0.2)
    return [frame for frame in tab.frames if frame["type"] not in ("ready", "pong")]


async def fails(tab: Tab, text: str) -> dict[str, Any]:
    await tab.says(text)
    return await tab.next("turn.failed")


async def try_again(tab: Tab, visitor: Visitor, turn_id: str, *endings: str) -> dict[str, Any]:
    """Ask for the last answer anew, once its turn has let the conversation go."""
    await is_free(visitor)
    await tab.sends("turn.regenerate", turn_id=turn_id)
    return await tab.next(*endings)


async def test_a_failure_that_was_tried_again_is_no_news(carol, scripted_llm, open_tab):
    scripted_llm.will_cut(after="Half an ans")
    tab = await open_tab(carol)
    failed = await fails(tab, "Any rooms?")
    scripted_llm.will_say("A whole answer.")
    completed = await try_again(tab, carol, failed["turn_id"], "turn.completed")
    await lose_the_log(carol)

    replayed = await everything_since(await open_tab(carol, after=0))

    endings = [(frame["type"], frame["turn_id"]) for frame in replayed if frame["type"] in ENDINGS]
    assert endings == [("turn.completed", completed["turn_id"])]
    assert replayed[-1]["text"] == "A whole answer."
    shown = {frame["message_id"] for frame in replayed if frame["type"] == "message.created"}
    assert completed["message_id"] in shown


async def test_of_two_failures_the_last_one_is_told(carol, scripted_llm, open_tab):
    scripted_llm.will_fail(401)
    scripted_llm.will_cut(after="Half")
    tab = await open_tab(carol)
    failed = await fails(tab, "Any rooms?")
    again = await try_again(tab, carol, failed["turn_id"], "turn.failed")
    await lose_the_log(carol)

    replayed = await everything_since(await open_tab(carol, after=0))

    assert again["turn_id"] != failed["turn_id"]
    assert [frame for frame in replayed if frame["type"].startswith("turn.")] == [again]


@pytest.mark.parametrize(
    ("status", "retryable"), [(401, False), (404, False), (429, True)], ids=["key", "address", "busy"]
)
async def test_a_failure_is_replayed_as_it_was_told(carol, scripted_llm, open_tab, status, retryable):
    scripted_llm.will_fail(status, headers={"Retry-After": "60"})
    told = await fails(await open_tab(carol), "Any rooms?")
    await lose_the_log(carol)

    replayed = await everything_since(await open_tab(carol, after=0))

    assert told["retryable"] is retryable
    assert replayed[-1] == told


async def test_what_was_seen_is_not_told_again(carol, scripted_llm, open_tab):
    scripted_llm.will_say("第一。")
    scripted_llm.will_say("Second.")
    tab = await open_tab(carol)
    await tab.says("一？")
    seen = (await tab.next("turn.completed"))["seq"]
    await tab.says("Two?")
    await tab.next("turn.completed")
    await lose_the_log(carol)

    replayed = await everything_since(await open_tab(carol, after=seen))

    assert [frame["text"] for frame in replayed if frame["type"] == "message.created"] == ["Two?", "Second."]
    assert all(frame["seq"] > seen for frame in replayed if "seq" in frame)


async def test_an_answer_of_which_nothing_was_heard_comes_in_one_piece(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room left. 还剩一间。", chunks=4)
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed")
    await lose_the_log(carol)

    late = await open_tab(carol, after=0)
    replayed = await everything_since(late)

    told = ["message.created", "turn.started", "turn.delta", "message.created", "turn.completed"]
    assert [frame["type"] for frame in replayed] == told
    assert late.text_of(completed["turn_id"]) == completed["text"] == "One room left. 还剩一间。"
    assert late.numbers() == sorted(set(late.numbers()))
    assert replayed[1] in tab.frames


@pytest.mark.parametrize("documents", [False, True])
async def test_who_heard_half_of_an_answer_is_told_the_other_half(carol, scripted_llm, open_tab, off_loop, documents):
    if documents:  # sources come before the words
        await off_loop(teach, carol, scripted_llm, embedding_model="")
    scripted_llm.will_say("One room left. 还有一间。", chunks=5, delay_s=0.05)
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    half = await tab.next("turn.delta")
    half = await tab.next("turn.delta")
    completed = await tab.next("turn.completed")
    await lose_the_log(carol)

    replayed = await everything_since(await open_tab(carol, after=half["seq"]))

    assert [frame["type"] for frame in replayed] == ["turn.delta", "message.created", "turn.completed"]
    assert replayed[0]["offset"] == half["offset"] + len(half["text"])
    assert completed["text"].endswith(replayed[0]["text"])
    assert replayed[0]["offset"] + len(replayed[0]["text"]) == len(completed["text"])
    assert replayed[-1] == completed


async def follow(conversation: tuple[UUID, UUID], subscription: Subscription) -> None:
    hub().follow(subscription)


async def wait(conversation: tuple[UUID, UUID], subscription: Subscription) -> None:
    """Until it is looked after, every few seconds."""


async def begin_a_turn(conversation: tuple[UUID, UUID], subscription: Subscription) -> None:
    async with hub().writer(*conversation, first_seq=2 * SEQ_BLOCK + 1) as writer:
        writer.emit("turn.completed", {})


@pytest.mark.parametrize("go_on", [follow, wait, begin_a_turn])
async def test_nobody_jumps_over_a_turn_that_the_log_lost(go_on, carol, scripted_llm, open_tab):
    """As on another process than the turns', after Redis was emptied between them."""
    tab = await open_tab(carol)
    endings = []
    for answer in ("One room left.", "Breakfast at seven."):
        scripted_llm.will_say(answer)
        await tab.says("And?")
        endings.append(await tab.next("turn.completed"))
    await is_free(carol)
    conversation = carol.business.id, UUID(carol.conversation_id)
    second = (await hub().log.read(stream_key(*conversation), endings[0]["seq"])).items
    empty_the_log(carol)
    await hub().log.append(stream_key(*conversation), second, SEQ_BLOCK, may_begin=True)

    heard: list[Item] = []
    async with hub().subscription(*conversation) as subscription:
        subscription.rewind(0)
        subscription.release()
        await go_on(conversation, subscription)
        while not heard or heard[-1].last < endings[1]["seq"]:
            heard += await subscription.batch()

    told = [item.frame() for item in heard]
    assert [orjson.loads(frame) for frame in told if b'"turn.completed"' in frame][:2] == endings
    assert [item.text for item in heard if isinstance(item, Delta)] == [ending["text"] for ending in endings]
    assert [item.last for item in heard] == sorted({item.last for item in heard})


async def test_who_cannot_be_told_what_came_before_a_turn_is_sent_away(carol, scripted_llm, open_tab, monkeypatch):
    """The database broke down just then. Who went on with the turn would not know of the gap."""
    scripted_llm.will_say("One room left.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await tab.next("turn.completed")
    await lose_the_log(carol)
    conversation = carol.business.id, UUID(carol.conversation_id)

    def break_down(*_: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("chat.hub.stored_events", break_down)
    async with hub().subscription(*conversation) as subscription:
        subscription.rewind(0)
        subscription.release()
        await begin_a_turn(conversation, subscription)

        with pytest.raises(Ended):
            await subscription.batch()


async def test_who_comes_back_while_a_turn_begins_hears_how_the_one_before_it_ended(
    carol, scripted_llm, open_tab, monkeypatch
):
    """It ended after he had been told from the database, and before the next one began."""
    scripted_llm.will_say("One room left.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed")
    await lose_the_log(carol)
    conversation = carol.business.id, UUID(carol.conversation_id)
    is_read, has_begun = threading.Event(), threading.Event()

    def read_too_early(*asked: Any) -> list[Item]:
        if is_read.is_set():
            return stored_events(*asked)
        is_read.set()
        assert has_begun.wait(10)
        return []

    monkeypatch.setattr("chat.hub.stored_events", read_too_early)
    async with hub().subscription(*conversation) as subscription:
        replaying = asyncio.create_task(hub().replay(subscription, 0))
        assert await asyncio.to_thread(is_read.wait, 10)
        async with hub().writer(*conversation, first_seq=SEQ_BLOCK + 1) as writer:
            writer.emit("turn.completed", {})
            has_begun.set()
            await replaying
        heard = await subscription.batch()

    endings = [item.last for item in heard if item.type == "turn.completed"]
    assert endings == [completed["seq"], SEQ_BLOCK + 1]


async def test_a_number_that_was_never_given_is_refused(carol, open_tab):
    tab = await open_tab(carol, hello=False)

    await tab.sends("hello", after=10**9)

    assert (await tab.next("error"))["code"] == "frame_invalid"


async def test_the_log_has_another_age_once_it_was_emptied():
    """By which all processes know that they may have missed something."""
    log = EventLog()
    try:
        age = await log.age()
        assert age == await log.age()
        Redis.from_url(settings.REDIS_EVENTS_URL).flushdb()
        assert age != await log.age()
    finally:
        await log.aclose()
