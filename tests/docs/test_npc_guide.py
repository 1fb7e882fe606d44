"""The guide to a first NPC runs as it stands, without a model, in both languages."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page

# Between the answers of two steps; no answer holds it.
MARK = "\n---8<---\n"


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize(
    ("guide", "says", "item"),
    [("docs/guides/first-npc.md", "Fifteen gold", "sword"), ("docs/guides/first-npc.zh.md", "十五枚金币", "剑")],
)
def test_the_guide_leads_to_an_npc_that_sells_a_sword(
    server: InProcessServer, acme: Business, tmp_path: Path, guide: str, says: str, item: str
) -> None:
    _written, put, opened, turn, event, state_and_knowledge, save = answers(guide, server, acme, tmp_path)

    call_command("npc_check", str(tmp_path / "forge.yaml"))
    assert (json.loads(put)["version"], json.loads(put)["warnings"]) == (1, [])
    assert json.loads(opened)["state"]["gold"] == 20
    answer = json.loads(turn)
    assert says in answer["say"]
    assert [(action["name"], action["arguments"]) for action in answer["actions"]] == [("sell", {"item": item})]
    assert json.loads(event)["id"]
    state, knowledge = decoded(state_and_knowledge)
    assert state["state"]["stage"] == 1
    assert sorted(knowledge["may_know"]) == ["flood", "theft"]
    assert json.loads(save)["bytes"] < 64 * 1024


def answers(guide: str, server: InProcessServer, business: Business, folder: Path) -> list[str]:
    """What a reader sees, step by step, who pastes the page into one shell."""
    steps = [block.text for block in page(guide).blocks("sh run")]
    script = f"printf '%s' '{MARK}'\n".join(steps)
    environ = {"PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": business.token, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(MARK)


def decoded(text: str) -> list[Any]:
    """JSON values that stand one behind the other."""
    found, rest, decoder = [], text.strip(), json.JSONDecoder()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found
