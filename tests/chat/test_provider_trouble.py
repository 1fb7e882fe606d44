"""Whatever the model's endpoint does: the turn ends, says why, keeps what was said, and the next one is answered."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import openai
import pytest

from chat import preparing
from chat.models import Turn
from embedded.ports import random_free_port
from llm.models import ModelCall, Route
from tests.chat.conftest import Visitor
from tests.chat.stage import Tab
from tests.fakes.openai_server import EMBEDDING_MODEL, FakeOpenAI, fail, say
from tests.knowledge.conftest import Shelf

SHORT_S = 0.5  # what a route waits for where it shall not wait long


def point_route(visitor: Visitor, **changes: Any) -> None:
    with visitor.business.scope():
        Route.objects.filter(slug="main").update(**changes)


@dataclass(frozen=True)
class Trouble:
    """What the endpoint does, and what Carol is told of it."""

    script: Callable[[FakeOpenAI], None]
    code: str
    retryable: bool
    kept: str = ""
    attempts: int = 1
    waits: str = ""  # which of the route's times is short, for trouble that only its end shows


def piece(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


TROUBLES = {
    "500 again and again": Trouble(lambda fake: fake.will_fail(500, times=3), "provider_unavailable", True, attempts=3),
    "busy for a minute": Trouble(
        lambda fake: fake.will_fail(429, headers={"Retry-After": "60"}), "provider_unavailable", True
    ),
    "key refused": Trouble(lambda fake: fake.will_fail(401), "provider_unavailable", False),
    "unknown model": Trouble(lambda fake: fake.will_fail(404), "provider_invalid", False),
    "never begins": Trouble(
        lambda fake: fake.will_answer_with(lambda _: say("Too late.", first_delay_s=20)),
        "provider_timeout",
        True,
        waits="timeout_s",
    ),
    "stalls in mid-answer": Trouble(
        lambda fake: fake.will_stall(after="还有一间"), "provider_timeout", True, "还有一间", waits="stall_timeout_s"
    ),
    "cut in mid-answer": Trouble(
        lambda fake: fake.will_cut(after="One room"), "provider_unavailable", True, "One room"
    ),
    "a web page": Trouble(
        lambda fake: fake.will_send_rubbish(b"<html>Welcome!</html>", content_type="text/html"),
        "provider_invalid",
        False,
    ),
    "rubbish in mid-answer": Trouble(
        lambda fake: fake.will_send_rubbish(piece("One ") + b"data: {oops}\n\n"),
        "provider_invalid",
        False,
        "One ",
    ),
    "an empty body": Trouble(lambda fake: fake.will_send_rubbish(b""), "provider_invalid", False),
    "an empty stream": Trouble(lambda fake: fake.will_send_rubbish(b"data: [DONE]\n\n"), "provider_invalid", False),
    "ends without a word": Trouble(lambda fake: fake.will_say(""), "provider_invalid", True),
    "thinks until it may not go on": Trouble(
        lambda fake: fake.will_say("", finish_reason="length"), "provider_invalid", True
    ),
    "ends without an end": Trouble(
        lambda fake: fake.will_send_rubbish(piece("One ")), "provider_unavailable", True, "One "
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_trouble_is_told_and_kept_for_what_it_is(carol, scripted_llm, open_tab, off_loop, name):
    trouble = TROUBLES[name]
    trouble.script(scripted_llm)
    if trouble.waits:
        await off_loop(point_route, carol, **{trouble.waits: SHORT_S})
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed", "turn.completed")

    assert failed["type"] == "turn.failed"
    told = (failed["code"], failed["retryable"], failed["text"])
    assert told == (trouble.code, trouble.retryable, trouble.kept)
    assert failed["detail"]
    assert tab.text_of(failed["turn_id"]) == trouble.kept
    assert len(scripted_llm.chat_requests) == trouble.attempts
    assert await off_loop(kept_of, carol, failed["turn_id"]) == (
        "failed",
        trouble.code,
        "failed",
        trouble.code,
    )
    answers = [(said["text"], said["finish_reason"]) for said in carol.messages() if said["role"] == "bot"]
    assert answers == ([(trouble.kept, "interrupted")] if trouble.kept else [])
    await off_loop(point_route, carol, timeout_s=60, stall_timeout_s=30)
    await is_answered_again(tab, scripted_llm)


def kept_of(visitor: Visitor, turn_id: str) -> tuple[str, str, str, str]:
    """How turn and metering row, of which there is one, say that it ended."""
    with visitor.business.scope():
        turn, call = Turn.objects.get(pk=turn_id), ModelCall.objects.get(turn_id=turn_id)
        return turn.status, turn.error_code, call.outcome, call.error_code


async def is_answered_again(tab: Tab, fake: FakeOpenAI) -> None:
    fake.will_say("One room.")
    await tab.says("And now?")
    assert (await tab.next("turn.completed", "turn.failed")).get("text") == "One room."


async def test_an_endpoint_that_is_down(carol, scripted_llm, open_tab, off_loop):
    await off_loop(point_route, carol, base_url=f"http://127.0.0.1:{random_free_port()}/v1")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")

    assert (failed["code"], failed["retryable"], failed["text"]) == ("provider_unavailable", True, "")
    assert await off_loop(kept_of, carol, failed["turn_id"]) == (
        "failed",
        "provider_unavailable",
        "failed",
        "provider_unavailable",
    )
    await off_loop(point_route, carol, base_url=scripted_llm.base_url)
    await is_answered_again(tab, scripted_llm)


async def test_a_failure_that_passes_is_not_noticed(carol, scripted_llm, open_tab):
    scripted_llm.will_fail(500)
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed", "turn.failed")

    assert completed["text"] == tab.text_of(completed["turn_id"]) == "One room."
    assert len(scripted_llm.chat_requests) == 2


async def test_a_busy_endpoint_is_left_alone_for_as_long_as_it_asks(carol, scripted_llm, open_tab):
    scripted_llm.will_fail(429, headers={"Retry-After": "0.8"})
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    await scripted_llm.is_asked()
    began = time.monotonic()
    await scripted_llm.is_asked(2)

    assert time.monotonic() - began > 0.7
    assert (await tab.next("turn.completed", "turn.failed"))["text"] == "One room."


@pytest.fixture
def spare(carol: Visitor, scripted_llm: FakeOpenAI) -> Iterator[FakeOpenAI]:
    """A second model, which Acme pays for and asks when its first one does not answer."""
    prices = {"price_input": 1, "price_output": 10}
    with FakeOpenAI() as fake:
        with carol.business.scope():
            route = {"base_url": fake.base_url, "chat_model": "spare", **prices}
            Route.objects.create(slug="spare", name="Spare", **route)
        point_route(carol, fallback_routes=["spare"], **prices)
        yield fake


async def test_another_route_answers_before_the_first_word(carol, scripted_llm, spare, open_tab, off_loop):
    scripted_llm.will_fail(401)
    spare.will_say("还有一间。", usage=(100, 20, 0))
    tab = await open_tab(carol)

    await tab.says("还有房间吗？")
    completed = await tab.next("turn.completed", "turn.failed")

    assert completed["text"] == tab.text_of(completed["turn_id"]) == "还有一间。"
    trace, calls = await off_loop(traced, carol, completed["turn_id"])
    (miss,) = trace["missed_routes"]
    assert (trace["route"], trace["model"]) == ("spare", "spare")
    assert (miss["route"], miss["code"]) == ("main", "provider_unavailable")
    assert "scripted failure" in miss["upstream"]
    assert calls == [
        ("main", "failed", "provider_unavailable", 0, 0, 0.0),
        ("spare", "ok", "", 100, 20, pytest.approx(0.0003)),
    ]
    assert completed["usage"]["cost"] == pytest.approx(0.0003)


def traced(visitor: Visitor, turn_id: str) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    with visitor.business.scope():
        calls = ModelCall.objects.filter(turn_id=turn_id).order_by("id")
        rows = [(c.route, c.outcome, c.error_code, c.input_tokens, c.output_tokens, float(c.cost)) for c in calls]
        return Turn.objects.get(pk=turn_id).trace, rows


async def test_no_other_route_goes_on_with_what_was_begun(carol, scripted_llm, spare, open_tab, off_loop):
    scripted_llm.will_cut(after="One room")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")

    assert (failed["text"], failed["retryable"]) == ("One room", True)
    assert spare.requests == []
    trace, calls = await off_loop(traced, carol, failed["turn_id"])
    assert trace["failure"]["code"] == "provider_unavailable"
    assert [(route, outcome) for route, outcome, *_ in calls] == [("main", "failed")]


async def test_where_no_model_answers_the_documents_do(carol, scripted_llm, open_tab, off_loop):
    await off_loop(point_route, carol, fallback_routes=["reader"])
    scripted_llm.will_fail(503, times=2)
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed", "turn.failed")

    assert completed["text"]
    assert (await off_loop(traced, carol, completed["turn_id"]))[0]["route"] == "reader"


async def test_who_failed_before_the_first_word_is_not_paid(carol, scripted_llm, open_tab, off_loop):
    await off_loop(point_route, carol, price_input=1, price_output=10)
    scripted_llm.will_fail(401)
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")

    _trace, calls = await off_loop(traced, carol, failed["turn_id"])
    assert calls == [("main", "failed", "provider_unavailable", 0, 0, 0.0)]


async def test_passages_are_found_by_words_while_the_embedding_model_is_away(
    carol, scripted_llm, open_tab, off_loop, monkeypatch
):
    monkeypatch.setattr(preparing, "EMBEDDING_PATIENCE_S", 0.5)
    await off_loop(teach, carol, scripted_llm)
    scripted_llm.embeddings_will(fail(503), times=None)
    scripted_llm.will_say("Eight coins.")
    tab = await open_tab(carol)

    await tab.says("How many coins is breakfast?")
    completed = await tab.next("turn.completed", "turn.failed")

    assert completed["text"] == "Eight coins."
    assert "Breakfast is eight coins." in json.dumps(scripted_llm.chat_requests[0].messages)
    trace, _calls = await off_loop(traced, carol, completed["turn_id"])
    (left_out,) = trace["search"]["left_out"]
    assert (left_out["embedding_model"], left_out["code"]) == (EMBEDDING_MODEL, "provider_unavailable")


def teach(visitor: Visitor, fake: FakeOpenAI, embedding_model: str = EMBEDDING_MODEL) -> None:
    """Give the innkeeper a document, embedded by an endpoint, or without a model's name by the bundled model."""
    point_route(visitor, embedding_model=embedding_model)
    api = visitor.business.api
    base = api.post("/api/v1/knowledge-bases/", {"name": "Prices", "slug": "prices"}).json()
    Shelf(visitor.business, base["id"]).keep("Prices", "Breakfast is eight coins.")
    assert api.patch("/api/v1/personas/innkeeper/", {"settings": {"knowledge_bases": ["prices"]}}).status_code == 200
    assert api.post("/api/v1/personas/innkeeper/publish/").status_code in (200, 201)


