"""What a turn adds to the model: until the first token, per token, and when a crowd is answered at once.

`streaming:first`, `streaming:tokens` and `streaming:crowd` are its pieces.
"""

import asyncio
import contextlib
import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import uvloop
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.stage import Running, fake_model, percentile, server, valkey
from tests.conftest import Business

ALONE, ALONE_TABS = 150, 5  # a person may ask twice a second, and some more at first
PAUSE_S = 0.05  # a socket may send 20 frames a second
STREAMING, STREAMED_EVERY_MS, STARTS_PER_S, LOAD_S = 100, 50.0, 10, 12
TOKENS, TOKEN_DELAY_MS, STREAMS = 300, 20.0, 30
CROWDS = ((1, 100), (2, 200))  # web processes, and conversations answered at once
CROWD_TOKENS, CROWD_TOKENS_PER_S = 300, 30


def measure(pieces: str = "first,tokens,crowd") -> list[tuple[str, str]]:
    """Rows of the table: what, and how much."""
    made = {"first": first_token, "tokens": per_token, "crowd": crowds}
    return [row for piece in pieces.split(",") for row in made[piece]()]


# --- Until the first token ------------------------------------------------------------------------------------
def first_token() -> list[tuple[str, str]]:
    with fake_model(tokens=5, delay_ms=0) as quick, fake_model(tokens=400, delay_ms=STREAMED_EVERY_MS) as slow:
        chatty, learned = inn(quick.url, "quick"), library(quick.url, "learned")
        long_winded = inn(slow.url, "slow")
        with server("config.asgi:application") as web:
            direct, alone = uvloop.run(_alone(quick.url, web, chatty))
            _direct, searching = uvloop.run(_alone(quick.url, web, learned))
            direct_loaded, loaded = uvloop.run(_loaded(quick.url, web, chatty, long_winded))
    return [
        ("first token, model alone, ms p50 / p99", _ms(direct)),
        ("first token, a turn, ms p50 / p99", _ms(alone)),
        ("→ overhead alone, ms p50 / p99", _gap(alone, direct)),
        ("→ more with embedding and retrieval, ms p50 / p99", _gap(searching, alone)),
        (f"first token, model, beside {STREAMING} streams, ms p50 / p99", _ms(direct_loaded)),
        (f"first token, a turn, {STREAMING} streams and {STARTS_PER_S} starts/s, ms p50 / p99", _ms(loaded)),
        ("→ overhead loaded, ms p50 / p99", _gap(loaded, direct_loaded)),
    ]


async def _alone(model_url: str, web: Running, business: Business) -> tuple[list[float], list[float]]:
    direct, turns = [], []
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(AsyncOpenAI(base_url=model_url, api_key="none"))
        tabs = [await stack.enter_async_context(_tab(web, session(business))) for _ in range(ALONE_TABS)]
        for number, tab in enumerate(itertools.islice(itertools.cycle(tabs), ALONE)):
            one_direct, one_turn = await _ask_model(client), await _ask(tab)
            await asyncio.sleep(PAUSE_S)
            if number >= 20:  # pools and caches are warm
                direct.append(one_direct)
                turns.append(one_turn)
    return direct, turns


async def _loaded(
    model_url: str, web: Running, business: Business, long_winded: Business
) -> tuple[list[float], list[float]]:
    direct: list[float] = []
    turns: list[float] = []
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(AsyncOpenAI(base_url=model_url, api_key="none"))
        streams = [await stack.enter_async_context(_tab(web, session(long_winded))) for _ in range(STREAMING)]
        tabs = [await stack.enter_async_context(_tab(web, session(business))) for _ in range(20)]
        listening = []
        for tab in streams:  # people do not begin at the same moment, so their tokens do not come in bursts
            listening.append(asyncio.create_task(_listen_on(tab)))
            await asyncio.sleep(random.uniform(0, 0.1))
        starts = []
        lanes = [(tab, asyncio.Lock()) for tab in tabs]
        for tab, free in itertools.islice(itertools.cycle(lanes), STARTS_PER_S * LOAD_S):
            starts.append(asyncio.create_task(_note(turns, _ask, tab, free)))
            await asyncio.sleep(0.5 / STARTS_PER_S)
            # Not at the same moment, when one would wait for the other: in this process and in the model's.
            starts.append(asyncio.create_task(_note(direct, _ask_model, client)))
            await asyncio.sleep(0.5 / STARTS_PER_S)
        await asyncio.gather(*starts)
        for task in listening:
            task.cancel()
    return direct, turns


