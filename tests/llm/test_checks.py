"""Settings of models that cannot work together are refused at the start, each with a hint."""

from dataclasses import replace
from typing import Any

import pytest

from llm.checks import check_platform_route

ENDPOINT = {"openai_base_url": "http://127.0.0.1:11434/v1"}
KEY = {"openai_api_key": "sk-shell"}
CHAT = {"chat_model": "large"}
EMBEDDING = {"embedding_model": "dense"}


@pytest.mark.parametrize(
    ("configured", "found"),
    [
        ({}, []),
        (ENDPOINT | CHAT, []),
        (KEY | CHAT | EMBEDDING, []),
        (ENDPOINT | EMBEDDING, []),
        (ENDPOINT, ["llm.E001"]),
        (ENDPOINT | KEY, ["llm.E001"]),
        (CHAT, ["llm.E002"]),
        (EMBEDDING, ["llm.E002"]),
        (KEY, ["llm.W001"]),
    ],
)
def test_combinations(settings: Any, configured: dict[str, str], found: list[str]):
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, **configured)

    messages = check_platform_route(None)

    assert [message.id for message in messages] == found
    assert all(message.hint for message in messages)
