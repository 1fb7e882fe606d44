"""Coming back after a long time, from another device, or because the server ends."""

import asyncio
import contextlib
from typing import Any

import httpx2 as httpx
import pytest
from django.db import OperationalError

from chat import history
from chat.engine import engine
from tests.chat.stage import Tab, tab_at
from tests.chat.test_history import empty_the_log


async def talk(tab: Tab, scripted_llm: Any, *answers: str) -> dict[str, Any]:
    """So many questions and answers; how the last one was completed."""
    for answer in answers:
        scripted_llm.will_say(answer)
        await tab.says("And then?")
        completed = await tab.next("turn.completed")
    return completed


# --- After a long time --------------------------------------------------------------------------------------
async def test_who_was_away_for_too_long_is_told_to_fetch_and_then_goes_on(
    carol, scripted_llm, open_tab, server, off_loop, monkeypatch
):
    monkeypatch.setattr(history, "MAX_REPLAYED", 3)
    desk = await open_tab(carol)
    await talk(desk, scripted_llm, "One.", "二。")
    await off_loop(empty_the_log, carol)

    late = await open_tab(carol, hello=False)
    seq = late.frames[0]["seq"]
    await late.sends("hello", after=0)
    gone = await late.next("error")
    assert gone["code"] == "gone"
    assert gone["detail"]
    assert await late.stays_silent(0.1)
    await late.sends("hello", after=seq)  # what `ready` said, behind which it has fetched all there is
    await talk(desk, scripted_llm, "Three.")

    assert (await late.next("turn.completed"))["text"] == "Three."
    assert min(late.numbers()) > seq
    async with httpx.AsyncClient(headers=carol.business.headers) as http:
        events = f"{server.http}/api/v1/conversations/{carol.conversation_id}/events/"
        answer = await http.get(events, params={"after": 0})
    assert (answer.status_code, answer.json()["code"]) == (410, "gone")


@pytest.mark.parametrize("asked_for", ["chat.consumers.next_seq", "chat.hub.standing"])
async def test_whom_we_cannot_tell_what_he_missed_is_sent_away_to_come_back(
    carol, scripted_llm, open_tab, monkeypatch, asked_for
):
    """Were he kept, he would go on without what he missed, or be told an answer from its beginning."""
    desk = await open_tab(carol)
    completed = await talk(desk, scripted_llm, "One.", "二。")
    missed = [seq for seq in desk.numbers() if seq > desk.frames[3]["seq"]]
    late = await open_tab(carol, hello=False)

    with monkeypatch.context() as database:
        database.setattr(asked_for, _is_away)
        await late.sends("hello", after=missed[0] - 1)
        assert await late.is_closed() == 1012

    assert {frame["type"] for frame in late.frames} == {"ready"}
    again = await open_tab(carol, after=missed[0] - 1)
    while (await again.next("turn.completed"))["turn_id"] != completed["turn_id"]:
        pass
    assert again.numbers()[0] == missed[0]
    assert again.last_seq == missed[-1]


def _is_away(*_: Any) -> None:
    raise OperationalError("the database system is not yet accepting connections")


async def test_two_devices_come_and_go_and_miss_nothing(carol, scripted_llm, open_tab):
    """Each sees what it missed, and what it said itself, once; whichever of them asks."""
    laptop, phone = await open_tab(carol), await open_tab(carol)
    await talk(laptop, scripted_llm, "One.")
    await phone.next("turn.completed")
    await phone.leaves()
    await talk(laptop, scripted_llm, "Two.", "三。")
    seen = phone.frames

    phone = await open_tab(carol, after=phone.last_seq)
    phone.frames = seen + phone.frames
    while phone.frames[-1].get("text") != "三。" or phone.frames[-1]["type"] != "turn.completed":
        await phone.next("turn.completed")
    await talk(phone, scripted_llm, "Four.")
    await laptop.next("turn.completed")

    for device in (laptop, phone):
        answers = [frame["text"] for frame in device.frames if frame["type"] == "turn.completed"]
        assert answers == ["One.", "Two.", "三。", "Four."]
        assert device.numbers() == sorted(set(device.numbers()))


# --- Because the server ends --------------------------------------------------------------------------------
async def test_what_outlasts_the_drain_is_interrupted_and_asked_again_elsewhere(
    carol, scripted_llm, open_tab, ending_server
):
    others = set(engine._made)
    scripted_llm.will_stall(after="从前有一家客栈，")
    desk, phone = await open_tab(carol, at=ending_server.http), await open_tab(carol)
    await desk.says("讲个故事。")
    delta = await phone.next("turn.delta")

    (loop,) = set(engine._made) - others
    loop.call_soon_threadsafe(engine._made[loop].begin_drain, 0.2)

    assert await desk.is_closed() == 1012
    failed = await phone.next("turn.failed")
    assert (failed["code"], failed["retryable"]) == ("turn_interrupted", True)
    assert failed["text"] == phone.text_of(delta["turn_id"]) == "从前有一家客栈，"
    with contextlib.suppress(Exception):
        async with tab_at(ending_server.http, carol.token):
            pytest.fail("a server that ends takes nobody in")
    # What waits for a turn of a process that ends shares its fate.
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(engine._made[loop].drained(), loop))
    scripted_llm.will_say("从前有一家客栈，客人很多。")
    await phone.sends("turn.regenerate", turn_id=failed["turn_id"])
    assert (await phone.next("turn.completed"))["text"] == "从前有一家客栈，客人很多。"
    assert [message["text"] for message in carol.messages()] == ["讲个故事。", "从前有一家客栈，客人很多。"]
