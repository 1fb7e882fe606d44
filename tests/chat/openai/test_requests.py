"""What may be wrong with a request, and how that is said: in OpenAI's shape, naming what it is."""

import json

import httpx2 as httpx
import pytest

from llm.models import Route
from tests.chat.openai.conftest import ROOM_TOOL, asks, complete

CALL = {"id": "call_1", "type": "function", "function": {"name": "free_rooms", "arguments": "{}"}}


def after(*more):
    return {"messages": [*asks(), *more]}


def schema(schema):
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}


WRONG = {
    "model missing": ({"model": None}, "model"),
    "model a number": ({"model": 7}, "model"),
    "no messages": ({"messages": []}, "messages"),
    "messages no list": ({"messages": "Hi"}, "messages"),
    "nobody asks": ({"messages": [{"role": "system", "content": "Be brief."}]}, "messages"),
    "the assistant last": (after({"role": "assistant", "content": "Yes?"}), "messages"),
    "no object": (after("Hi"), "messages.1"),
    "another role": (after({"role": "function", "content": "x", "name": "f"}), "messages.1.role"),
    "a picture": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/"}}]}
            ]
        },
        "messages.0.content.0",
    ),
    "no content": ({"messages": [{"role": "user"}]}, "messages.0.content"),
    "empty": ({"messages": asks(" ")}, "text"),
    "too long": ({"messages": asks("x" * 9_000)}, "text"),
    "system too long": ({"messages": [{"role": "system", "content": "x" * 21_000}, *asks()]}, "messages"),
    "an answer to no call": (after({"role": "tool", "tool_call_id": "call_1", "content": "1"}), "messages"),
    "a call without answer": (after({"role": "assistant", "tool_calls": [CALL]}), "messages"),
    "no call at all": (after({"role": "assistant", "tool_calls": [{"id": "x"}]}), "messages.1.tool_calls.0"),
    "a tool without id": (after({"role": "tool", "content": "1"}), "messages.1.tool_call_id"),
    "two answers": ({"n": 2}, "n"),
    "temperature": ({"temperature": 3}, "temperature"),
    "temperature no number": ({"temperature": "hot"}, "temperature"),
    "no tokens": ({"max_tokens": 0}, "max_tokens"),
    "half a token": ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
    "five stops": ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    "stop an object": ({"stop": {"at": "x"}}, "stop"),
    "stream a word": ({"stream": "yes"}, "stream"),
    "format unknown": ({"response_format": {"type": "yaml"}}, "response_format.type"),
    "format no object": ({"response_format": "json"}, "response_format"),
    "schema without name": ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    "schema wrong": (schema({"type": "thing"}), "response_format.json_schema.schema"),
    "schema elsewhere": (schema({"$ref": "https://x.example/s"}), "response_format.json_schema.schema"),
    "tool of another type": ({"tools": [{"type": "retrieval"}]}, "tools.0"),
    "tool without name": ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
    "too many tools": ({"tools": [ROOM_TOOL] * 129}, "tools"),
    "a choice of none": ({"tool_choice": "required"}, "tool_choice"),
    "a choice that is not there": (
        {"tools": [ROOM_TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        "tool_choice",
    ),
    "logprobs": ({"logprobs": True}, "logprobs"),
    "functions": ({"functions": [{"name": "f"}]}, "functions"),
    "audio": ({"modalities": ["text", "audio"]}, "modalities"),
    "metadata": ({"metadata": {"conversation_id": "mine"}}, "metadata.conversation_id"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_named(http, case):
    body, param = WRONG[case]

    answer = await complete(http, **body)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid", param)
    assert error["message"]


async def test_what_others_send_along_does_no_harm(http, scripted_llm):
    scripted_llm.will_say("One room.")
    answer = await complete(
        http, top_p=0.9, presence_penalty=0, frequency_penalty=1, store=True, service_tier="auto", logit_bias={},
        reasoning_effort="low", verbosity="low", prompt_cache_key="x", safety_identifier="y", top_k=40, tools=[],
        logprobs=False, response_format={"type": "text"}, stop=None, user=None, metadata=None, stream_options=None,
        tool_choice="auto", modalities=["text"],
    )  # fmt: skip

    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "One room."
    sent = scripted_llm.chat_requests[-1].body
    assert not sent.keys() & {"top_p", "top_k", "store", "logit_bias", "response_format", "tools"}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/v1/chat/completions", b"", 405, "method_not_allowed"),
        ("POST", "/v1/models", b"{}", 405, "method_not_allowed"),
        ("GET", "/v1/nothing", b"", 404, "not_found"),
        ("POST", "/v1/responses", b"{}", 404, "not_found"),
        ("POST", "/v1/chat/completions", b"{", 400, "invalid"),
        ("POST", "/v1/chat/completions", b"[]", 400, "invalid"),
        ("POST", "/v1/chat/completions", b"[" * 100_000, 400, "invalid"),
        ("POST", "/v1/chat/completions", b'"' + b"x" * 300_000 + b'"', 413, "body_too_large"),
        ("POST", "/v1/embeddings", b'{"model": "gpt-9", "input": "x"}', 404, "not_found"),
        ("POST", "/v1/embeddings", b'{"model": "multilingual-e5-small", "input": [[1, 2]]}', 400, "invalid"),
        ("POST", "/v1/embeddings", b'{"model": "multilingual-e5-small", "input": ""}', 400, "invalid"),
        (
            "POST",
            "/v1/embeddings",
            b'{"model": "multilingual-e5-small", "input": "%s"}' % (b"tea " * 9_000),
            400,
            "invalid",
        ),
    ],
)
async def test_every_refusal_has_openais_shape(http, method, path, content, status, code):
    answer = await http.request(method, path, content=content)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert answer.json()["error"].keys() == {"message", "type", "code", "param"}
    if status == 405:
        assert answer.headers["allow"] in ("GET", "POST")


def test_a_key_without_the_scope_and_no_key_at_all(server, open_business):
    reader = open_business("Acme", scopes=("knowledge",))
    forbidden = httpx.get(f"{server.http}/v1/models", headers=reader.headers)
    stranger = httpx.get(f"{server.http}/v1/models", headers={"Authorization": "Bearer sk-123"})

    assert (forbidden.status_code, forbidden.json()["error"]["type"]) == (403, "permission_error")
    assert (stranger.status_code, stranger.json()["error"]["type"]) == (401, "authentication_error")


async def test_a_model_in_trouble_is_an_error_before_and_in_the_stream(http, scripted_llm):
    scripted_llm.will_fail(401)
    before = await complete(http, stream=True)
    scripted_llm.will_cut(after="One ro")
    amid = await complete(http, stream=True)

    assert before.status_code in (502, 503)
    assert before.json()["error"]["code"] == "provider_unavailable"
    lines = [line[6:] for line in amid.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    assert json.loads(lines.pop())["error"]["code"] == "provider_unavailable"
    assert "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines) == "One ro"


async def test_the_reader_has_no_format_but_says_so(acme, http, off_loop):
    def unplug() -> None:
        with acme.scope():
            Route.objects.all().delete()

    await off_loop(unplug)
    answer = await complete(http, response_format={"type": "json_object"})

    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "response_format_missed"
