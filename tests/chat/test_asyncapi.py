"""Every frame of a real conversation is as the AsyncAPI document says."""

from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from tests.chat.stage import Tab

SENT_BY_THE_SERVER = {
    "ready", "message.accepted", "message.created", "turn.started", "turn.sources", "turn.delta", "turn.completed",
    "turn.failed", "conversation.handoff", "error", "pong",
}  # fmt: skip
SENT_BY_CLIENTS = {
    "hello", "message.send", "turn.stop", "turn.regenerate", "message.edit", "message.feedback",
    "handoff.request", "conversation.rate", "typing", "ping",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As it is served."""
    response = Client().get("/api/asyncapi.yaml")
    assert (response.status_code, response["Content-Type"]) == (200, "application/yaml")
    served: dict[str, Any] = yaml.safe_load(response.content)
    return served


def faults(document: dict[str, Any], frame: dict[str, Any]) -> list[str]:
    """What is wrong with a frame, by the document."""
    named = "typing.shown" if frame["type"] == "typing" else frame["type"]  # clients send one, too
    message = document["components"]["messages"][named]
    schema = {**message["payload"], "components": document["components"]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{frame['type']}: {error.message}" for error in validator.iter_errors(frame)]


def assert_as_described(document: dict[str, Any], *tabs: Tab) -> None:
    for tab in tabs:
        for frame in tab.frames:
            assert faults(document, frame) == []


def names(document: dict[str, Any], operation: str) -> set[str]:
    return {message["$ref"].rsplit("/", 1)[1] for message in document["operations"][operation]["messages"]}


def test_it_names_every_frame_and_nothing_else(document):
    assert document["asyncapi"].startswith("3.")
    assert names(document, "serverSends") == SENT_BY_THE_SERVER | {"typing.shown"}
    assert names(document, "clientSends") == SENT_BY_CLIENTS
    described = SENT_BY_THE_SERVER | SENT_BY_CLIENTS | {"typing.shown"}
    messages = document["components"]["messages"].items()
    chats = {name: one for name, one in messages if not name.startswith(("npc.", "desk."))}
    assert set(chats) == set(document["channels"]["chat"]["messages"]) == described
    for message in chats.values():
        Draft202012Validator.check_schema(message["payload"])


def test_it_refuses_what_is_wrong(document):
    delta = {"type": "turn.delta", "seq": 7, "turn_id": str(uuid4()), "offset": 0, "text": "茶"}

    assert faults(document, delta) == []
    for wrong in ({"seq": "7"}, {"turn_id": "x"}, {"offset": -1}, {"text": ""}, {"extra": 1}):
        assert faults(document, delta | wrong), wrong


async def test_a_conversation_is_as_described(carol, scripted_llm, open_tab, document):
    desk, phone = await open_tab(carol), await open_tab(carol)
    scripted_llm.will_say("One room left.", chunks=3)
    await desk.says("Any rooms?")
    completed = await desk.next("turn.completed")
    await phone.next("turn.completed")

    scripted_llm.will_cut(after="Half an ans")
    await desk.says("And breakfast?")
    failed = await desk.next("turn.failed")
    await phone.next("turn.failed")

    await desk.sends("ping")
    await desk.next("pong")
    await desk.sends("dance")
    await desk.next("error")
    await desk.sends("message.feedback", message_id=completed["message_id"], rating=7)
    await desk.next("error")
    scripted_llm.will_stall(after="早餐从七点")
    await desk.sends("turn.regenerate", turn_id=failed["turn_id"])
    started = await desk.next("turn.started")
    await desk.next("turn.delta")
    await desk.sends("turn.stop", turn_id=started["turn_id"])
    await desk.next("turn.completed")
    await phone.next("turn.completed")
    late = await open_tab(carol, after=0)
    for _ in range(2):
        await late.next("turn.completed")

    assert {frame["type"] for frame in desk.frames} == SENT_BY_THE_SERVER - {"turn.sources", "conversation.handoff"}
    assert_as_described(document, desk, phone, late)
