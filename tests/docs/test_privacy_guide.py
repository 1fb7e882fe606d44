"""The guide to what is kept runs as it stands, in both languages, and ends with a receipt."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator

import pytest
from django.db import connections

from tests.chat.conftest import open_inn
from tests.chat.retention.test_retention import SAID, talk
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.knowledge.conftest import work_off


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.fixture
def worker(acme: Business) -> Iterator[None]:
    """Does what is in line while the guide waits for it."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.1):
            work_off(acme)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    is_over.set()
    thread.join()


@pytest.mark.parametrize("guide", ["docs/guides/privacy.md", "docs/guides/privacy.zh.md"])
def test_the_guide_leads_to_a_receipt(server, acme, worker, tmp_path, guide):
    open_inn(acme, None)
    talk(acme, "carol")
    environ = {"PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": acme.token}
    for block in page(guide).blocks("sh run"):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    assert SAID in [row["text"] for row in json.loads((tmp_path / "carol.json").read_text())["messages"]]
    told = json.loads((tmp_path / "receipt.json").read_text())
    assert (told["status"], told["receipt"]["total_left"], told["receipt"]["is_genuine"]) == ("done", 0, True)
    assert told["receipt"]["found"]["messages"] == 2