async def test_what_was_said_is_never_said_twice(carol, scripted_llm, open_tab):
    """A stream that broke once something was heard is not asked for again: the words would come twice."""
    scripted_llm.will_cut(after="One")
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    failed = await tab.next("turn.failed")

    assert tab.text_of(failed["turn_id"]) == "One"
    assert len(scripted_llm.chat_requests) == 1


async def test_waiting_messages_are_answered_after_a_failure(carol, scripted_llm, open_tab, off_loop):
    await off_loop(point_route, carol, stall_timeout_s=SHORT_S)
    scripted_llm.will_stall(after="Hm")
    scripted_llm.will_say("Second.")
    tab = await open_tab(carol)

    await tab.says("One?")
    await tab.says("Two?")
    await tab.next("turn.failed")

    assert (await tab.next("turn.completed"))["text"] == "Second."
    assert [said["text"] for said in carol.messages()] == ["One?", "Hm", "Two?", "Second."]


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (lambda fake: fake.will_stall(after="One "), 504, "provider_timeout"),
        (lambda fake: fake.will_fail(404), 502, "provider_invalid"),
        (lambda fake: fake.will_cut(after="One "), 502, "provider_unavailable"),
    ],
    ids=["stalls", "unknown model", "cut"],
)
async def test_over_http_trouble_has_its_status(carol, scripted_llm, server, off_loop, script, status, code):
    if code == "provider_timeout":
        await off_loop(point_route, carol, stall_timeout_s=SHORT_S)
    script(scripted_llm)
    path = f"{server.http}/api/v1/conversations/{carol.conversation_id}/turns/"
    body = {"client_id": str(uuid4()), "text": "Any rooms?"}

    async with httpx.AsyncClient(headers=carol.business.headers, timeout=60) as client:
        first, again = [await client.post(path, json=body) for _ in range(2)]

    for answer in (first, again):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(scripted_llm.chat_requests) == 1


async def test_openais_clients_learn_of_trouble_in_mid_answer(carol, scripted_llm, server):
    scripted_llm.will_cut(after="One room")
    heard = []

    async def listen(stream: Any) -> None:
        async for chunk in stream:
            heard.append(chunk.choices[0].delta.content or "")

    async with openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key=carol.business.token, max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="innkeeper", messages=[{"role": "user", "content": "Any rooms?"}], stream=True
        )
        with pytest.raises(openai.APIError) as error:
            await listen(stream)

    assert "".join(heard) == "One room"
    assert error.value.code == "provider_unavailable"
