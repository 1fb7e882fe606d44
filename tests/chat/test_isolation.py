"""Mallory holds a key of Globex and has learned every id of Acme's. She gets what she would get for made-up ids."""

from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest
from django.forms.models import model_to_dict

from chat.models import Conversation, EndUser, Message, Turn
from chat.urls import urlpatterns
from tenants.provisioning import issue_key
from tests.chat.conftest import Visitor, open_inn, welcome
from tests.chat.test_asyncapi import SENT_BY_CLIENTS
from tests.conftest import Business

API = "/api/v1"


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.http, timeout=15) as client:
        yield client


@pytest.fixture
async def talk(carol: Visitor, scripted_llm: Any, open_tab: Any) -> Visitor:
    """What Mallory is after."""
    scripted_llm.will_say("The vault is under the bar.")
    tab = await open_tab(carol)
    await tab.says("Where is the vault?")
    await tab.next("turn.completed")
    return carol


def said(text: str = "Hello") -> dict[str, str]:
    return {"client_id": str(uuid4()), "text": text}


def calls_on(conversation_id: str) -> dict[str, list[tuple[str, str, Any]]]:
    """Every call that names a conversation, by the name of its address."""
    conversation = f"{API}/conversations/{conversation_id}/"
    completion = {"model": "innkeeper", "messages": [{"role": "user", "content": "Where is the vault?"}]}
    thread = {"metadata": {"conversation_id": conversation_id}, "user": "carol"}
    session = {"persona": "innkeeper", "end_user": {"id": "carol"}, "conversation_id": conversation_id}
    return {
        "conversation": [("GET", conversation, None), ("DELETE", conversation, None)],
        "conversation-messages": [("GET", f"{conversation}messages/", None)],
        "conversation-events": [
            ("GET", f"{conversation}events/", None),
            ("GET", f"{conversation}events/?after=0", None),
        ],
        "conversation-turns": [("POST", f"{conversation}turns/", said())],
        "conversation-takeover": [("POST", f"{conversation}takeover/", {})],
        "conversation-reply": [("POST", f"{conversation}reply/", said())],
        "conversation-note": [("POST", f"{conversation}note/", said())],
        "conversation-transfer": [("POST", f"{conversation}transfer/", {"to": None})],
        "conversation-release": [("POST", f"{conversation}release/", {})],
        "conversation-close": [("POST", f"{conversation}close/", {})],
        "conversation-read": [("POST", f"{conversation}read/", {})],
        "conversation-notes": [("GET", f"{conversation}notes/", None)],
        "conversation-handoffs": [("GET", f"{conversation}handoffs/", None)],
        "conversation-handoff": [("POST", f"{conversation}handoff/", {})],
        "conversation-contact": [("POST", f"{conversation}contact/", {"contact": "hers"})],
        "conversation-satisfaction": [("POST", f"{conversation}satisfaction/", {"rating": 1})],
        "chat-sessions": [("POST", f"{API}/chat/sessions/", session)],
        "openai-completions": [
            ("POST", "/v1/chat/completions", {**completion, **thread}),
            ("POST", "/v1/chat/completions", {**completion, **thread, "stream": True}),
        ],
    }


def everything_of(business: Business) -> list[list[dict[str, Any]]]:
    """All rows of the chat that a tenant has."""
    with business.scope():
        return [
            [{"id": row.pk, **model_to_dict(row)} for row in model.objects.order_by("pk")]
            for model in (EndUser, Conversation, Message, Turn)
        ]


def without_ids(answer: httpx.Response) -> Any:
    body = answer.json()
    body.pop("request_id", None)
    return body


async def test_ids_of_acme_are_to_mallory_as_if_they_never_were(talk, acme, globex, http, off_loop):
    await off_loop(open_inn, globex, None)
    before = await off_loop(everything_of, acme)
    made_up = calls_on(str(uuid4()))

    for name, calls in calls_on(talk.conversation_id).items():
        for call, like in zip(calls, made_up[name], strict=True):
            answer, control = [
                await http.request(method, path, json=body, headers=globex.headers)
                for method, path, body in (call, like)
            ]
            assert answer.status_code == 404, (call, answer.text)
            assert without_ids(answer) == without_ids(control), call

    assert await off_loop(everything_of, acme) == before
    assert not any((await off_loop(everything_of, globex))[1:]), "nothing half stored"


