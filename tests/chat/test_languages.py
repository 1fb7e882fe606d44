"""Who asks in Chinese is refused in Chinese, by every door."""

import json
import re

import httpx2 as httpx
import pytest
from websockets.asyncio.client import connect

from tests.chat.stage import Tab

CHINESE = re.compile("[\u4e00-\u9fff]")
API = "/api/v1"

# What Carol's site and Carol do wrong, and by which door.
WRONGS = [
    ("POST", f"{API}/chat/sessions/", {}),
    ("POST", f"{API}/chat/sessions/", {"persona": "nobody", "end_user": {"id": "carol"}}),
    ("PUT", f"{API}/chat/sessions/", {}),
    ("PATCH", f"{API}/conversations/{{id}}/turns/", {}),
    ("POST", f"{API}/conversations/{{id}}/turns/", {"client_id": "7", "text": "Hello"}),
    ("POST", f"{API}/conversations/{{id}}/turns/", {"client_id": "01a20217-e20b-75b1-91cd-41c2b13138e1", "text": " "}),
    ("POST", f"{API}/conversations/{{id}}/turns/", ["no object"]),
    ("GET", f"{API}/conversations/{{id}}/events/?after=x", None),
    ("GET", f"{API}/conversations/?cursor=x", None),
    ("GET", "/v1/models/nobody", None),
    ("POST", "/v1/chat/completions", {"model": "innkeeper", "messages": "Hello"}),
    ("POST", "/v1/chat/completions", {"model": "innkeeper", "messages": [{"role": "user", "content": "x"}], "stop": 7}),
    ("DELETE", "/v1/chat/completions", None),
    ("POST", "/v1/embeddings", {"model": "large", "input": "x"}),
    ("POST", "/v1/embeddings", {"input": [], "model": "x"}),
]


def sentences(body: object) -> list[str]:
    """Every sentence of an answer that is for people."""
    if isinstance(body, dict):
        own = [value for name, value in body.items() if name in ("detail", "message") and isinstance(value, str)]
        return own + [said for value in body.values() for said in sentences(value)]
    return [said for value in body for said in sentences(value)] if isinstance(body, list) else []


@pytest.mark.parametrize(("method", "path", "body"), WRONGS)
async def test_a_refusal_over_http(carol, acme, server, method, path, body):
    async with httpx.AsyncClient(base_url=server.http, headers=acme.headers) as client:
        url = path.format(id=carol.conversation_id)
        answers = {
            language: await client.request(method, url, json=body, headers={"Accept-Language": language})
            for language in ("en-GB,en;q=0.9", "zh-CN,zh;q=0.9,en;q=0.8")
        }

    (english, chinese) = (sentences(answer.json()) for answer in answers.values())
    assert english
    assert len(english) == len(chinese)
    assert not any(CHINESE.search(said) for said in english), english
    assert all(CHINESE.search(said) for said in chinese), chinese


FRAMES = [
    "no json",
    '{"type": "rubbish"}',
    '{"type": "message.send", "client_id": "7", "text": "x"}',
    '{"type": "message.send", "client_id": "01a20217-e20b-75b1-91cd-41c2b13138e1", "text": ""}',
    '{"type": "turn.regenerate", "turn_id": "01a20217-e20b-75b1-91cd-41c2b13138e1"}',
    '{"type": "message.feedback", "message_id": "01a20217-e20b-75b1-91cd-41c2b13138e1", "rating": 7}',
    '{"type": "hello", "after": 99999999}',
    '{"type": "hello", "after": "x"}',
    '{"type": "ping", "much": "' + "x" * 70_000 + '"}',
]


@pytest.mark.parametrize(("language", "is_chinese"), [("zh-CN,zh;q=0.9", True), ("en", False)])
async def test_a_refusal_over_the_socket(carol, server, language, is_chinese):
    url = server.http.replace("http", "ws") + "/ws/v1/chat/?odd=%FF\xff"
    async with connect(
        url, subprotocols=["troupe.v1", f"token.{carol.token}"], additional_headers={"Accept-Language": language}
    ) as socket:
        tab = Tab(socket)
        await tab.next("ready")
        for frame in FRAMES:
            await socket.send(frame)
            refused = await tab.next("error")
            assert bool(CHINESE.search(refused["detail"])) == is_chinese, (frame[:60], refused)


async def test_a_failed_answer_is_explained_in_the_language_of_who_asked(carol, scripted_llm, server):
    scripted_llm.will_say("")
    url = server.http.replace("http", "ws") + "/ws/v1/chat/"
    async with connect(
        url, subprotocols=["troupe.v1", f"token.{carol.token}"], additional_headers={"Accept-Language": "zh-CN"}
    ) as socket:
        tab = Tab(socket)
        await tab.says("Any rooms?")
        failed = await tab.next("turn.failed")

    assert failed["code"] == "provider_invalid"
    assert CHINESE.search(failed["detail"]), json.dumps(failed)
