"""Who follows a question hears each change of its status, whenever he came, and is sent away at its end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from django.test import AsyncClient

from analytics.asking import progress
from analytics.models import Question
from tests.analytics.asking.conftest import QUESTIONS, Desk, sql_reply
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI
from tests.knowledge.conftest import work_off

ALL = ["queued", "writing", "checking", "running", "ready"]


async def stream(business: Business, question_id: str, **headers: str) -> Any:
    return await AsyncClient().get(f"{QUESTIONS}{question_id}/events/", headers=business.headers | headers)


async def events_of(response: Any) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Number and data of each event, as they come."""
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    async with aclosing(response.streaming_content) as content:
        async for part in content:
            lines = dict(
                line.split(": ", 1) for line in part.decode().splitlines() if not line.startswith(":") and line
            )
            if lines:
                assert lines["event"] == "status"
                yield int(lines["id"]), json.loads(lines["data"])


async def test_each_change_is_told_as_it_comes(
    desk: Desk, scripted_llm: FakeOpenAI, off_loop: Callable[..., Any]
) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    asked = await off_loop(desk.put, "How many orders?")
    working: asyncio.Future[Any] | None = None
    told = []
    async with asyncio.timeout(20), aclosing(events_of(await stream(desk.business, asked["id"]))) as events:
        async for number, data in events:
            told.append((number, data["status"]))
            assert data["id"] == asked["id"]
            working = working or asyncio.ensure_future(off_loop(work_off, desk.business))
    await working  # type: ignore[misc]
    assert told == list(enumerate(ALL, start=1))


async def test_what_was_before_is_told_too_and_again_from_where_one_was(
    desk: Desk, scripted_llm: FakeOpenAI, off_loop: Callable[..., Any]
) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    answer = await off_loop(desk.ask, "How many orders?")

    async def told(**headers: str) -> list[str]:
        async with asyncio.timeout(5):
            response = await stream(desk.business, answer["id"], **headers)
            return [data["status"] async for _number, data in events_of(response)]

    assert await told() == ALL
    assert await told(**{"Last-Event-ID": "3"}) == ALL[3:]
    assert await told(**{"Last-Event-ID": "5"}) == []


async def test_a_stop_is_told_even_where_its_news_is_lost(
    desk: Desk, off_loop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "announce", lambda *_: None)
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.1)
    asked = await off_loop(desk.put, "How many orders?")
    told = []
    async with asyncio.timeout(10):
        async for _number, data in events_of(await stream(desk.business, asked["id"])):
            told.append(data["status"])
            if data["status"] == "queued":
                await off_loop(desk.call, asked["id"], "cancel")
    assert told == ["queued", "cancelled"]


async def test_a_deleted_question_ends_its_stream(desk: Desk, off_loop: Callable[..., Any]) -> None:
    asked = await off_loop(desk.put, "How many orders?")

    def delete() -> None:
        with desk.business.scope():
            Question.objects.filter(pk=asked["id"]).delete()

    async with asyncio.timeout(10):
        async for _number, data in events_of(await stream(desk.business, asked["id"])):
            assert data["status"] == "queued"
            await off_loop(delete)


async def test_a_neighbour_follows_nothing(desk: Desk, globex: Business, off_loop: Callable[..., Any]) -> None:
    asked = await off_loop(desk.put, "How many orders?")
    assert (await stream(globex, asked["id"])).status_code == 404
    assert (await stream(desk.business, asked["id"], **{"Last-Event-ID": "soon"})).status_code == 422