async def test_a_stream_is_refused_before_it_begins(talk, globex, http):
    answer = await http.post(
        f"{API}/conversations/{talk.conversation_id}/turns/",
        json=said(),
        headers={**globex.headers, "Accept": "text/event-stream"},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_lists_show_mallory_her_own(talk, acme, globex, innkeeper, http, off_loop):
    await off_loop(open_inn, globex, None)
    path = f"{API}/conversations/"
    for query in (
        {},
        {"persona": "innkeeper"},
        {"end_user": "carol"},
        {"state": "bot"},
        {"persona": str(innkeeper.pk)},
    ):
        acmes = await http.get(path, params=query, headers=acme.headers)
        hers = await http.get(path, params=query, headers=globex.headers)
        assert hers.json() == {"results": [], "next": None, "previous": None}
        assert len(acmes.json()["results"]) == 1

    models = (await http.get("/v1/models", headers=globex.headers)).json()["data"]
    assert len([model for model in models if model["id"] == "innkeeper"]) == 1


async def test_a_page_of_acmes_list_turned_by_mallory_shows_nothing(talk, acme, globex, http, off_loop):
    await off_loop(welcome, acme, "dave")
    first = (await http.get(f"{API}/conversations/?limit=1", headers=acme.headers)).json()
    assert first["next"]

    turned = await http.get(first["next"], headers=globex.headers)

    assert turned.json()["results"] == []


async def test_acmes_persona_does_not_speak_to_mallory(talk, innkeeper, globex, http, off_loop):
    for name in ("innkeeper", str(innkeeper.pk)):
        session = await http.post(
            f"{API}/chat/sessions/", json={"persona": name, "end_user": {"id": "x"}}, headers=globex.headers
        )
        completion = await http.post(
            "/v1/chat/completions",
            json={"model": name, "messages": [{"role": "user", "content": "Hello"}]},
            headers=globex.headers,
        )
        retrieved = await http.get(f"/v1/models/{name}", headers=globex.headers)
        assert [answer.status_code for answer in (session, completion, retrieved)] == [404, 404, 404]
    assert not any(await off_loop(everything_of, globex))


@pytest.mark.parametrize("headers", ["no key", "unknown key", "Acme's id before her secret", "a session's token"])
async def test_without_a_key_nothing_answers(talk, acme, globex, http, off_loop, headers):
    before = await off_loop(everything_of, acme)
    sent = {
        "no key": {},
        "unknown key": {"Authorization": f"Bearer tk_{acme.id.hex}_{'x' * 33}"},
        "Acme's id before her secret": {"Authorization": f"Bearer tk_{acme.id.hex}_{globex.token.rpartition('_')[2]}"},
        "a session's token": {"Authorization": f"Bearer {talk.token}"},
    }[headers]

    calls = [call for calls in calls_on(talk.conversation_id).values() for call in calls]
    for method, path, body in [*calls, ("GET", f"{API}/conversations/", None), ("GET", "/v1/models", None)]:
        answer = await http.request(method, path, json=body, headers=sent)
        code = answer.json()["error"]["code"] if path.startswith("/v1") else answer.json()["code"]
        assert (answer.status_code, code) == (401, "unauthenticated"), path

    assert await off_loop(everything_of, acme) == before


async def test_a_key_for_documents_opens_no_conversation(talk, acme, http, off_loop):
    def key_for_documents() -> str:
        with acme.scope():
            return str(issue_key(tenant=acme.tenant, scopes=("knowledge",))[1])

    headers = {"Authorization": f"Bearer {await off_loop(key_for_documents)}"}

    for calls in calls_on(talk.conversation_id).values():
        for method, path, body in calls:
            answer = await http.request(method, path, json=body, headers=headers)
            assert answer.status_code == 403, path


def test_every_call_of_the_chat_is_tried_here_or_beside():
    elsewhere = {"conversations", "public-sessions", "public-messages"}  # above; in test_sessions
    # In tests/tenants/test_isolation_doors.
    elsewhere |= {"contact-requests", "contact-request", "canned-replies", "canned-reply", "public-widget"}
    elsewhere |= {"public-handoff", "public-contact", "public-satisfaction"}
    elsewhere |= {"retention", "erasures", "erasure", "erasure-retry", "end-user-export", "public-erasure"}

    assert {pattern.name for pattern in urlpatterns} == (calls_on("").keys() - {"openai-completions"}) | elsewhere


# --- Odd values ---------------------------------------------------------------------------------------------
ODD_REQUESTS: list[tuple[str, str, bytes | None, int]] = [
    ("GET", "/api/v1/conversations/?persona=%00&end_user=%00&state=%00", None, 200),
    ("GET", "/api/v1/conversations/?cursor=nonsense", None, 404),
    ("GET", "/api/v1/conversations/{id}/events/?after=x", None, 422),
    ("GET", "/api/v1/conversations/{id}/events/?after=-1", None, 422),
    ("GET", "/api/v1/conversations/{id}/events/?after=99999999999999999999", None, 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b'{"text": "x"}', 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b'{"client_id": "7", "text": "x"}', 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b"[" * 50_000, 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b"\xff\xfe", 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b'{"text": "' + b"x" * 100_000 + b'"}', 422),
    ("POST", "/api/v1/conversations/{id}/turns/", b'"' + b"x" * 300_000 + b'"', 413),
    ("POST", "/api/v1/conversations/{id}/turns/", b'"' + b"x" * 6_000_000 + b'"', 413),
    (
        "POST",
        "/v1/chat/completions",
        b'{"model": "a\\u0000b", "messages": [{"role": "user", "content": "x"}]}',
        404,
    ),
    ("POST", "/v1/chat/completions", b'{"model": "\\ud800", "messages": [{"role": "user", "content": "x"}]}', 400),
    ("POST", "/v1/chat/completions", b'{"model": "innkeeper", "messages": "Hello"}', 400),
    ("POST", "/v1/chat/completions", b'{"model": "innkeeper", "messages": [{"role": "user"}]}', 400),
    (
        "POST",
        "/v1/chat/completions",
        b'{"model": "innkeeper", "messages": [{"role": "user", "content": "x"}], "metadata": [1], "stream_options": 7}',
        400,
    ),
    ("PUT", "/v1/chat/completions", b"{}", 405),
]


async def test_odd_requests_are_refused_and_nothing_is_stored(carol, acme, http):
    headers = {**acme.headers, "Content-Type": "application/json"}

    for method, path, body, status in ODD_REQUESTS:
        url = path.format(id=carol.conversation_id)
        answer = await http.request(method, url, content=body, headers=headers)
        assert answer.status_code == status, (path, answer.text)
        if status >= 400:
            assert "code" in (answer.json()["error"] if path.startswith("/v1") else answer.json())

    assert carol.messages() == []


# --- The socket ---------------------------------------------------------------------------------------------
def frames_about(turn_id: str, message_id: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Every frame that a client may send, with somebody's ids where it takes any, and what it is answered by."""
    return {
        "hello": ({"after": 0}, ""),
        "message.send": ({"client_id": str(uuid4()), "text": "Where is the vault?"}, "turn.completed"),
        "message.edit": ({"message_id": message_id, "text": "Where is the vault?"}, "error"),
        "message.feedback": ({"message_id": message_id, "rating": -1}, "error"),
        "turn.stop": ({"turn_id": turn_id}, ""),
        "turn.regenerate": ({"turn_id": turn_id}, "error"),
        "typing": ({}, ""),
        "ping": ({}, "pong"),
        "handoff.request": ({"reason": turn_id}, "conversation.handoff"),
        "conversation.rate": ({"rating": 1}, ""),
    }


def test_every_frame_of_the_socket_is_tried_here():
    assert frames_about("", "").keys() == SENT_BY_CLIENTS


async def test_frames_with_acmes_ids_are_to_mallory_as_with_made_up_ones(talk, acme, globex, open_tab, off_loop):
    await off_loop(open_inn, globex, None)
    before = await off_loop(everything_of, acme)
    heard = []

    for ids in (await off_loop(turn_and_answer_of, acme), (str(uuid4()), str(uuid4()))):
        tab = await open_tab(await off_loop(welcome, globex, str(uuid4())))
        answers = {}
        for frame_type, (fields, answer) in frames_about(*ids).items():
            await tab.sends(frame_type, **fields)
            if answer:
                answers[frame_type] = (await tab.next(answer, "error")).get("code")
        assert not any("under the bar" in str(frame) for frame in tab.frames)
        heard.append(answers)

    assert heard[0] == heard[1]
    assert heard[0]["message.feedback"] == heard[0]["turn.regenerate"] == "not_found"
    assert await off_loop(everything_of, acme) == before


def turn_and_answer_of(business: Business) -> tuple[str, str]:
    with business.scope():
        turn = Turn.objects.get()
        return str(turn.pk), str(turn.answer_id)
