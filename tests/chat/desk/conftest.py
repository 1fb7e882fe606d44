"""Arno answers Acme's visitors at the desk; Bo, his colleague, does too. Mallory answers those of Globex."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

import pytest
import yaml
from django.conf import settings
from jsonschema import Draft202012Validator, FormatChecker
from websockets.asyncio.client import connect

from config.asyncapi import whole
from tenants.models import Member
from tests.admin.conftest import Worker, alice, arno, edda, hire, vera
from tests.chat.conftest import open_inn
from tests.chat.stage import InProcessServer, Tab
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

__all__ = ["alice", "arno", "edda", "hire", "vera"]


@pytest.fixture
def bo(acme: Business, hire: Callable[..., Worker]) -> Worker:
    return hire(acme, Member.Role.AGENT, "bo")


@pytest.fixture
def mallory(globex: Business, hire: Callable[..., Worker]) -> Worker:
    return hire(globex, Member.Role.AGENT, "mallory")


@pytest.fixture
def innkeeper(acme: Business, scripted_llm: FakeOpenAI) -> Any:
    """Acme's persona, behind which people stand."""
    return open_inn(acme, scripted_llm, handoff={"enabled": True})


@cache
def described() -> dict[str, Any]:
    """The sockets' document, as it is served."""
    document: dict[str, Any] = yaml.safe_load(whole())
    return document


def faults(frame: dict[str, Any]) -> list[str]:
    """What is wrong with a frame of the server, by the document."""
    named = {"typing": "typing.shown"}.get(frame["type"], frame["type"])
    message = described()["components"]["messages"][f"desk.{named}"]
    schema = {**message["payload"], "components": described()["components"]}
    found = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(frame)
    return [f"{frame['type']}: {error.message}" for error in found]


class Desk(Tab):
    """One socket of one agent. What it is told is as the document says."""

    async def receive(self) -> dict[str, Any]:
        frame = await super().receive()
        assert faults(frame) == []
        return frame

    async def next_row(self, conversation_id: str, **fields: Any) -> dict[str, Any]:
        """Wait until the list says so of a conversation; its row."""
        while True:
            frame = await self.next("rows")
            for row in frame["rows"]:
                if row["id"] == conversation_id and all(row[name] == value for name, value in fields.items()):
                    return dict(row)

    async def next_event(self, *types: str) -> dict[str, Any]:
        """Wait for one of these events of the conversation that is watched."""
        while True:
            event = (await self.next("event"))["event"]
            if event["type"] in types:
                return dict(event)


def pass_of(worker: Worker) -> str:
    answer = worker.client.post("/desk/api/socket/", {}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return str(answer.json()["token"])


def cookie_of(worker: Worker) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={worker.client.cookies[settings.SESSION_COOKIE_NAME].value}"


@contextlib.asynccontextmanager
async def socket_at(http: str, token: str, cookie: str, origin: str | None) -> AsyncIterator[Desk]:
    """A socket as a browser opens it, with whatever it shows."""
    async with connect(
        http.replace("http", "ws") + "/ws/v1/desk/",
        subprotocols=["troupe.v1", f"token.{token}"],  # type: ignore[list-item]
        additional_headers={"Cookie": cookie} if cookie else {},
        origin=origin,  # type: ignore[arg-type]
        max_size=None,
        max_queue=None,
    ) as socket:
        yield Desk(socket)


@pytest.fixture
async def sit_down(server: InProcessServer, off_loop: Any) -> AsyncIterator[Callable[..., Any]]:
    """Open the desk of a worker; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(worker: Worker) -> Desk:
            token = await off_loop(pass_of, worker)
            desk: Desk = await stack.enter_async_context(socket_at(server.http, token, cookie_of(worker), server.http))
            await desk.next("ready")
            return desk

        yield open_one


def said(worker: Worker, path: str, **body: Any) -> Any:
    """Do something at the desk, by the views its page asks."""
    return worker.client.post(f"/desk/api/{path}", json.dumps(body), content_type="application/json")


def read(worker: Worker, path: str, **query: Any) -> Any:
    return worker.client.get(f"/desk/api/{path}", query)
