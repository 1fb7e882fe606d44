"""What a turn of a game adds to its model, whether it keeps its deadline, and how fast it is replayed.

The web process is asked over its socket, on the demo's village; a turn is held against the same reply asked of the
model directly, in the same run. Pieces can be named: `python -m tests.bench npc:overhead,replay`.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import numpy as np
import psutil

from tests.bench.npc_model import REPLY
from tests.bench.stage import Running, percentile, python, server
from tests.chat.stage import ROOT
from tests.conftest import Business

Row = tuple[str, str]

VILLAGE = ROOT / "demo" / "worlds" / "village.en.yaml"
PLAYER, SPEAKS_TO = "robin", "baker"
ALONE, WARM = 150, 20
SESSIONS, LOAD_S = 200, 12
WITH_RECALL_PER_S, AT_HAND_PER_S = 15, 50
MEMORIES, RECALLS = 10_000, 40
CHECKS = 300
SAVES = 30
DEADLINE_MS, DEADLINES_PER_S, DEADLINE_TURNS, STALLS = 400, 15, 2_000, 0.4
REPLAYS = 1_000
# The same words again: their vector is at hand.
KNOWN_WORDS = "What have you baked today?"


def measure(only: str = "") -> list[Row]:
    """Rows of the table: what, and how much."""
    pieces: dict[str, Callable[[], list[Row]]] = {
        "overhead": overhead,
        "checks": checks,
        "recall": recall_at_ten_thousand,
        "saves": saves,
        "load": load,
        "deadline": deadline,
        "replay": replay,
    }
    wanted = only.split(",") if only else list(pieces)
    return [row for name in wanted for row in pieces[name]()]


# --- Alone ----------------------------------------------------------------------------------------------------
def overhead() -> list[Row]:
    """A turn and the model alone, in turn; the CPU of the web process for one turn."""
    with stage() as (model, web, village):
        at_hand, fresh, first, direct, cpu_ms = asyncio.run(_alone(model, web, village))
    embedding = _embedding_ms()
    return [
        ("model alone, ms p50 / p95", _ms(direct)),
        ("a turn, vector at hand, ms p50 / p95", _ms(at_hand)),
        ("→ overhead of a turn, ms p50 / p95 (8 / 25)", _gap(at_hand, direct)),
        ("→ the same with words that are new, ms p50 / p95", _gap(fresh, direct)),
        ("of that the embedding of a question, CPU ms p50 / p95", f"{embedding[0]:.1f} / {embedding[1]:.1f}"),
        ("→ first speech.delta over the model's first words, ms p50 / p95 (– / 50)", _gap(first, direct)),
        ("CPU of the web process for a turn, vector at hand, ms", f"{cpu_ms:.1f}"),
    ]


async def _alone(model: Running, web: Running, village: "Village") -> tuple[Any, ...]:
    at_hand, fresh, first, direct = list[float](), list[float](), list[float](), list[float]()
    cpu_s = 0.0
    async with asking(web) as ask:
        game = village.session()
        for number in range(ALONE + WARM):
            one_direct = await _ask_model(model)
            before = web.cpu_s()
            took = await ask.turn(game, KNOWN_WORDS)
            spent = web.cpu_s() - before
            one_first = await ask.first_delta(game, KNOWN_WORDS)
            one_fresh = await ask.turn(game, f"What about number {number}, is it for sale?")
            await ask.act()
            if number >= WARM:  # pools and caches are warm
                cpu_s += spent
                for values, value in zip(
                    (at_hand, fresh, first, direct), (took, one_fresh, one_first, one_direct), strict=True
                ):
                    values.append(value)
    return at_hand, fresh, first, direct, cpu_s / ALONE * 1000


def _embedding_ms() -> list[float]:
    from llm.embedding import bundled

    took = []
    for number in range(40):
        began = time.process_time()
        bundled().embed_query(f"What about number {number}, is it for sale here today?")
        took.append((time.process_time() - began) * 1000)
    return [percentile(took[3:], 0.5), percentile(took[3:], 0.95)]


async def _ask_model(model: Running) -> float:
    """Seconds for the same reply without us."""
    body = {"model": "fake", "messages": [{"role": "user", "content": KNOWN_WORDS}], "stream": True}
    began = time.perf_counter()
    async with _direct().post(f"{model.url}/chat/completions", json=body) as response:
        await response.read()
    return time.perf_counter() - began


_clients: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}


def _direct() -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = aiohttp.ClientSession()
    return _clients[loop]


# --- Parts of a turn --------------------------------------------------------------------------------------------
def checks() -> list[Row]:
    """Planning what is possible and checking what is proposed, as each turn does both."""
    from npc.sessions.entries import Opened
    from npc.sessions.folding import first_play
    from npc.sessions.play import Player
    from npc.sessions.situations import situation
    from npc.turns.checking import check_actions
    from npc.turns.planning import offers
    from npc.worlds.compiled import CompiledWorld
    from npc.worlds.document import World

    world = CompiledWorld(uuid4(), World.model_validate(_document()), {})
    opened = Opened(player=Player(id=PLAYER), state=world.document.initial_state, scene="bakery")
    play, proposed = first_play(world, opened), json.loads(REPLY)["actions"]
    plan_ms, check_ms = [], []
    for _number in range(CHECKS):
        began = time.process_time()
        seen = situation(world, play, actor=SPEAKS_TO, speaker=PLAYER)
        possible = offers(world, seen, SPEAKS_TO)
        planned = time.process_time()
        assert check_actions(world, seen, possible, proposed).passed
        plan_ms.append((planned - began) * 1000)
        check_ms.append((time.process_time() - planned) * 1000)
    return [
        ("planning the actions, CPU ms p50 / p95", _pair(plan_ms)),
        ("checking an action, CPU ms p50 / p95 (2)", _pair(check_ms)),
    ]


def recall_at_ten_thousand() -> list[Row]:
    """Turns of a character that keeps 10 000 memories, beside turns of one that keeps few; and the query alone."""
    with stage() as (_model, web, village):
        new, old = village.session(), village.session()
        _remember(village.business, old)
        alone = _recall_ms(village.business, old)

        async def both() -> tuple[list[float], list[float]]:
            few, many = [], []
            async with asking(web) as ask:
                for _number in range(RECALLS):
                    few.append(await ask.turn(new, KNOWN_WORDS))
                    many.append(await ask.turn(old, KNOWN_WORDS))
            return few[5:], many[5:]

        few, many = asyncio.run(both())
    return [
        (f"recall among {MEMORIES:,} memories, ms p50 / p95 (– / 20)", _pair(alone)),
        ("→ what they add to a turn, ms p50 / p95", _gap(many, few)),
    ]


def _remember(business: Business, session_id: str) -> None:
    """Fill a character's mind, and let the database know of it."""

    from npc.models import GameSession
    from personas.models import Memory

    random = np.random.default_rng(7)
    with business.scope():
        branch_id = GameSession.objects.values_list("live", flat=True).get(pk=session_id)
        Memory.objects.bulk_create(
            [
                Memory(
                    store=branch_id,
                    seq=1,
                    holder=SPEAKS_TO,
                    kind=Memory.Kind.SAID,
                    text=f"Somebody said something of little weight, number {number}.",
                    importance=float(random.random()),
                    game_time=float(number),
                    source={},
                    embedding=_unit(random.normal(size=384)),
                )
                for number in range(MEMORIES)
            ],
            batch_size=1_000,
        )