async def _note(into: list[float], ask: Callable[[Any], Any], whom: Any, free: asyncio.Lock | None = None) -> None:
    """One measurement. A tab is asked again when it has its answer, however busy the machine is."""
    async with free or contextlib.nullcontext():
        into.append(await ask(whom))


async def _listen_on(tab: ClientConnection) -> None:
    """Keep one conversation streaming: a new question whenever the answer has ended."""
    while True:
        await _say(tab)
        while json.loads(await tab.recv())["type"] not in ("turn.completed", "turn.failed"):
            pass


async def _ask_model(client: AsyncOpenAI) -> float:
    """Seconds until the model's first token, through OpenAI's own client."""
    began = time.perf_counter()
    stream = await client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "Any rooms?"}], stream=True
    )
    first = 0.0
    async for chunk in stream:
        if not first and chunk.choices and chunk.choices[0].delta.content:
            first = time.perf_counter() - began
    return first


async def _ask(tab: ClientConnection) -> float:
    """Seconds until the first delta of a turn."""
    began = time.perf_counter()
    await _say(tab)
    first = 0.0
    while True:
        kind = json.loads(await tab.recv())["type"]
        if kind == "turn.delta" and not first:
            first = time.perf_counter() - began
        assert kind not in ("error", "turn.failed"), kind
        if kind == "turn.completed":
            return first


async def _say(tab: ClientConnection) -> None:
    await tab.send(json.dumps({"type": "message.send", "client_id": str(uuid4()), "text": "Any rooms?"}))


# --- Per token ------------------------------------------------------------------------------------------------
def per_token() -> list[tuple[str, str]]:
    with fake_model(tokens=TOKENS, delay_ms=TOKEN_DELAY_MS) as model:
        business = inn(model.url, "tokens")
        with server("tests.bench.relay:application", RELAY_TO=model.url) as relay:
            relayed = uvloop.run(_stream([(relay.url + "/", []) for _ in range(STREAMS)], [relay.process]))
        with server("config.asgi:application") as web:
            sessions = [session(business) for _ in range(STREAMS)]
            tabs = [(web.url + "/ws/v1/chat/", ["troupe.v1", f"token.{token}"]) for token in sessions]
            streamed = uvloop.run(_stream(tabs, [web.process, valkey()]))
    tokens = STREAMS * TOKENS
    bare, ours, log = relayed[0] / tokens * 1e6, streamed[0] / tokens * 1e6, streamed[1] / tokens * 1e6
    return [
        (f"CPU a token, bare relay, µs ({STREAMS} streams, {TOKEN_DELAY_MS:.0f} ms a token)", f"{bare:.0f}"),
        ("CPU a token, a turn, µs web + Valkey", f"{ours:.0f} + {log:.0f}"),
        ("→ CPU a token, of the bare relay's (web / with Valkey)", f"{ours / bare:.2f} / {(ours + log) / bare:.2f}"),
    ]


