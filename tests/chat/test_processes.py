"""Several web processes serve the same conversation; any of them may die."""

import asyncio
import contextlib
import random
import re
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
import redis
from django.conf import settings
from django.db import OperationalError

from chat.events import Event
from chat.log import TTL_S, append_blocking, read_blocking, stream_key
from chat.sweeping import interrupt, logged_text
from llm.models import Route
from tenants.postgresql.base import DatabaseWrapper
from tests.chat.conftest import Visitor, taken_in_by_a_dead_one, welcome
from tests.chat.stage import PATIENCE_S, Launched, OtherProcess, Tab, clock
from tests.fakes.openai_server import RecordedRequest, Reply, say
from tests.faults.stage import Follower, Talk

STORY = "".join(f"Line {number} of a long story. " for number in range(30))


@pytest.fixture(scope="module")
def other(database: None) -> Iterator[OtherProcess]:
    """A second web process, for the tests that leave it alive."""
    with OtherProcess() as running:
        yield running


@pytest.fixture
def doomed(database: None) -> Iterator[OtherProcess]:
    """A second web process, for one test that ends it."""
    with OtherProcess() as running:
        yield running


async def are_stored(visitor: Any, count: int) -> list[dict[str, Any]]:
    """Wait until so many messages are stored, and return them."""
    async with asyncio.timeout(PATIENCE_S):
        while len(messages := visitor.messages()) < count:
            await asyncio.sleep(0.1)
    return messages


def what_is_logged(visitor: Any, turn_id: str) -> str:
    """The answer as far as the log has it."""
    key = stream_key(visitor.business.id, UUID(visitor.conversation_id))
    return logged_text(read_blocking(key), UUID(turn_id))


async def is_logged(visitor: Any, turn_id: str) -> None:
    """Wait until the log, which is written a little behind, has some of the answer."""
    async with asyncio.timeout(PATIENCE_S):
        while not what_is_logged(visitor, turn_id):
            await asyncio.sleep(0.02)


def texts_of(visitor: Any) -> list[str]:
    return [message["text"] for message in visitor.messages()]


def saw_all_once(tab: Tab, turn_id: str, text: str) -> bool:
    return tab.text_of(turn_id) == text and tab.numbers() == sorted(set(tab.numbers()))


async def test_a_tab_on_another_process_sees_the_answer_grow_and_whole(carol, scripted_llm, open_tab, other):
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.05)
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)

    await desk.says("Tell me a story.")
    first = await phone.next("turn.delta")

    assert len(first["text"]) < len(STORY) / 2, "it came in one piece, when it was over"
    for tab in (desk, phone):
        completed = await tab.next("turn.completed")
        assert completed["text"] == STORY
        assert saw_all_once(tab, completed["turn_id"], STORY)


async def test_a_socket_takes_no_memory_for_a_compressor(carol, open_tab, other):
    phone = await open_tab(carol, at=other.http)  # its client offers to compress
    assert phone.socket.protocol.extensions == []


async def test_stop_works_from_another_process(carol, scripted_llm, open_tab, other):
    scripted_llm.will_stall(after="Once upon a time ")
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)

    await desk.says("Tell me a story.")
    delta = await phone.next("turn.delta")
    await phone.sends("turn.stop", turn_id=delta["turn_id"])

    for tab in (desk, phone):
        completed = await tab.next("turn.completed")
        assert completed["finish_reason"] == "stopped"
        assert saw_all_once(tab, completed["turn_id"], completed["text"])
    assert await scripted_llm.chat_requests[0].client_leaves()


async def test_an_edit_on_another_process_stops_the_answer_and_begins_anew(carol, scripted_llm, open_tab, other):
    scripted_llm.will_stall(after="Once upon a time ")
    scripted_llm.will_say("Sheep say baa.")
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)
    await desk.says("Tell me of wolves.")
    question_id = (await phone.next("message.created"))["message_id"]
    await phone.next("turn.delta")

    await phone.sends("message.edit", message_id=question_id, text="Tell me of sheep.")

    for tab in (desk, phone):
        assert (await tab.next("turn.completed"))["finish_reason"] == "stopped"
        assert (await tab.next("message.created"))["replaces"] == question_id
        completed = await tab.next("turn.completed")
        assert saw_all_once(tab, completed["turn_id"], "Sheep say baa.")
    assert texts_of(carol) == ["Tell me of sheep.", "Sheep say baa."]


