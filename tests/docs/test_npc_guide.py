"""The guide to a first NPC runs as it stands, without a model, in both languages."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import ROOT, page

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
    shutil.copy(ROOT / "npc/clients/python/troupe_npc.py", tmp_path)
    _written, played, opened, turn = answers(guide, server, acme, tmp_path)

    call_command("npc_check", str(tmp_path / "forge.yaml"))
    assert [block.text for block in page(guide).blocks("text")] == [played]
    assert json.loads(opened)["state"]["gold"] == 20
    answer = json.loads(turn)
    assert says in answer["say"]
    assert [(action["name"], action["arguments"]) for action in answer["actions"]] == [("sell", {"item": item})]


def answers(guide: str, server: InProcessServer, business: Business, folder: Path) -> list[str]:
    """What a reader sees, step by step, who pastes the page into one shell."""
    steps = [block.text for block in page(guide).blocks("sh run")]
    script = f"printf '%s' '{MARK}'\n".join(steps)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {"PATH": path, "TROUPE": server.http, "KEY": business.token, "LC_ALL": "C.UTF-8"}
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