async def _stream(tabs: list[tuple[str, list[str]]], processes: list[Any]) -> list[float]:
    """CPU seconds that the processes spend while every tab gets one answer."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(connect(url, subprotocols=protocols or None))  # type: ignore[arg-type]
            for url, protocols in tabs
        ]
        await asyncio.gather(*(_one_answer(socket) for socket in sockets[:3]))  # warm
        before = [process.cpu_times() for process in processes]
        await asyncio.gather(*(_one_answer(socket) for socket in sockets))
        after = [process.cpu_times() for process in processes]
    return [a.user + a.system - b.user - b.system for a, b in zip(after, before, strict=True)]


async def _one_answer(socket: ClientConnection) -> None:
    await _say(socket)
    while b'"turn.completed"' not in await socket.recv(decode=False):
        pass


# --- A crowd --------------------------------------------------------------------------------------------------
def crowds() -> list[tuple[str, str]]:
    """Everybody is answered at once. The gaps are those of this process too, which reads all that is sent."""
    rows = []
    with fake_model(tokens=CROWD_TOKENS, delay_ms=1000 / CROWD_TOKENS_PER_S) as model:
        business = inn(model.url, "crowd")
        for processes, streams in CROWDS:
            with contextlib.ExitStack() as stack:
                webs = [stack.enter_context(server("config.asgi:application")) for _ in range(processes)]
                gaps, lost, cpu = uvloop.run(_crowd(webs, [session(business) for _ in range(streams)]))
            at = f"{streams} streams at {CROWD_TOKENS_PER_S} tokens/s on {processes} web"
            rows += [
                (f"{at}: between tokens, ms p50 / p99", _ms(gaps)),
                (f"{at}: answers with something lost / CPU of web, cores", f"{lost} / {cpu:.2f}"),
            ]
    return rows


async def _crowd(webs: list[Running], tokens: list[str]) -> tuple[list[float], int, float]:
    """The gaps between deltas in seconds, how many answers did not come whole, and how many cores the webs took."""
    async with contextlib.AsyncExitStack() as stack:
        places = zip(itertools.cycle(webs), tokens, strict=False)
        tabs = [await stack.enter_async_context(_tab(web, token)) for web, token in places]
        before, began = sum(web.cpu_s() for web in webs), time.monotonic()
        answers = [asyncio.create_task(_follow(tab, number / len(tabs))) for number, tab in enumerate(tabs)]
        followed = await asyncio.gather(*answers)
        cpu = (sum(web.cpu_s() for web in webs) - before) / (time.monotonic() - began)
    gaps = [gap for _is_whole, found in followed for gap in found]
    return gaps, sum(not is_whole for is_whole, _gaps in followed), cpu


async def _follow(tab: ClientConnection, begin_after_s: float) -> tuple[bool, list[float]]:
    """Whether the deltas joined are the answer, and the seconds between them."""
    await asyncio.sleep(begin_after_s)
    await _say(tab)
    text, gaps, last = "", [], 0.0
    while True:
        frame = json.loads(await tab.recv())
        if frame["type"] == "turn.delta":
            now = time.perf_counter()
            if last:
                gaps.append(now - last)
            last = now
            text += frame["text"] if frame["offset"] == len(text) else "…"
        elif frame["type"] in ("turn.completed", "turn.failed"):
            return frame["type"] == "turn.completed" and text == frame["text"] != "", gaps


# --- The inn --------------------------------------------------------------------------------------------------
def inn(model_url: str, name: str) -> Business:
    """A tenant with a published persona behind this model."""
    from llm.models import Route
    from personas.publishing import create_persona, publish
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key

    tenant = create_tenant(name=name, slug=f"{name}-{uuid4().hex[:8]}")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    with business.scope():
        Route(slug="main", name="Main", base_url=model_url, chat_model="fake", is_default=True).save()
        publish(create_persona(tenant_id=tenant.pk, slug="innkeeper", name="Innkeeper", kind="companion", settings={}))
    return business


def library(model_url: str, name: str) -> Business:
    """An inn whose keeper looks things up in a document, embedded by the bundled model."""
    from tests.knowledge.conftest import Shelf

    business = inn(model_url, name)
    base = business.api.post("/api/v1/knowledge-bases/", {"name": "House", "slug": "house"}).json()
    rooms = "".join(f"# Room {number}\n\nRoom {number} has a bed and {number} chairs.\n\n" for number in range(40))
    Shelf(business, base["id"]).keep("Rooms", rooms)
    persona = "/api/v1/personas/innkeeper/"
    assert business.api.patch(persona, {"settings": {"knowledge_bases": ["house"]}}).status_code == 200
    assert business.api.post(f"{persona}publish/").status_code in (200, 201)
    return business


def session(business: Business) -> str:
    """A new end user's token."""
    body = {"persona": "innkeeper", "end_user": {"id": uuid4().hex}}
    answer = business.api.post("/api/v1/chat/sessions/", body)
    return str(answer.json()["token"])


@contextlib.asynccontextmanager
async def _tab(web: Running, token: str) -> Any:
    subprotocols: Any = ["troupe.v1", f"token.{token}"]
    async with connect(f"{web.url}/ws/v1/chat/", subprotocols=subprotocols) as socket:
        await socket.send('{"type": "hello"}')
        await socket.recv()
        yield socket


def _ms(values: list[float]) -> str:
    return f"{percentile(values, 0.5) * 1000:.1f} / {percentile(values, 0.99) * 1000:.1f}"


def _gap(ours: list[float], bare: list[float]) -> str:
    gaps = [(percentile(ours, share) - percentile(bare, share)) * 1000 for share in (0.5, 0.99)]
    return f"{gaps[0]:.1f} / {gaps[1]:.1f}"