async def test_who_comes_back_on_another_process_gets_all_of_it_once(carol, scripted_llm, open_tab, other):
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.05)
    desk = await open_tab(carol)
    await desk.says("Tell me a story.")
    for _ in range(4):
        await desk.next("turn.delta")
    await desk.leaves()

    phone = await open_tab(carol, at=other.http, after=desk.last_seq)
    phone.frames = desk.frames + phone.frames
    completed = await phone.next("turn.completed")

    assert completed["text"] == STORY
    assert saw_all_once(phone, completed["turn_id"], STORY)


async def test_a_message_sent_elsewhere_waits_for_the_running_answer(carol, scripted_llm, open_tab, other):
    scripted_llm.will_say("First answer.", chunks=8, delay_s=0.1)
    scripted_llm.will_say("Second answer.")
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)

    await desk.says("One?")
    await phone.next("turn.delta")
    client_id = await phone.says("Two?")

    for tab in (desk, phone):
        answers = [(await tab.next("turn.completed"))["text"] for _ in range(2)]
        assert answers == ["First answer.", "Second answer."]
        assert tab.numbers() == sorted(set(tab.numbers()))
    accepted = [frame for frame in phone.frames if frame["type"] == "message.accepted"]
    assert [frame["client_id"] for frame in accepted] == [client_id]
    assert texts_of(carol) == ["One?", "First answer.", "Two?", "Second answer."]


async def test_conversation_goes_on_from_process_to_process(carol, scripted_llm, open_tab, other):
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)

    for number, tab in enumerate([desk, phone, desk, phone]):
        scripted_llm.will_say(f"Answer {number}.")
        await tab.says(f"Question {number}?")
        for watching in (desk, phone):
            assert (await watching.next("turn.completed"))["text"] == f"Answer {number}."

    assert desk.numbers()[-1] == phone.numbers()[-1]
    for tab in (desk, phone):
        assert tab.numbers() == sorted(set(tab.numbers()))


async def test_a_log_that_vanishes_in_mid_answer_harms_nobody(carol, scripted_llm, open_tab, other):
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.06)
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)
    await desk.says("Tell me a story.")
    for tab in (desk, phone):
        await tab.next("turn.delta")

    redis.Redis.from_url(settings.REDIS_EVENTS_URL).flushdb()
    late = await open_tab(carol, at=other.http, after=0)

    for tab in (desk, phone, late):
        assert (await tab.next("turn.completed"))["text"] == STORY
        assert tab.numbers() == sorted(set(tab.numbers()))
    assert desk.text_of(desk.frames[-1]["turn_id"]) == STORY
    assert texts_of(carol) == ["Tell me a story.", STORY]


async def test_a_redis_that_dies_in_mid_answer_is_got_over(carol, scripted_llm, open_tab, other):
    scripted_llm.will_say(STORY, chunks=30, delay_s=0.1)
    scripted_llm.will_say("The end.", chunks=3, delay_s=0.5)
    desk, phone = await open_tab(carol), await open_tab(carol, at=other.http)
    await desk.says("Tell me a story.")
    for tab in (desk, phone):
        await tab.next("turn.delta")

    await asyncio.to_thread(restart_redis)

    for tab in (desk, phone):
        assert (await tab.next("turn.completed"))["text"] == STORY
        assert tab.numbers() == sorted(set(tab.numbers()))
    assert desk.text_of(desk.frames[-1]["turn_id"]) == STORY
    await desk.says("And then?")
    for tab in (desk, phone):
        ended = await tab.next("turn.completed")
        assert saw_all_once(tab, ended["turn_id"], "The end.")


