"""Carol and many others chat with Acme's innkeeper while things break."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from jobs.relay import TICK_S
from llm.models import Route
from tests.chat.conftest import open_inn
from tests.chat.stage import clock
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI
from tests.faults.stage import Site

# Another seed is another storm. `python -m tests.faults` sets both, for hundreds of conversations.
SEED = int(os.environ.get("FAULTS_SEED", "5"))
IS_LONG = os.environ.get("FAULTS") == "long"
# What broke; after how many seconds who had been silent was answered, and after how many all that was asked.
RECOVERIES: list[tuple[str, float, float]] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, silent_s, over_s in RECOVERIES if IS_LONG else ():
        terminalreporter.write_line(
            f"{name:24} answered again after {silent_s:4.1f} s, also what waited {over_s:4.1f} s"
        )


@pytest.fixture(scope="module")  # its clock would sweep and prune what later tests look at
def site(database: None) -> Iterator[Site]:
    with Site(seed=SEED) as running, clock(TICK_S) if IS_LONG else clock():
        yield running


@pytest.fixture(autouse=True)
def _good_weather(site: Site) -> Iterator[None]:
    for web in site.webs:  # the story before may have killed some
        web.wait_until_up()
    yield
    site.clear_up()
    forget_connections()


def forget_connections() -> None:
    """What was killed left broken ones in this process as well."""
    connections.close_all()
    connections["default"].close_pool()


@pytest.fixture
def model() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


@pytest.fixture
def inn(acme: Business, model: FakeOpenAI, open_business: Callable[..., Business]) -> Business:
    """Acme, whose innkeeper answers through the scripted model."""
    open_inn(acme, model)
    with acme.scope():  # a busy machine is slow, and no fault
        Route.objects.update(timeout_s=60, stall_timeout_s=30)
    return acme
