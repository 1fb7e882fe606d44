"""The same turn through other doors: plain HTTP, Server-Sent Events, OpenAI's clients."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import openai
import pytest


async def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) async for line in response.aiter_lines() if line.startswith("data: ")]


@pytest.fixture
async def http(server, acme):
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=15) as client:
        yield client


async def test_a_turn_over_http_answers_whole(carol, scripted_llm, http):
    scripted_llm.will_say("One room.")

    answer = await http.post(
        f"/api/v1/conversations/{carol.conversation_id}/turns/", json={"client_id": str(uuid4()), "text": "Any rooms?"}
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["text"] == "One room."
    assert answer.json()["finish_reason"] == "stop"


async def test_posting_twice_answers_once(carol, scripted_llm, http):
    scripted_llm.will_say("One room.")
    body = {"client_id": str(uuid4()), "text": "Any rooms?"}
    path = f"/api/v1/conversations/{carol.conversation_id}/turns/"

    first, second = [(await http.post(path, json=body)).json() for _ in range(2)]

    assert first == second
    assert len(carol.messages()) == 2


async def test_a_turn_streams_as_server_sent_events(carol, scripted_llm, http):
    scripted_llm.will_say("One room left.", chunks=3)
    path = f"/api/v1/conversations/{carol.conversation_id}/turns/"
    body = {"client_id": str(uuid4()), "text": "Any rooms?"}

    async with http.stream("POST", path, json=body, headers={"Accept": "text/event-stream"}) as response:
        assert response.headers["content-type"] == "text/event-stream"
        events = await events_of(response)

    assert events[-1]["type"] == "turn.completed"
    assert "".join(event["text"] for event in events if event["type"] == "turn.delta") == "One room left."


async def test_the_stream_of_a_turn_goes_on_where_it_was_lost(carol, scripted_llm, http):
    scripted_llm.will_say("One room left, traveller.", chunks=8, delay_s=0.1)
    path = f"/api/v1/conversations/{carol.conversation_id}/turns/"
    body = {"client_id": str(uuid4()), "text": "Any rooms?"}

    async def post(*, until: str = "", after: int | None = None) -> list[dict[str, Any]]:
        seen = []
        headers = {"Accept": "text/event-stream", **({} if after is None else {"Last-Event-ID": str(after)})}
        async with http.stream("POST", path, json=body, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:]))
                    if seen[-1]["type"] == until:
                        break
        return seen

    lost = await post(until="turn.delta")
    rest = await post(after=lost[-1]["seq"])
    later = await post(after=lost[-1]["seq"])  # it is over by now

    for events in ([*lost, *rest], [*lost, *later]):
        assert "".join(event["text"] for event in events if event["type"] == "turn.delta") == events[-1]["text"]
        assert (events[-1]["type"], events[-1]["text"]) == ("turn.completed", "One room left, traveller.")
    assert await post(after=rest[-1]["seq"]) == []
    assert await post() == rest[-1:]
    whole = await http.post(path, json=body, headers={"Last-Event-ID": str(rest[-1]["seq"])})
    assert whole.json()["text"] == "One room left, traveller."
    assert len(carol.messages()) == 2


async def test_the_event_stream_goes_on_where_it_left(carol, scripted_llm, http):
    scripted_llm.will_say("One room left.", chunks=3)
    body = {"client_id": str(uuid4()), "text": "Any rooms?"}
    await http.post(f"/api/v1/conversations/{carol.conversation_id}/turns/", json=body)
    path = f"/api/v1/conversations/{carol.conversation_id}/events/"

    async def read(headers: dict[str, str]) -> list[dict[str, Any]]:
        seen = []
        async with http.stream("GET", path, params={"after": 0}, headers=headers) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:]))
                    if seen[-1]["type"] == "turn.completed":
                        return seen
        return seen

    whole = await read({})
    middle = next(event["seq"] for event in whole if event["type"] == "turn.started")
    rest = await read({"Last-Event-ID": str(middle)})

    assert [event["seq"] for event in rest] == [event["seq"] for event in whole if event["seq"] > middle]


async def test_a_failed_turn_is_a_problem_with_its_code(carol, scripted_llm, http):
    scripted_llm.will_fail(401)

    answer = await http.post(
        f"/api/v1/conversations/{carol.conversation_id}/turns/", json={"client_id": str(uuid4()), "text": "Hello?"}
    )

    assert answer.status_code in (502, 504)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"].startswith("provider_")


@pytest.fixture
async def client(server, acme):
    async with openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key=acme.token, max_retries=0) as one:
        yield one


async def test_openais_client_gets_an_answer(carol, scripted_llm, client):
    scripted_llm.will_say("One room.")

    answer = await client.chat.completions.create(
        model="innkeeper", messages=[{"role": "user", "content": "Any rooms?"}], user="dave"
    )

    assert answer.choices[0].message.content == "One room."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.citations == []


async def test_openais_client_streams_with_usage(carol, scripted_llm, client):
    scripted_llm.will_say("One room left.", chunks=3)

    stream = await client.chat.completions.create(
        model="innkeeper",
        messages=[{"role": "user", "content": "Any rooms?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "One room left."
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 0


async def test_openais_client_keeps_a_thread(carol, scripted_llm, client):
    scripted_llm.will_say("Ten silver.")
    scripted_llm.will_say("Then nine.")
    first = await client.chat.completions.create(
        model="innkeeper", messages=[{"role": "user", "content": "How much?"}], user="dave"
    )

    await client.chat.completions.create(
        model="innkeeper",
        messages=[{"role": "user", "content": "Too much."}],
        user="dave",
        metadata={"conversation_id": first.metadata["conversation_id"]},
    )

    said = [message["content"] for message in scripted_llm.chat_requests[-1].messages]
    assert said[-3:-1] == ["How much?", "Ten silver."]


async def test_a_history_that_the_client_keeps_is_told_to_the_model(carol, scripted_llm, client):
    scripted_llm.will_say("Then nine.")
    thread = [
        {"role": "user", "content": "How much?"},
        {"role": "assistant", "content": "Ten silver."},
        {"role": "user", "content": "Too much."},
    ]

    await client.chat.completions.create(model="innkeeper", messages=thread)

    said = [message["content"] for message in scripted_llm.chat_requests[-1].messages]
    assert said[-3:-1] == ["How much?", "Ten silver."]


async def test_openais_client_learns_what_is_wrong(carol, scripted_llm, client, server, globex):
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="innkeeper", messages=[])
    async with openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key="tk_x", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()
    async with openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key=globex.token, max_retries=0) as mallory:
        with pytest.raises(openai.NotFoundError):
            await mallory.chat.completions.create(model="innkeeper", messages=[{"role": "user", "content": "Hi"}])


async def test_models_are_the_published_personas_and_the_embedding_model(carol, client):
    listed = [model.id async for model in client.models.list()]

    assert listed == ["innkeeper", "multilingual-e5-small"]
    assert (await client.models.retrieve("innkeeper")).id == "innkeeper"


async def test_embeddings_have_two_sides(carol, client):
    passage = await client.embeddings.create(model="multilingual-e5-small", input=["一间房", "a room"])
    query = await client.embeddings.create(
        model="multilingual-e5-small", input="a room", extra_body={"input_type": "query"}
    )

    assert [len(row.embedding) for row in passage.data] == [384, 384]
    assert passage.data[1].embedding != query.data[0].embedding
    assert (passage.usage.prompt_tokens, query.usage.total_tokens) == (5, 2)


async def test_two_answers_at_once_are_not_to_be_had(carol, client):
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model="innkeeper", messages=[{"role": "user", "content": "Hi"}], n=2)

    assert (refused.value.code, refused.value.param) == ("invalid", "n")


async def test_an_answer_over_http_is_followed_live_in_an_open_tab(carol, scripted_llm, http, open_tab):
    scripted_llm.will_say("One room left.", chunks=3, delay_s=0.05)
    tab = await open_tab(carol)

    body = {"client_id": str(uuid4()), "text": "Any rooms?"}
    posted = asyncio.create_task(http.post(f"/api/v1/conversations/{carol.conversation_id}/turns/", json=body))
    completed = await tab.next("turn.completed")

    assert tab.text_of(completed["turn_id"]) == "One room left."
    assert (await posted).json()["text"] == "One room left."
