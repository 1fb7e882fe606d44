"""LangChain's ChatOpenAI, beside packages of its own: it wants older ones than we do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"


@pytest.fixture(scope="session")
def langchain(tmp_path_factory):
    """A folder with LangChain and all that it wants. What is imported once need not be compiled beforehand."""
    folder = str(tmp_path_factory.mktemp("langchain"))
    by_uv, by_pip = ["uv", "pip", "install", "--python", sys.executable], [sys.executable, "-m", "pip", "install"]
    options = ["-q", "--no-compile", "--target", folder, "-r", str(CLIENTS / "langchain.txt")]
    command = [*(by_uv if shutil.which("uv") else by_pip), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return folder


def test_langchain_works_unchanged(langchain, server, acme, innkeeper, scripted_llm):
    scripted_llm.will_say("还有一间。")
    scripted_llm.will_say("One room left.", chunks=["One ", "room ", "left."])
    scripted_llm.will_call("free_rooms", {"night": "今晚"})
    scripted_llm.will_say("Two rooms.")
    scripted_llm.will_say('{"rooms": 2}')
    environ = {"PYTHONPATH": langchain, "TROUPE_URL": f"{server.http}/v1", "TROUPE_KEY": acme.token}

    script = str(CLIENTS / "langchain_visit.py")
    visit = [sys.executable, "-S", script]  # without what is installed for us
    run = subprocess.run(visit, env=environ, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["whole"] == "还有一间。"
    assert "".join(seen["pieces"]) == "One room left."
    assert seen["call"] == ["free_rooms", {"night": "今晚"}]
    assert seen["answered"] == "Two rooms."
    assert scripted_llm.chat_requests[3].messages[-1]["content"] == "2"
    assert seen["offer"] == 2
    assert seen["vector"] == 384
