"""What stands behind the bot, in the admin: replies, who wants to be called, how conversations changed hands."""

from typing import Any

import pytest

from chat.models import CannedReply, ContactRequest
from tests.admin.conftest import alice, arno, hire, vera
from tests.chat.conftest import open_inn, welcome

__all__ = ["alice", "arno", "hire", "vera"]

REPLY = {"shortcut": "hello", "text": "A person here. How can I help?", "language": "en", "persona": ""}


def text_of(page: Any) -> str:
    return str(page.content.decode())


def test_a_reply_is_written_found_and_changed(acme, innkeeper, arno):
    path = "/admin/chat/cannedreply/"
    assert arno.posts(f"{path}add/", **REPLY).status_code == 302
    assert arno.posts(f"{path}add/", **{**REPLY, "language": "zh", "text": "您好，我是人工客服。"}).status_code == 302
    assert arno.posts(f"{path}add/", **{**REPLY, "persona": str(innkeeper.pk)}).status_code == 302

    twice = arno.posts(f"{path}add/", **REPLY)
    blank = arno.posts(f"{path}add/", **{**REPLY, "shortcut": "two words"})
    assert (twice.status_code, blank.status_code) == (200, 200), "refused, with the form"
    assert "There is a reply with this shortcut already" in text_of(twice)

    found = text_of(arno.sees(path, q="人工"))
    assert "您好，我是人工客服。" in found
    assert "A person here" not in found
    listed = acme.api.get("/api/v1/canned-replies/", language="zh").json()["results"]
    assert [(each["shortcut"], each["text"]) for each in listed] == [("hello", "您好，我是人工客服。")]
    row = f"{path}{listed[0]['id']}/change/"
    assert arno.posts(row, **{**REPLY, "language": "zh", "text": "您好！"}).status_code == 302
    assert acme.api.get("/api/v1/canned-replies/", language="zh").json()["results"][0]["text"] == "您好！"


def test_who_left_a_message_is_called_back(acme, carol, arno, vera):
    path = f"/api/v1/conversations/{carol.conversation_id}/contact/"
    form = {"name": "Carol", "contact": "carol@example.com", "message": "My ring is in the well."}
    assert acme.api.post(path, form).status_code == 201
    with acme.scope():
        request = ContactRequest.objects.get()

    pages = "/admin/chat/contactrequest/"
    row = f"{pages}{request.pk}/change/"
    assert "carol@example.com" in text_of(arno.sees(pages, q="ring", done="no"))
    page = text_of(arno.sees(row))
    assert "My ring is in the well." in page
    assert f"/admin/chat/conversation/{carol.conversation_id}/change/" in page
    assert arno.posts(row, is_done="on").status_code == 302
    assert "carol@example.com" not in text_of(arno.sees(pages, done="no"))
    listed = acme.api.get("/api/v1/contact-requests/").json()["results"]
    assert [each["done"] for each in listed] == [True]
    assert arno.posts(row).status_code == 302
    assert acme.api.get("/api/v1/contact-requests/", done="false").json()["results"] != []

    assert vera.client.get(pages).status_code == vera.client.get(row).status_code == 403
    assert arno.client.get(f"{pages}add/").status_code == 403


def test_how_a_conversation_changed_hands_is_listed_and_searched(acme, scripted_llm, alice, vera):
    open_inn(acme, scripted_llm, handoff={"enabled": True})
    carol = welcome(acme, "carol")
    path = f"/api/v1/conversations/{carol.conversation_id}/"
    assert acme.api.post(f"{path}handoff/", {"reason": "想退货，请找人工"}).status_code == 200
    assert acme.api.post(f"{path}takeover/", {"agent_name": "Bob"}).status_code == 200

    pages = "/admin/chat/handoff/"
    for person in (alice, vera):
        whole = text_of(person.sees(pages))
        assert "想退货，请找人工" in whole
        assert "Bob" in whole
    by_visitors = text_of(alice.sees(pages, by__exact="visitor"))
    assert "想退货" in by_visitors
    assert "Bob" not in by_visitors
    assert "Bob" in text_of(alice.sees(pages, q="Bob"))
    assert "想退货" not in text_of(alice.sees(pages, q="Bob"))
    assert alice.client.get(f"{pages}add/").status_code == 403


@pytest.mark.parametrize("name", ["cannedreply", "contactrequest", "handoff"])
def test_mallory_finds_nothing_of_it(acme, globex, scripted_llm, hire, name):
    open_inn(acme, scripted_llm, handoff={"enabled": True})
    carol = welcome(acme, "carol")
    path = f"/api/v1/conversations/{carol.conversation_id}/"
    assert acme.api.post(f"{path}handoff/", {"reason": "secret reason"}).status_code == 200
    assert acme.api.post(f"{path}contact/", {"contact": "secret@example.com"}).status_code == 201
    assert acme.api.post("/api/v1/canned-replies/", {"shortcut": "secret", "text": "secret text"}).status_code == 201
    mallory = hire(globex, name="mallory")

    assert "secret" not in text_of(mallory.sees(f"/admin/chat/{name}/"))
    assert "secret@" not in text_of(mallory.sees(f"/admin/chat/{name}/", q="carol"))


def test_a_reply_for_a_neighbours_persona_is_refused(acme, globex, innkeeper, hire):
    mallory = hire(globex, name="mallory")

    answer = mallory.posts("/admin/chat/cannedreply/add/", **{**REPLY, "persona": str(innkeeper.pk)})

    assert answer.status_code == 200, "refused, with the form"
    with globex.scope():
        assert not CannedReply.objects.exists()
