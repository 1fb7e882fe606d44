"""Who may sit at a desk, and that another tenant's agent gets nothing there."""

import itertools
from typing import Any

import pytest

from chat.models import Conversation
from tests.admin.conftest import Worker, sign_in
from tests.chat.conftest import Visitor
from tests.chat.desk.conftest import cookie_of, pass_of, read, said, socket_at
from tests.chat.stage import InProcessServer
from tests.conftest import Business

READ = [
    "conversations/",
    "conversations/{id}/",
    "conversations/{id}/messages/?before=1",
    "members/",
    "personas/",
    "replies/",
    "contact-requests/",
]
DONE = ["takeover", "reply", "note", "transfer", "release", "close", "suggestion"]


@pytest.mark.parametrize("role", ["alice", "edda", "arno"])
def test_owners_editors_and_agents_come_in(request: Any, role: str, carol: Visitor) -> None:
    worker: Worker = request.getfixturevalue(role)

    assert worker.sees("/desk/").status_code == 200
    assert worker.sees("/desk/replies/").status_code == 200
    assert worker.sees("/desk/left/").status_code == 200
    assert worker.sees(f"/desk/c/{carol.conversation_id}/").status_code == 200


def test_a_viewer_does_not(vera: Worker, carol: Visitor) -> None:
    assert vera.client.get("/desk/").status_code == 404
    for path in READ:
        assert vera.client.get("/desk/api/" + path.format(id=carol.conversation_id)).status_code == 403, path
    for deed in DONE:
        assert said(vera, f"conversations/{carol.conversation_id}/{deed}/").status_code == 403, deed
    assert vera.client.post("/desk/api/socket/").status_code == 403


def test_who_is_not_signed_in_signs_in(acme: Business, hire: Any) -> None:
    stranger = hire(acme)
    stranger.client.logout()

    assert "login" in stranger.client.get("/desk/").headers["Location"]
    assert read(stranger, "conversations/").status_code == 401


def test_the_page_runs_nothing_but_ours(arno: Worker) -> None:
    policy = arno.sees("/desk/").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://testserver;" in policy
    assert "frame-ancestors 'none'" in policy


def test_another_tenants_agent_finds_nothing(mallory: Worker, carol: Visitor, acme: Business) -> None:
    there = carol.conversation_id

    assert mallory.client.get(f"/desk/c/{there}/").status_code == 404
    for path in ("conversations/{id}/", "conversations/{id}/messages/?before=9"):
        assert mallory.client.get("/desk/api/" + path.format(id=there)).status_code == 404, path
    for view in ("waiting", "mine", "open", "closed"):
        assert read(mallory, "conversations/", view=view, q="carol").json()["results"] == []
    assert [person["name"].split("-")[0] for person in read(mallory, "members/").json()["results"]] == ["mallory"]
    for path in ("personas/", "replies/", "contact-requests/"):
        assert read(mallory, path).json()["results"] == [], path
    for deed in DONE:
        body = {"client_id": "0192d3a4-0000-7000-8000-000000000001", "text": "Gotcha", "to": None}
        assert said(mallory, f"conversations/{there}/{deed}/", **body).status_code == 404, deed
    with acme.scope():
        assert Conversation.objects.get(pk=there).state == "bot"


def test_a_cookie_alone_changes_nothing(arno: Worker, carol: Visitor) -> None:
    """Another site can send the browser's cookie, but not Django's token."""
    strict = sign_in(arno.user, enforce_csrf_checks=True)

    assert strict.client.post("/desk/api/socket/").status_code == 403
    assert strict.client.post(f"/desk/api/conversations/{carol.conversation_id}/takeover/").status_code == 403


async def test_a_socket_needs_session_pass_and_origin(
    server: InProcessServer, arno: Worker, bo: Worker, mallory: Worker, off_loop: Any
) -> None:
    token, others, foreign = [await off_loop(pass_of, worker) for worker in (arno, bo, mallory)]
    cookie, ours = cookie_of(arno), server.http
    evil = "https://evil.example"

    for shown in [
        (token, cookie, evil), (token, cookie, None), (token, "", ours), ("nonsense", cookie, ours),
        (others, cookie, ours), (foreign, cookie, ours),
        (token[:-1] + ("A" if token[-1] != "A" else "B"), cookie, ours),
    ]:  # fmt: skip
        async with socket_at(server.http, *shown) as socket:
            assert await socket.is_closed() == 4401, shown
    async with socket_at(server.http, token, cookie, ours) as socket:
        assert (await socket.next("ready"))["me"]["name"].startswith("arno")


async def test_a_pass_is_good_for_a_minute(
    server: InProcessServer, arno: Worker, off_loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.desk.entering.PASS_TTL_S", -1)
    token = await off_loop(pass_of, arno)

    async with socket_at(server.http, token, cookie_of(arno), server.http) as socket:
        assert await socket.is_closed() == 4401


async def test_who_signs_out_is_out(
    server: InProcessServer, arno: Worker, sit_down: Any, off_loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.desk.consumers.LOOK_AGAIN_S", 0.05)
    desk = await sit_down(arno)

    await off_loop(arno.client.logout)

    assert await desk.is_closed() == 4401


async def test_a_neighbours_conversation_cannot_be_watched(sit_down: Any, mallory: Worker, carol: Visitor) -> None:
    desk = await sit_down(mallory)

    for number, kind in enumerate(itertools.islice(itertools.cycle(["watch", "seen", "typing"]), 6)):
        about = carol.conversation_id if number < 3 else "0192d3a4-0000-7000-8000-000000000009"
        await desk.sends(kind, conversation_id=about)
        error = await desk.next("error")
        assert (error["code"], error["conversation_id"]) == ("not_found", about)
    assert await desk.stays_silent()
