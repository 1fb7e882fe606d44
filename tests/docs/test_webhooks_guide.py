"""The guide to webhooks runs as it stands, in both languages, against a server that is told."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.chat.stage import InProcessServer
from tests.docs.pages import page
from tests.webhooks.conftest import private_networks, receiver, tell  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.mark.parametrize("guide", ["docs/guides/webhooks.md", "docs/guides/webhooks.zh.md"])
def test_the_guide_leads_to_a_test_event_that_is_believed(server, acme, receiver, tmp_path, guide):  # noqa: F811
    environ = {
        "PATH": os.environ["PATH"], "TROUPE": server.http, "KEY": acme.token, "RECEIVER": receiver.url,
    }  # fmt: skip
    answers = []
    for block in page(guide).blocks("sh run"):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.text],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout)
    tell(acme)

    secret = json.loads(answers[0])["secret"]
    names: dict[str, object] = {}
    (checking,) = page(guide).blocks("python run")
    exec(compile(checking.text, guide, "exec"), names)
    headers = {name.lower(): value for name, value in receiver.requests[0].headers.items()}
    assert receiver.events[0]["type"] == "webhook.test"
    assert names["is_genuine"](secret, headers, receiver.bodies[0])
    assert not names["is_genuine"](secret, headers, receiver.bodies[0] + b" ")
    assert not names["is_genuine"](secret, {**headers, "webhook-timestamp": "1700000000"}, receiver.bodies[0])
