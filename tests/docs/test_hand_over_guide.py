"""The hand-over guide's commands run as they stand, in both languages."""

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chat.conftest import open_inn, welcome
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize(
    ("guide", "said"), [("docs/guides/hand-over.md", "Bob here."), ("docs/guides/hand-over.zh.md", "我是小包。")]
)
def test_a_person_takes_over_and_gives_back(server: InProcessServer, acme: Business, guide: str, said: str):
    open_inn(acme, None)
    carol = welcome(acme, "carol")
    names = {"PERSONA": "innkeeper", "CONVERSATION": carol.conversation_id}

    settings, worked = [run(block.text, server, acme, names) for block in page(guide).blocks("sh run")]

    assert '"version"' in settings
    assert '"state":"human"' in worked.replace(" ", "")
    assert worked.replace(" ", "").count('"state":"bot"') == 1
    assert [(each["role"], each["text"]) for each in carol.messages()] == [("human", said)]


def run(command: str, server: InProcessServer, business: Business, names: dict[str, Any]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={"PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": business.token, **names},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout
