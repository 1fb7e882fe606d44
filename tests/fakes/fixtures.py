"""The scripted model endpoint, for any test that asks for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI


@pytest.fixture
def fake_openai() -> Iterator[FakeOpenAI]:
    """An endpoint that nothing is configured to use. Fails the test for a request it did not expect."""
    with FakeOpenAI() as fake:
        yield fake
    fake.verify()


@pytest.fixture
def scripted_llm(fake_openai: FakeOpenAI, settings: Any) -> FakeOpenAI:
    """The same, as the platform's default route: every persona without a route of its own talks to it."""
    settings.ENVIRONMENT = replace(
        settings.ENVIRONMENT,
        openai_base_url=fake_openai.base_url,
        openai_api_key="sk-scripted",
        chat_model=CHAT_MODEL,
    )
    return fake_openai