def _unit(vector: Any) -> list[float]:
    return [float(value) for value in vector / np.linalg.norm(vector)]


def _recall_ms(business: Business, session_id: str) -> list[float]:
    from llm.embedding import bundled
    from npc.knowledge.remembering import sights_of
    from npc.models import GameSession
    from personas.memories import recall

    took = []
    with business.scope():
        branch = GameSession.objects.select_related("live").get(pk=session_id).live
        vector = bundled().embed_query(KNOWN_WORDS)
        for _number in range(RECALLS):
            began = time.perf_counter()
            recall(
                tenant_id=business.id,
                sights=sights_of(branch),
                holder=SPEAKS_TO,
                query_vector=vector,
                now_game_time=0,
                limit=12,
            )
            took.append((time.perf_counter() - began) * 1000)
    return took[3:]


def saves() -> list[Row]:
    """A save in the middle of a play."""
    with stage() as (_model, web, village):
        game = village.session()
        took, sizes = [], []

        async def play_and_save() -> None:
            async with asking(web) as ask:
                for number in range(SAVES):
                    await ask.turn(game, f"{KNOWN_WORDS} {number}")
                    began = time.perf_counter()
                    answer = await ask.post(f"sessions/{game}/saves/", {})
                    took.append((time.perf_counter() - began) * 1000)
                    sizes.append(answer["bytes"])

        asyncio.run(play_and_save())
        characters = len(_document()["characters"])
    return [
        ("a save, ms p50 / p95 (50)", _pair(took)),
        ("bytes of a save for each character (65536)", f"{max(sizes) / characters:.0f}"),
    ]


# --- Many at once ---------------------------------------------------------------------------------------------
def load() -> list[Row]:
    """200 sessions in one web process."""
    with stage() as (model, web, village):
        sessions = [village.session() for _ in range(SESSIONS)]
        rows = []
        for per_s, name, words in (
            (WITH_RECALL_PER_S, "new words", lambda number: f"And number {number}, what is that for?"),
            (AT_HAND_PER_S, "vectors at hand", lambda _: KNOWN_WORDS),
        ):
            turns, direct, cpu_s = asyncio.run(_loaded(model, web, sessions, per_s, words))
            rows += [
                (
                    f"{SESSIONS} sessions, {per_s} turns/s, {name}: overhead ms p50 / p99 (– / 100)",
                    _gap99(turns, direct),
                ),
                ("  CPU of the web process for a turn, ms", f"{cpu_s / len(turns) * 1000:.1f}"),
            ]
        rows.append(("turns that stand out of order in their session's log (0)", str(village.out_of_order(sessions))))
    return rows


