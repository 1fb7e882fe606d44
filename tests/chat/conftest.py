"""Carol chats with Acme's innkeeper."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections

from chat.engine import engine
from chat.hub import hub
from chat.posting import Posted, post_message
from personas.publishing import create_persona, publish
from tests.chat.stage import InProcessServer, Tab, tab_at
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture(scope="session")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running


@pytest.fixture
def ending_server(database: None) -> Iterator[InProcessServer]:
    """A web process that a test may drain. Without a lifespan, whose end would stop the heart of this process."""
    others = set(hub._made)
    with InProcessServer(lifespan="off") as running:
        yield running
        for loop in set(hub._made) - others:
            asyncio.run_coroutine_threadsafe(hub._made[loop].aclose(), loop).result()


@pytest.fixture
def scripted_llm() -> Iterator[FakeOpenAI]:
    """The model behind Acme's route. It refuses what is not scripted."""
    with FakeOpenAI() as fake:
        yield fake


@dataclass(frozen=True)
class Visitor:
    """An end user with a session."""

    business: Business
    token: str
    conversation_id: str
    external_id: str

    def messages(self) -> list[dict[str, Any]]:
        """What the API lists. On a thread, since tests of sockets run in an event loop."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._messages).result()

    def _messages(self) -> list[dict[str, Any]]:
        answer = self.business.api.get(f"/api/v1/conversations/{self.conversation_id}/messages/", limit=100)
        connections.close_all()
        assert answer.status_code == 200
        return answer.json()["results"]  # type: ignore[no-any-return]


@pytest.fixture
def innkeeper(acme: Business, scripted_llm: FakeOpenAI) -> Any:
    """Acme's published persona, answering through the scripted model."""
    return open_inn(acme, scripted_llm)


def open_inn(business: Business, fake: FakeOpenAI | None, **settings: Any) -> Any:
    from llm.models import Route

    with business.scope():
        if fake is not None:
            route = Route(slug="main", name="Main", base_url=fake.base_url, chat_model="fake", is_default=True)
            route.api_key = "sk-test"
            route.save()
        persona = create_persona(
            tenant_id=business.id,
            slug="innkeeper",
            name="Innkeeper",
            kind="companion",
            settings={"instructions": "You keep an inn.", "greeting": "Welcome!", **settings},
        )
        publish(persona)
    return persona


@pytest.fixture
def carol(acme: Business, innkeeper: Any) -> Visitor:
    return welcome(acme, "carol")


def welcome(business: Business, external_id: str, **more: Any) -> Visitor:
    answer = business.api.post(
        "/api/v1/chat/sessions/", {"persona": "innkeeper", "end_user": {"id": external_id, "name": "Carol"}, **more}
    )
    assert answer.status_code == 201, answer.content
    body = answer.json()
    return Visitor(business, body["token"], body["conversation_id"], external_id)


def taken_in_by_a_dead_one(visitor: Visitor, text: str) -> Posted:
    """A message that a process stored, and died before it told anybody."""
    with visitor.business.scope():
        return post_message(
            conversation_id=UUID(visitor.conversation_id),
            client_id=uuid4(),
            text=text,
            variables={},
            process_id=uuid4(),
        )


def is_left_alone(visitor: Visitor) -> bool:
    """Whether no process of ours runs a turn of the conversation any more."""
    runs = [run for made in engine._made.values() for run in list(made._runs.values())]
    return all(str(run.turn.conversation_id) != visitor.conversation_id for run in runs)


async def comes_true(condition: Callable[[], Any], within_s: float = 30) -> None:
    """Wait for what happens on other threads and in other services. Asks the database and Redis off the loop."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.02)


@pytest.fixture
async def open_tab(server: InProcessServer) -> AsyncIterator[Callable[..., Any]]:
    """Open a tab of a visitor; all are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_one(visitor: Visitor, *, after: int | None = None, at: str = "", hello: bool = True) -> Tab:
            opened = tab_at(at or server.http, visitor.token, after=after, hello=hello)
            tab: Tab = await stack.enter_async_context(opened)
            return tab

        yield open_one
