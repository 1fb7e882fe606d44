"""Speech that streams, turns that are sent twice at once, players who walk away."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.npc.turns.conftest import reply, sale

BOW = {"name": "bow", "arguments": {}}


@pytest.fixture
async def http(server, acme):
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=20) as client:
        yield client


def asked(text: str = "An ale, please.", **more: Any) -> dict[str, Any]:
    return {"turn_id": str(uuid4()), "character": "bram", "speaker": "carol", "text": text, **more}


def stream(http: Any, url: str, body: dict[str, Any]) -> Any:
    return http.stream("POST", f"{url}turns/", json=body, headers={"Accept": "text/event-stream"})


async def events_of(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, await response.aread()
    return [json.loads(line[6:]) async for line in response.aiter_lines() if line.startswith("data: ")]


def spoken(events: list[dict[str, Any]]) -> str:
    deltas = [event for event in events if event["type"] == "speech.delta"]
    text = ""
    for delta in deltas:
        assert delta["offset"] == len(text)
        text += delta["text"]
    return text


async def test_speech_streams_before_the_model_has_ended(game, scripted_llm, http):
    scripted_llm.will_stall(after='{"say": "One left, travel')
    body = asked(deadline_ms=60_000)

    async with stream(http, game.url, body) as response:
        assert response.headers["content-type"] == "text/event-stream"
        text = ""
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                assert (event["type"], event["turn_id"]) == ("speech.delta", body["turn_id"])
                text += event["text"]
            if text.startswith("One left"):  # the guard may keep the last word until it is whole
                break


async def test_the_events_of_a_turn_come_in_order(game, scripted_llm, http):
    scripted_llm.will_say(reply("还有一间，客官。", "happy", sale(), BOW), chunks=80, delay_s=0.01)
    body = asked("还有房间吗？")

    async with stream(http, game.url, body) as response:
        events = await events_of(response)

    kinds = [event["type"] for event in events]
    assert kinds[-4:] == ["speech.final", "action.proposed", "action.proposed", "turn.done"]
    assert set(kinds[:-4]) == {"speech.delta"}
    assert len(kinds) > 6
    assert spoken(events) == events[-4]["say"] == events[-1]["say"] == "还有一间，客官。"
    assert [event["name"] for event in events[-3:-1]] == ["sell", "bow"]
    assert [event["timing"] for event in events[-3:-1]] == ["after_speech", "before_speech"]
    assert events[-4]["emotion"] == "happy"
    assert {event["turn_id"] for event in events} == {body["turn_id"]}

    # Asked again it is told from the log: the same answer.
    async with stream(http, game.url, body) as response:
        again = await events_of(response)
    assert again[-1] == events[-1]
    assert spoken(again) == "还有一间，客官。"
    assert len(scripted_llm.chat_requests) == 1


async def test_what_forbids_a_turn_is_an_answer_and_no_stream(game, scripted_llm, http):
    async with stream(http, game.url, asked(character="ghost")) as response:
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"


async def test_two_who_send_the_same_turn_hear_the_same(game, scripted_llm, http):
    scripted_llm.will_say(reply("One left.", "happy", sale()), delay_s=0.02)
    body = asked()

    first, second = await asyncio.gather(*(http.post(f"{game.url}turns/", json=body) for _ in range(2)))

    assert first.status_code == 200
    assert first.json() == second.json()
    assert len(scripted_llm.chat_requests) == 1


async def test_who_loses_the_line_finds_the_turn_done(game, scripted_llm, http):
    scripted_llm.will_say(reply("One left.", "happy"), delay_s=0.03)
    body = asked()

    async with stream(http, game.url, body) as response:
        async for _ in response.aiter_lines():
            break
    answer = await http.post(f"{game.url}turns/", json=body)

    assert answer.json()["say"] == "One left."
    assert len(scripted_llm.chat_requests) == 1


async def test_a_stream_that_broke_goes_on_behind_what_was_heard(game, scripted_llm, http):
    scripted_llm.will_say(reply("One left, traveller.", "happy", sale()), delay_s=0.03)
    body, seen = asked(), []

    async with stream(http, game.url, body) as response:
        async for line in response.aiter_lines():
            if line.startswith("id: "):
                number = int(line[4:])
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
            if line == "" and number > 5:
                break
    heard = len(spoken(seen))

    for behind in (number, heard - 2):  # while it is spoken, or told again whole from the log
        async with resumed(http, game.url, body, behind) as response:
            rest = await events_of(response)
        assert rest[0]["offset"] == behind
        assert spoken(seen)[:behind] + "".join(one.get("text", "") for one in rest) == "One left, traveller."
        assert [one["type"] for one in rest[-3:]] == ["speech.final", "action.proposed", "turn.done"]
    said = len("One left, traveller.")
    async with resumed(http, game.url, body, said + 1) as response:
        assert [one["type"] for one in await events_of(response)] == ["action.proposed", "turn.done"]
    async with resumed(http, game.url, body, said + 3) as response:
        assert await events_of(response) == []
    assert len(scripted_llm.chat_requests) == 1


def resumed(http: Any, url: str, body: dict[str, Any], behind: int) -> Any:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(behind)}
    return http.stream("POST", f"{url}turns/", json=body, headers=headers)


async def test_a_player_who_walks_away_leaves_what_was_said(game, scripted_llm, http):
    scripted_llm.will_stall(after='{"say": "One left, traveller. And th')
    body = asked(deadline_ms=60_000)

    async with stream(http, game.url, body) as response:
        seen = []
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
            if spoken(seen).endswith("And th") and seen[-1]["type"] == "speech.delta":
                cancelled = await http.post(f"{game.url}turns/{body['turn_id']}/cancel/", json={})

    assert cancelled.status_code == 200
    assert cancelled.json() == {name: value for name, value in seen[-1].items() if name != "type"}
    assert (cancelled.json()["say"], cancelled.json()["actions"]) == ("One left, traveller. And th", [])
    assert cancelled.json()["fallback"] is None
    assert await scripted_llm.chat_requests[0].client_leaves()
    closed = (await http.get(f"{game.url}log/")).json()["results"][-1]
    assert (closed["kind"], closed["data"]["cancelled"]) == ("turn.closed", True)


async def test_who_walks_away_before_a_word_hears_none(game, scripted_llm, http):
    scripted_llm.will_stall()
    body = asked(deadline_ms=60_000)
    waiting = asyncio.create_task(http.post(f"{game.url}turns/", json=body))
    await scripted_llm.is_asked()

    await http.post(f"{game.url}turns/{body['turn_id']}/cancel/", json={})

    assert ((await waiting).json()["say"], (await waiting).json()["fallback"]) == ("", None)


async def test_a_turn_that_is_over_is_not_cancelled_any_more(game, scripted_llm, http):
    scripted_llm.will_say(reply("One left.", "happy", sale()))
    body = asked()
    answer = (await http.post(f"{game.url}turns/", json=body)).json()

    assert (await http.post(f"{game.url}turns/{body['turn_id']}/cancel/", json={})).json() == answer
    assert (await http.post(f"{game.url}turns/{uuid4()}/cancel/", json={})).status_code == 404


async def test_turns_of_one_session_at_once_stay_whole(game, scripted_llm, http):
    scripted_llm.will_say(reply("Yes.", "happy", sale()), times=None)

    answers = await asyncio.gather(*(http.post(f"{game.url}turns/", json=asked()) for _ in range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["actions"][0]["id"] for answer in answers}) == 8
    log = (await http.get(f"{game.url}log/?limit=100")).json()["results"]
    assert [entry["seq"] for entry in log] == list(range(1, 18))
