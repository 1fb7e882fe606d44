"""The API guide's commands run as they stand, from the first to the last, in both languages."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.knowledge.conftest import work_off


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize(
    ("guide", "quoted"),
    [("docs/guides/api.md", "within 30 days"), ("docs/guides/api.zh.md", "三十天内可以退货")],
)
def test_the_guide_leads_to_a_streamed_answer(server: InProcessServer, acme: Business, guide: str, quoted: str):
    answers = []
    for block in page(guide).blocks("sh run"):
        answers.append(run(block.text, server, acme))
        work_off(acme)

    base, document, persona, session, completion = answers
    assert json.loads(base)["document_count"] == 0
    assert json.loads(document)["status"] == "queued"
    assert '"chat_url"' in persona
    assert json.loads(session)["token"].startswith("st_")
    assert quoted in streamed(completion)


def run(command: str, server: InProcessServer, business: Business) -> str:
    """What a reader would see who pastes it into his shell."""
    environ = {"PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": business.token}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def streamed(completion: str) -> str:
    """The text of a stream of completion chunks. It must have come in several, and ended as it should."""
    events = [line.removeprefix("data: ") for line in completion.splitlines() if line]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events[:-1] if json.loads(event)["choices"]]
    assert len(deltas) > 1  # the reader says what it says at once, but who speaks comes first, and the end last
    return "".join(delta.get("content") or "" for delta in deltas)
