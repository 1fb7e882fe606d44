"""LangChain's ChatOpenAI, in an environment of its own: it wants older packages than we do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "clients"


@pytest.fixture(scope="session")
def langchain(tmp_path_factory):
    """The Python of an environment with LangChain in it."""
    folder = tmp_path_factory.mktemp("langchain")
    python = folder / "bin" / "python"
    wanted = str(CLIENTS / "langchain.txt")
    if shutil.which("uv"):
        commands = [["uv", "venv", "-q", "--python", sys.executable, "--allow-existing", str(folder)],
                    ["uv", "pip", "install", "-q", "--python", str(python), "-r", wanted]]  # fmt: skip
    else:
        commands = [[sys.executable, "-m", "venv", str(folder)],
                    [str(python), "-m", "pip", "install", "-q", "-r", wanted]]  # fmt: skip
    for command in commands:
        subprocess.run(command, check=True, capture_output=True, timeout=240)
    return python


def test_langchain_works_unchanged(langchain, server, acme, innkeeper, scripted_llm):
    scripted_llm.will_say("还有一间。")
    scripted_llm.will_say("One room left.", chunks=["One ", "room ", "left."])
    scripted_llm.will_call("free_rooms", {"night": "今晚"})
    scripted_llm.will_say("Two rooms.")
    scripted_llm.will_say('{"rooms": 2}')
    environ = {"PATH": os.environ["PATH"], "TROUPE_URL": f"{server.http}/v1", "TROUPE_KEY": acme.token}

    script = str(CLIENTS / "langchain_visit.py")
    run = subprocess.run([langchain, script], env=environ, capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["whole"] == "还有一间。"
    assert "".join(seen["pieces"]) == "One room left."
    assert seen["call"] == ["free_rooms", {"night": "今晚"}]
    assert seen["answered"] == "Two rooms."
    assert scripted_llm.chat_requests[3].messages[-1]["content"] == "2"
    assert seen["offer"] == 2
    assert seen["vector"] == 384
