"""The guide to answers and tests runs as it stands, in both languages."""

import json
from collections.abc import Iterator

import pytest

from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.docs.test_api_guide import run
from tests.knowledge.conftest import work_off


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize("guide", ["docs/guides/answers.md", "docs/guides/answers.zh.md"])
def test_the_guide_leads_to_a_test_that_passed(server: InProcessServer, acme: Business, guide: str):
    answers = []
    for block in page(guide).blocks("sh run"):
        answers.append(run(block.text, server, acme))
        work_off(acme)

    _made, turn, _started, runs = answers
    completed = json.loads(turn)
    assert completed["claims"]
    assert all(claim["supported"] for claim in completed["claims"])
    assert completed["suggestions"]
    (only,) = json.loads(runs)["results"]
    assert (only["status"], only["passed"], only["total"]) == ("done", 1, 1)