def restart_redis() -> None:
    """Kill it; its supervisor starts an empty one."""
    client = redis.Redis.from_url(settings.REDIS_EVENTS_URL)
    client.rpush("still", "here")
    with contextlib.suppress(redis.ConnectionError):
        client.shutdown(nosave=True, now=True, force=True)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.ConnectionError):
            if not client.exists("still"):
                return
        time.sleep(0.1)
    raise AssertionError("Redis did not come back")


async def test_a_killed_process_leaves_what_was_logged(carol, scripted_llm, open_tab, doomed):
    dave = await asyncio.to_thread(welcome, carol.business, "dave")
    scripted_llm.will_stall(after="Once upon a time there was an inn. ")
    scripted_llm.will_stall(after="从前有一家客栈，")
    desk, phone = await open_tab(carol, at=doomed.http), await open_tab(carol)
    await desk.says("Tell me a story.")
    delta = await phone.next("turn.delta")
    waiting = await phone.says("And then?")
    his_desk = await open_tab(dave, at=doomed.http)
    await his_desk.says("讲个故事。")
    his = await his_desk.next("turn.delta")
    assert len(await are_stored(carol, 2)) == 2
    await is_logged(carol, delta["turn_id"])
    await is_logged(dave, his["turn_id"])

    doomed.kill()
    logged = what_is_logged(carol, delta["turn_id"])
    his_phone = await open_tab(dave, after=his_desk.last_seq)
    with clock():
        failed, unanswered = await phone.next("turn.failed"), await phone.next("turn.failed")
        his_failed = await his_phone.next("turn.failed")

    # Carol's tab on the living process keeps what was logged; the message that waited is not lost.
    assert failed["turn_id"] == delta["turn_id"]
    assert (failed["code"], failed["retryable"]) == ("turn_interrupted", True)
    assert failed["text"] == logged == phone.text_of(failed["turn_id"]) != ""
    assert (unanswered["text"], unanswered["retryable"]) == ("", True)
    assert waiting in [frame.get("client_id") for frame in phone.frames]
    late = await open_tab(carol, after=desk.last_seq)
    assert await late.next("turn.failed") == failed
    kept = [message for message in carol.messages() if message["role"] == "bot"]
    assert [(message["text"], message["finish_reason"]) for message in kept] == [(logged, "interrupted")]
    # Either of them may ask anew.
    scripted_llm.will_say("Then it ended well.")
    await phone.sends("turn.regenerate", turn_id=unanswered["turn_id"])
    assert (await phone.next("turn.completed"))["text"] == "Then it ended well."
    assert texts_of(carol) == [
        "Tell me a story.", logged, "And then?", "Then it ended well.",
    ]  # fmt: skip
    assert his_failed["text"] == "从前有一家客栈，"
    scripted_llm.will_say("从前有一家客栈，客人很多。")
    await his_phone.sends("turn.regenerate", turn_id=his_failed["turn_id"])
    await his_phone.next("turn.completed")
    assert texts_of(dave) == ["讲个故事。", "从前有一家客栈，客人很多。"]


async def test_an_interruption_is_told_though_its_commit_is_not_answered(
    carol, open_tab, off_loop, monkeypatch, scripted_llm
):
    """A process took a question in and died before it told anybody; so did the database of him who ended the turn."""
    commit, unanswered = DatabaseWrapper._commit, ["one"]

    def committed_but_not_heard(wrapper: DatabaseWrapper) -> None:
        commit(wrapper)
        if unanswered:
            unanswered.pop()
            raise OperationalError("the server closed the connection unexpectedly")

    def ended() -> None:
        monkeypatch.setattr(DatabaseWrapper, "_commit", committed_but_not_heard)
        with pytest.raises(OperationalError):
            interrupt(carol.business.id, UUID(carol.conversation_id), posted.turn.pk, [])

    phone = await open_tab(carol)
    posted = await off_loop(taken_in_by_a_dead_one, carol, "Tell me a story.")

    await off_loop(ended)

    failed = await phone.next("turn.failed")
    assert (failed["turn_id"], failed["code"]) == (str(posted.turn.pk), "turn_interrupted")
    assert [message["text"] for message in carol.messages()] == ["Tell me a story."]


