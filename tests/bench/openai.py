"""The OpenAI-compatible door beside LiteLLM's proxy, in one run, in front of the same fake model.

What is compared: the time a gateway adds to one completion, and how many completions a CPU second of its process is
good for. What is not: Troupe stores each conversation, compiles a persona's prompt, counts limits and budgets and
meters the call, in PostgreSQL and Valkey, whose CPU is told apart; LiteLLM runs here as a plain relay with a master
key, without database, cache or budgets. It is installed for the run into an environment of its own.
"""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil

from embedded.ports import random_free_port
from tests.bench.stage import fake_model, percentile, server, valkey, wait_for
from tests.bench.streaming import inn

LITELLM = "litellm[proxy]==1.106.2"
# Another run may have left one: `LITELLM_PYTHON` names its interpreter.
PYTHON = "LITELLM_PYTHON"
MASTER_KEY = "sk-bench"
TOKENS = 20
WARM, ALONE, CROWD, LANES = 20, 100, 300, 16
GUESTS = 50


@dataclass(frozen=True)
class Door:
    """Something that answers as OpenAI does, and the processes that it is made of."""

    name: str
    url: str
    key: str
    model: str
    processes: list[psutil.Process]

    def cpu_s(self) -> float:
        return sum(cpu_of(process) for process in self.processes)


def cpu_of(process: psutil.Process) -> float:
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


def measure() -> list[tuple[str, str]]:
    """Rows of the table: what, and how much."""
    with fake_model(tokens=TOKENS, delay_ms=0) as model, litellm(model.url) as proxy:
        business = inn(model.url, "door")
        with server("config.asgi:application") as web:
            direct = Door("the model", model.url, "none", "fake", [model.process])
            http = web.url.replace("ws://", "http://") + "/v1"
            ours = Door("Troupe", http, business.token, "innkeeper", [web.process])
            stores = Door("its PostgreSQL and Valkey", "", "", "", [postgres(), valkey()])
            return asyncio.run(_measured(direct, ours, stores, proxy))


async def _measured(direct: Door, ours: Door, stores: Door, proxy: Door) -> list[tuple[str, str]]:
    rows = []
    for is_streamed, what in ((False, "whole answer"), (True, "first token")):
        times: dict[str, list[float]] = {door.name: [] for door in (direct, ours, proxy)}
        for number in range(WARM + ALONE):  # in turns, so that what else the machine does meets them alike
            for door in (direct, ours, proxy):
                took = await _ask(door, is_streamed=is_streamed)
                if number >= WARM:
                    times[door.name].append(took)
        rows += [(f"{what}, {name}, ms p50 / p99", _ms(found)) for name, found in times.items()]
        for door in (ours, proxy):
            gap = [percentile(times[door.name], share) - percentile(times[direct.name], share) for share in (0.5, 0.99)]
            rows.append(
                (f"→ {what}, added by {door.name}, ms p50 / p99", " / ".join(f"{one * 1e3:.1f}" for one in gap))
            )
    for door, beside in ((ours, stores), (proxy, None)):
        spent, aside, wall = await _crowd(door, beside)
        note = f" ({CROWD / aside:.0f} with {beside.name})" if beside else ""
        rows.append((f"requests a CPU second, {door.name}, {LANES} at once{note}", f"{CROWD / spent:.0f}"))
        rows.append((f"requests a second, {door.name}, one process", f"{CROWD / wall:.0f}"))
    return rows


async def _ask(door: Door, *, is_streamed: bool) -> float:
    """Seconds until the answer, or its first token."""
    body = {"model": door.model, "messages": [{"role": "user", "content": "Any rooms?"}], "stream": is_streamed}
    # A person may say only so much in a minute.
    own = {} if door.model == "fake" else {"user": f"carol-{next(_guests) % GUESTS}"}
    client = _client()
    headers = {"Authorization": f"Bearer {door.key}"}
    began, first = time.perf_counter(), 0.0
    async with client.stream("POST", f"{door.url}/chat/completions", json={**body, **own}, headers=headers) as answer:
        assert answer.status_code == 200, (door.name, await answer.aread())
        async for line in answer.aiter_lines():
            if is_streamed and not first and line.startswith("data: {") and _has_text(line):
                first = time.perf_counter() - began
    return first or time.perf_counter() - began


def _has_text(line: str) -> bool:
    choices = json.loads(line[6:])["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


_guests = itertools.count()
_clients: list[httpx2.AsyncClient] = []


def _client() -> httpx2.AsyncClient:
    if not _clients:
        _clients.append(httpx2.AsyncClient(timeout=60, limits=httpx2.Limits(max_connections=2 * LANES)))
    return _clients[0]


async def _crowd(door: Door, beside: Door | None) -> tuple[float, float, float]:
    """CPU seconds of the door, the same with what it stores in, and wall seconds for the crowd."""
    waiting = list(range(CROWD))

    async def lane() -> None:
        while waiting:
            waiting.pop()
            await _ask(door, is_streamed=False)

    cpu, stored, began = door.cpu_s(), beside.cpu_s() if beside else 0.0, time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    wall, spent = time.perf_counter() - began, door.cpu_s() - cpu
    return spent, spent + (beside.cpu_s() - stored if beside else 0.0), wall


def _ms(values: list[float]) -> str:
    return " / ".join(f"{percentile(values, share) * 1000:.1f}" for share in (0.5, 0.99))


# --- LiteLLM ------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def litellm(model_url: str) -> Iterator[Door]:
    """Its proxy as one process, in front of the model."""
    with tempfile.TemporaryDirectory() as folder:
        python = os.environ.get(PYTHON) or _installed(Path(folder) / "venv")
        config = Path(folder) / "config.yaml"
        params = {"model": "openai/fake", "api_base": model_url, "api_key": "none"}
        settings = {"master_key": MASTER_KEY}
        config.write_text(
            json.dumps({"model_list": [{"model_name": "gpt", "litellm_params": params}], "general_settings": settings})
        )
        port = random_free_port()
        command = [Path(python).parent / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "1",
        }
        process = subprocess.Popen(
            [*map(str, command), "--telemetry", "False"],
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, within_s=240)
            url = f"http://127.0.0.1:{port}/v1"
            yield Door("LiteLLM", url, MASTER_KEY, "gpt", [psutil.Process(process.pid)])
        finally:
            process.terminate()
            process.wait(timeout=30)


def _installed(folder: Path) -> str:
    python = folder / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", LITELLM],
    ):
        subprocess.run(command, check=True)
    return str(python)


def postgres() -> psutil.Process:
    """This run's PostgreSQL, known by its port."""
    port = urlsplit(os.environ["DATABASE_URL"]).port
    for process in psutil.process_iter(["name", "ppid"]):
        if process.info["name"] == "postgres":
            with contextlib.suppress(psutil.Error):
                if any(each.laddr.port == port and each.status == "LISTEN" for each in process.net_connections("tcp")):
                    return process
    raise LookupError("PostgreSQL")