async def _loaded(
    model: Running, web: Running, sessions: list[str], per_s: int, words: Callable[[int], str]
) -> tuple[list[float], list[float], float]:
    turns: list[float] = []
    direct: list[float] = []

    async def note(into: list[float], asked: Awaitable[float]) -> None:
        into.append(await asked)

    async with asking(web) as ask:
        for session in sessions[:5]:
            await ask.turn(session, words(-1))
        before, asked = web.cpu_s(), []
        async for number in paced(per_s, per_s * LOAD_S):
            asked.append(asyncio.create_task(note(turns, ask.turn(sessions[number % len(sessions)], words(number)))))
            if number % 5 == 0:
                asked.append(asyncio.create_task(note(direct, _ask_model(model))))
        await asyncio.gather(*asked)
        return turns, direct, web.cpu_s() - before


def deadline() -> list[Row]:
    """Turns with little time against a model that stalls at random."""
    with stage("--stalls", str(STALLS)) as (_model, web, village):
        sessions = [village.session() for _ in range(SESSIONS)]
        took, fallbacks = asyncio.run(_hurried(web, sessions))
    late = [one - DEADLINE_MS / 1000 for one in took]
    share = sum(one <= 0.02 for one in late) / len(late)
    return [
        (f"{len(took)} turns of {DEADLINE_MS} ms, in time (+ 20 ms) (99.9 %)", f"{share:.2%}"),
        ("after the deadline, ms p99.9 / most", f"{percentile(late, 0.999) * 1000:.0f} / {max(late) * 1000:.0f}"),
        ("answered by the model / by other words", f"{fallbacks[False]} / {fallbacks[True]}"),
    ]


async def _hurried(web: Running, sessions: list[str]) -> tuple[list[float], dict[bool, int]]:
    took: list[float] = []
    fallbacks = {False: 0, True: 0}

    async def one(number: int) -> None:
        began = time.perf_counter()
        answer = await ask.ask(sessions[number % len(sessions)], KNOWN_WORDS, deadline_ms=DEADLINE_MS)
        took.append(time.perf_counter() - began)
        fallbacks[answer["fallback"] is not None] += 1

    async with asking(web) as ask:
        for session in sessions[:5]:
            await ask.turn(session, KNOWN_WORDS)
        tasks = [asyncio.create_task(one(number)) async for number in paced(DEADLINES_PER_S, DEADLINE_TURNS)]
        await asyncio.gather(*tasks)
    return took, fallbacks


