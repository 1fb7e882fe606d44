"""The desk guide's commands run as they stand, in both languages; its keys and its names are the page's."""

import json
import os
import re
import subprocess

import pytest

from tests.analytics.pages.test_strings import texts_in
from tests.chat.conftest import open_inn, server, welcome
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.docs.pages import ROOT, page

__all__ = ["server"]

DESK = ROOT / "platform/chat/static/desk"


@pytest.mark.parametrize(("guide", "name"), [("docs/guides/desk.md", "Ann"), ("docs/guides/desk.zh.md", "小安")])
def test_a_conversation_is_taken_over_by_the_guides_commands(
    server: InProcessServer, acme: Business, guide: str, name: str
) -> None:
    open_inn(acme, None, handoff={"enabled": True})
    carol = welcome(acme, "carol")
    asked = acme.api.post(f"/api/v1/conversations/{carol.conversation_id}/handoff/", {"reason": "Help"})
    assert asked.status_code == 200
    environ = {"PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": acme.token, "ID": carol.conversation_id}

    told = [
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            env=environ, capture_output=True, text=True, timeout=60, check=True,
        ).stdout
        for block in page(guide).blocks("sh run")
    ]  # fmt: skip

    assert json.loads(told[0])["shortcut"] in ("hello", "nihao")
    assert carol.conversation_id in told[1]
    listed = acme.api.get(f"/api/v1/conversations/{carol.conversation_id}/handoffs/").json()["results"]
    assert listed[-1]["agent"]["name"] == name


@pytest.mark.parametrize("guide", ["docs/guides/desk.md", "docs/guides/desk.zh.md"])
def test_its_keys_are_those_of_the_page(guide: str) -> None:
    keys = set(re.findall(r'"(\w|\?|/)"', (DESK / "keys.js").read_text()))
    said = set(re.findall(r"`(\w|\?|/)`", page(guide).text))

    assert said <= keys
    assert {"j", "k", "t", "r", "n", "f", "b", "e", "s", "i", "?", "/"} <= said


def test_its_names_are_those_of_the_page() -> None:
    chinese = set(texts_in(DESK / "strings.js", "zh").values())
    quoted = {
        "等待中",
        "我的",
        "全部进行中",
        "已关闭",
        "接管",
        "备注",
        "转接",
        "交还机器人",
        "关闭",
        "快捷回复",
        "回答是怎么来的",
    }

    assert quoted <= chinese
    assert all(f"“{name}”" in page("docs/guides/desk.zh.md").text for name in quoted)
