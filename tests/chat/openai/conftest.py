"""Acme's own programs talk to the innkeeper as if he were a model."""

from typing import Any

import httpx2 as httpx
import openai
import pytest

ROOM_TOOL = {
    "type": "function",
    "function": {
        "name": "free_rooms",
        "description": "How many rooms are free.",
        "parameters": {"type": "object", "properties": {"night": {"type": "string"}}, "required": ["night"]},
    },
}
ROOM_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "offer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"rooms": {"type": "array", "items": {"type": "integer"}}, "note": {"type": "string"}},
            "required": ["rooms", "note"],
            "additionalProperties": False,
        },
    },
}


def asks(text: str = "Any rooms?") -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
async def client(server, acme, innkeeper):
    async with openai.AsyncOpenAI(base_url=f"{server.http}/v1", api_key=acme.token, max_retries=0) as one:
        yield one


@pytest.fixture
async def http(server, acme, innkeeper):
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers, timeout=15) as one:
        yield one


async def complete(http: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await http.post("/v1/chat/completions", json={"model": "innkeeper", "messages": asks(), **body})