async def test_a_process_asked_to_end_ends_its_answers_first(carol, scripted_llm, open_tab, doomed):
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.1)
    desk, phone = await open_tab(carol, at=doomed.http), await open_tab(carol)
    await desk.says("Tell me a story.")
    await phone.next("turn.delta")

    doomed.ask_to_end()

    assert await desk.is_closed() == 1012
    completed = await phone.next("turn.completed")
    assert completed["text"] == STORY
    assert saw_all_once(phone, completed["turn_id"], STORY)
    assert carol.messages()[-1]["text"] == STORY
    assert await asyncio.to_thread(doomed.ends) in (0, -signal.SIGTERM)


def test_a_log_that_only_the_sweeper_wrote_is_forgotten_in_time(acme):
    key = stream_key(acme.id, acme.id)

    append_blocking(key, [Event(7, "turn.failed", {"text": ""})], 6)

    assert [item.last for item in read_blocking(key)] == [7]
    assert 0 < redis.Redis.from_url(settings.REDIS_EVENTS_URL).ttl(key) <= TTL_S


async def test_a_process_asked_to_end_sends_followers_away_and_keeps_who_waits(carol, scripted_llm, doomed):
    """An event stream never ends by itself; without being sent away it would hold up the end of everything."""
    scripted_llm.will_say(STORY, chunks=20, delay_s=0.1)
    path = f"{doomed.http}/api/v1/conversations/{carol.conversation_id}"
    body = {"client_id": str(uuid4()), "text": "Tell me a story."}
    async with httpx.AsyncClient(headers=carol.business.headers, timeout=PATIENCE_S) as http:
        async with http.stream("GET", f"{path}/events/") as followed:
            lines = followed.aiter_lines()
            await anext(lines)
            answer = asyncio.create_task(http.post(f"{path}/turns/", json=body))
            while not (await anext(lines)).startswith("event: turn.delta"):
                pass

            doomed.ask_to_end()

            assert "event: turn.completed" not in [line async for line in lines]
        assert (await answer).json()["text"] == STORY
    assert await asyncio.to_thread(doomed.ends) in (0, -signal.SIGTERM)


# --- A deploy -----------------------------------------------------------------------------------------------
def tell_at_length(request: RecordedRequest) -> Reply:
    (question,) = re.findall(r"Question \d of \w+\?", request.last_text)
    return say(tale_of(question), chunks=20, delay_s=0.1)


def tale_of(question: str) -> str:
    return f"You asked: {question} 客栈里有一只猫。" + "".join(f" It slept on chair {number}." for number in range(12))


def be_patient(visitor: Visitor) -> None:
    with visitor.business.scope():  # a busy machine is slow, and no fault
        Route.objects.update(timeout_s=60, stall_timeout_s=30)


@pytest.mark.timeout(300)  # two processes start for it
async def test_a_deploy_loses_no_answer_and_tells_none_twice(carol, scripted_llm, doomed, other, off_loop):
    """Some are being answered when their process is told to end, and some are just asking."""
    await off_loop(be_patient, carol)
    scripted_llm.will_answer_with(tell_at_length, times=None)
    visitors = [carol, *[await off_loop(welcome, carol.business, name) for name in ("dave", "erin", "frank", "小芳")]]
    ports, choice = [doomed.port], random.Random(5)
    talks = [
        Talk(visitor.conversation_id, Follower(visitor.token, ports, choice), Follower(visitor.token, ports, choice))
        for visitor in visitors
    ]
    tabs = [asyncio.create_task(tab.follow()) for talk in talks for tab in (talk.asker, talk.watcher)]
    names = dict(zip((talk.conversation_id for talk in talks), "ABCDE", strict=True))

    async def ask(talk: Talk, number: int) -> None:
        await talk.say(f"Question {number} of {names[talk.conversation_id]}?")

    async with asyncio.timeout(120):
        asked = [asyncio.create_task(ask(talk, 1)) for talk in talks[:3]]
        for talk in talks[:3]:
            while not any(turn.text for turn in talk.watcher.turns.values()):
                await asyncio.sleep(0.02)

        asked += [asyncio.create_task(ask(talk, 1)) for talk in talks[3:]]
        await asyncio.sleep(0)
        doomed.ask_to_end()
        ports.append(other.port)
        await asyncio.gather(*asked)
        assert await asyncio.to_thread(doomed.ends) in (0, -signal.SIGTERM)
        await asyncio.gather(*(ask(talk, 2) for talk in talks))
        await asyncio.gather(*(talk.is_followed_to_its_end() for talk in talks))
    for tab in tabs:
        tab.cancel()

    for talk, visitor in zip(talks, visitors, strict=True):
        questions = [f"Question {number} of {names[talk.conversation_id]}?" for number in (1, 2)]
        assert texts_of(visitor) == [text for asked in questions for text in (asked, tale_of(asked))]
        for tab in (talk.asker, talk.watcher):
            assert tab.faults == []
            assert [turn.ending for turn in tab.turns.values()] == ["turn.completed"] * 2
            assert [turn.text for turn in tab.turns.values()] == [tale_of(asked) for asked in questions]


