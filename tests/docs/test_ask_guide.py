"""The guide to asking data runs as it stands, without a model, in both languages; its bold words stand on the pages."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.analytics.pages.test_strings import STATIC, texts_in
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import page
from tests.knowledge.conftest import work_off

GUIDES = {"en": "docs/guides/ask-your-data.md", "zh": "docs/guides/ask-your-data.zh.md"}


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize("language", GUIDES)
def test_the_guide_leads_to_the_sales_of_another_city(
    server: InProcessServer, acme: Business, tmp_path: Path, language: str
) -> None:
    answers = []
    for block in page(GUIDES[language]).blocks("sh run"):
        answers.append(run(block.text, server, acme, tmp_path))
        work_off(acme)

    dataset, pair, question, result, refused = answers
    assert json.loads(dataset)["status"] == "importing"
    assert json.loads(pair)["status"] == "approved"
    assert json.loads(question)["status"] == "queued"
    assert '"status":"ready"' in result.replace(" ", "")
    assert result.splitlines()[-1].strip() == "88"
    assert json.loads(refused)["code"] == "sql_rejected"


def run(command: str, server: InProcessServer, business: Business, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {"PATH": path, "TROUPE": server.http, "KEY": business.token, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("language", GUIDES)
def test_bold_words_stand_on_the_pages(language: str) -> None:
    known = {text.casefold() for text in texts_in(STATIC / "strings.js", language).values()}
    # These stand in the admin, on buttons for files, or are said of what the page shows.
    elsewhere = {"model routes", "模型路由", "csv", "xlsx", "join", "metric", "bold", "粗体"}
    bold = {
        " ".join(word.split()).casefold() for word in re.findall(r"\*\*(.+?)\*\*", page(GUIDES[language]).prose, re.S)
    }

    assert bold - known - elsewhere == set()