async def paced(per_s: float, count: int) -> AsyncIterator[int]:
    """Numbers, so many a second, however late one was."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / per_s - loop.time()))
        yield number


# --- Replay -----------------------------------------------------------------------------------------------------
def replay() -> list[Row]:
    """Every turn of some sessions again, from their logs."""
    from npc.models import LogEntry
    from npc.turns.replaying import replay_turn

    with stage() as (_model, web, village):
        sessions = [village.session() for _ in range(REPLAYS // 20)]

        async def play() -> None:
            async with asking(web) as ask:
                await asyncio.gather(*(play_one(ask, number, session) for number, session in enumerate(sessions)))

        busy = asyncio.Semaphore(8)

        async def play_one(ask: "Asking", number: int, session: str) -> None:
            for step in range(20):
                async with busy:
                    await ask.turn(session, f"{KNOWN_WORDS} {(number * step) % 50}")

        asyncio.run(play())
        with village.business.scope():
            turns = LogEntry.objects.filter(kind="turn.closed").values_list("branch__session_id", "subject")
            logged: list[tuple[UUID, UUID]] = list(turns)
            began, began_cpu = time.perf_counter(), time.process_time()
            same = sum(replay_turn(village.business.id, *one)["identical"] for one in logged)
        took_s, cpu_s = time.perf_counter() - began, time.process_time() - began_cpu
    return [
        (f"of {len(logged)} logged turns, replayed identically (100 %)", f"{same / len(logged):.2%}"),
        ("replayed in a second", f"{len(logged) / took_s:.0f}"),
        ("CPU of a replay without the database's, ms", f"{cpu_s / len(logged) * 1000:.1f}"),
    ]


# --- The village ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Village:
    business: Business

    def session(self) -> str:
        body = {"world": "village-en", "player": {"id": PLAYER, "scene": "bakery"}}
        answer = self.business.api.post("/api/v1/npc/sessions/", body)
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"])

    def out_of_order(self, sessions: list[str]) -> int:
        """Turns that were closed before they were opened, or opened while another one of their session was open."""
        from npc.models import LogEntry

        wrong = 0
        with self.business.scope():
            for session in sessions:
                log = LogEntry.objects.filter(branch__session=UUID(session), kind__startswith="turn.").order_by("seq")
                entries = list(log.values_list("kind", "subject"))
                pairs = (entries[start : start + 2] for start in range(0, len(entries), 2))
                wrong += sum([kind for kind, _ in pair] != ["turn.opened", "turn.closed"] for pair in pairs)
        return wrong


class Asking:
    """A game server that asks over HTTP."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._proposed: list[tuple[str, dict[str, Any]]] = []

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        async with self._http.post(f"/api/v1/npc/{path}", json=body) as response:
            assert response.ok, await response.text()
            return await response.json()

    async def ask(self, session: str, text: str, **more: Any) -> Any:
        return await self.post(f"sessions/{session}/turns/", _turn(text, **more))

    async def turn(self, session: str, text: str) -> float:
        """Seconds until the whole answer."""
        began = time.perf_counter()
        answer = await self.ask(session, text)
        took = time.perf_counter() - began
        assert answer["fallback"] is None, answer
        self._proposed += [(session, action) for action in answer["actions"]]
        return took

    async def first_delta(self, session: str, text: str) -> float:
        """Seconds until the first of the speech."""
        url, headers = f"/api/v1/npc/sessions/{session}/turns/", {"Accept": "text/event-stream"}
        began, first, told = time.perf_counter(), 0.0, b""
        async with self._http.post(url, json=_turn(text), headers=headers) as stream:
            async for line in stream.content:
                if not first and line == b"event: speech.delta\n":
                    first = time.perf_counter() - began
                if line.startswith(b"data: "):
                    told = line.removeprefix(b"data: ")
        self._proposed += [(session, action) for action in json.loads(told)["actions"]]  # of `turn.done`
        return first

    async def act(self) -> None:
        """Let what was proposed happen, as a game does: a session does not stand with hundreds of open proposals."""
        while self._proposed:
            session, action = self._proposed.pop()
            await self.post(f"sessions/{session}/actions/{action['id']}/result/", {"accepted": True})


def _turn(text: str, **more: Any) -> dict[str, Any]:
    return {"character": SPEAKS_TO, "speaker": PLAYER, "text": text, **more}


@contextlib.asynccontextmanager
async def asking(web: Running) -> AsyncIterator[Asking]:
    connector = aiohttp.TCPConnector(limit=SESSIONS)
    base_url = web.url.replace("ws://", "http://")
    async with aiohttp.ClientSession(base_url, headers=_headers[web.url], connector=connector) as http:
        yield Asking(http)
    if client := _clients.pop(asyncio.get_running_loop(), None):
        await client.close()


_headers: dict[str, dict[str, str]] = {}


@contextlib.contextmanager
def stage(*model_options: str) -> Iterator[tuple[Running, Running, Village]]:
    """The village with a model behind it, in a web process of its own."""
    with python("-m", "tests.bench.npc_model", *model_options) as process:
        assert process.stdout
        model = Running(psutil.Process(process.pid), process.stdout.readline().strip())
        village = Village(_business(model.url))
        with server("config.asgi:application") as web:
            _headers[web.url] = village.business.headers
            yield model, web, village


def _business(model_url: str) -> Business:
    from llm.models import Route
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key

    tenant = create_tenant(name="Village", slug=f"village-{uuid4().hex[:8]}")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    with business.scope():
        Route(slug="main", name="Main", base_url=model_url, chat_model="fake", is_default=True).save()
    answer = business.api.put("/api/v1/npc/worlds/village-en/", _document())
    assert answer.status_code == 201, answer.content
    return business


def _document() -> dict[str, Any]:
    from npc.worlds.files import parse_world

    document: dict[str, Any] = parse_world(Path(VILLAGE).read_bytes(), is_yaml=True)
    return document


def _ms(values: list[float]) -> str:
    return f"{percentile(values, 0.5) * 1000:.1f} / {percentile(values, 0.95) * 1000:.1f}"


def _pair(values_ms: list[float]) -> str:
    return f"{percentile(values_ms, 0.5):.1f} / {percentile(values_ms, 0.95):.1f}"


def _gap(ours: list[float], bare: list[float], shares: tuple[float, float] = (0.5, 0.95)) -> str:
    gaps = [(percentile(ours, share) - percentile(bare, share)) * 1000 for share in shares]
    return f"{gaps[0]:.1f} / {gaps[1]:.1f}"


def _gap99(ours: list[float], bare: list[float]) -> str:
    return _gap(ours, bare, (0.5, 0.99))