@pytest.fixture
def launched(database: None) -> Iterator[Launched]:
    with Launched() as running:
        yield running


def tell_or_begin(request: RecordedRequest) -> Reply:
    if "for ever" in request.last_text:
        return say(BEGINNING, ending="stall")
    asked = re.findall(r"Question \d+ of \w+\?", request.last_text)
    return say(tale_of(asked[-1]), chunks=20, delay_s=0.1)


BEGINNING = "Once upon a time "


@pytest.mark.timeout(300)
async def test_a_restart_of_the_launcher_keeps_nobody_waiting(carol, scripted_llm, launched, open_tab, off_loop):
    """Dave and 小芳 talk on and on. Carol hears a tale without end, which holds up the end of her process."""
    await off_loop(be_patient, carol)
    scripted_llm.will_answer_with(tell_or_begin, times=None)
    visitors = [carol, *[await off_loop(welcome, carol.business, name) for name in ("dave", "小芳", "erin")]]
    ports, choice = [launched.port], random.Random(5)
    talks = [
        Talk(visitor.conversation_id, Follower(visitor.token, ports, choice), Follower(visitor.token, ports, choice))
        for visitor in visitors
    ]
    tabs = [asyncio.create_task(tab.follow()) for talk in talks for tab in (talk.asker, talk.watcher)]
    is_over = asyncio.Event()

    async def talk_on(talk: Talk) -> None:
        while not is_over.is_set():
            await talk.say(f"Question {len(talk.said)} of {talk.conversation_id[-6:]}?")

    (carols, *others, erins), (old,) = talks, launched.webs()
    async with asyncio.timeout(200):
        desk = await open_tab(carol, at=launched.http)
        hers = asyncio.create_task(carols.say("Tell me a tale for ever."))
        await desk.next("turn.delta")
        talking = [asyncio.create_task(talk_on(talk)) for talk in others]

        launched.ask_to_restart()

        assert await desk.is_closed() == 1012
        assert len(launched.webs()) == 2, "who is sent away comes back to a process that is there"
        await erins.say("Question 0 of Erin?")
        (turn_id,) = carols.asker.turns
        await carols.asker.wait_for(hers.done, lambda: carols.asker.send(type="turn.stop", turn_id=turn_id), 1)
        while launched.webs() == [old] or len(launched.webs()) > 1:
            await asyncio.sleep(0.1)
        is_over.set()
        await asyncio.gather(*talking)
        await asyncio.gather(*(talk.is_followed_to_its_end() for talk in talks))
    for tab in tabs:
        tab.cancel()

    assert not old.is_running()
    assert [turn.text for turn in carols.watcher.turns.values()] == [BEGINNING]
    for talk, visitor in list(zip(talks, visitors, strict=True))[1:]:
        assert texts_of(visitor) == [text for asked in talk.said.values() for text in (asked, tale_of(asked))]
        for tab in (talk.asker, talk.watcher):
            assert tab.faults == []
            assert {turn.ending for turn in tab.turns.values()} == {"turn.completed"}
            assert [turn.text for turn in tab.turns.values()] == [tale_of(asked) for asked in talk.said.values()]
