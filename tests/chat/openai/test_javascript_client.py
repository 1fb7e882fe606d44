"""OpenAI's own JavaScript client, as it comes from the registry of npm."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"
INSTALL = ["npm", "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]


@pytest.fixture(scope="session")
def scripts(tmp_path_factory):
    """A folder with our scripts and what they need."""
    if not shutil.which("node"):
        pytest.skip("there is no node on this machine, and so nobody who could run a JavaScript client")
    folder = tmp_path_factory.mktemp("clients")
    for file in CLIENTS.iterdir():
        shutil.copy(file, folder)
    subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True, timeout=240)
    return folder


def test_openais_javascript_client_works_unchanged(scripts, server, acme, innkeeper, scripted_llm):
    scripted_llm.will_say("还有一间。")
    scripted_llm.will_say("One room left.", chunks=["One ", "room ", "left."])
    scripted_llm.will_call("free_rooms", {"night": "今晚"})
    scripted_llm.will_say("一间。")
    scripted_llm.will_say('{"rooms": 1}')
    environ = {"PATH": os.environ["PATH"], "TROUPE_URL": f"{server.http}/v1", "TROUPE_KEY": acme.token}

    run = subprocess.run(["node", "openai.mjs"], cwd=scripts, env=environ, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["models"] == ["innkeeper", "multilingual-e5-small"]
    assert seen["whole"] == ["还有一间。", "stop", []]
    assert "".join(seen["pieces"]) == "One room left."
    assert seen["usage"] > 0
    assert seen["call"] == ["tool_calls", "free_rooms", {"night": "今晚"}]
    assert seen["answered"] == "一间。"
    assert [message["role"] for message in scripted_llm.chat_requests[3].messages[-2:]] == ["assistant", "tool"]
    assert seen["parsed"] == {"rooms": 1}
    assert seen["vectors"] == [384, 384]
    assert seen["refused"] == ["NotFoundError", 404, "not_found"]
