"""The guide to limits and cost runs as it stands, in both languages."""

import json
from collections.abc import Iterator

import pytest

from tenants.limits.policies import DEFAULTS, OPERATORS_ONLY
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.docs.test_ask_guide import run

GUIDES = {"en": "docs/guides/limits-and-cost.md", "zh": "docs/guides/limits-and-cost.zh.md"}


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_sets_a_limit_and_a_budget(
    server: InProcessServer, acme: Business, tmp_path: object, language: str
) -> None:
    blocks = page(GUIDES[language]).blocks("sh run")

    headers, limit, budget, usage = (run(block.text, server, acme, tmp_path) for block in blocks)  # type: ignore[arg-type]

    assert '"key-requests";q=6000;w=60' in headers.lower()
    assert json.loads(limit)["limit"] == 20
    assert json.loads(budget)["rung"] == "normal"
    assert json.loads(usage)["budgets"] == [json.loads(budget)]


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_names_the_limits_that_there_are(language: str) -> None:
    text = page(GUIDES[language]).text
    for of, limit in DEFAULTS.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{of}`"))
        assert f"{limit.limit:,}" in line
        assert str(limit.window_s) in line
    assert all(f"`{of}`" in text for of in OPERATORS_ONLY)
