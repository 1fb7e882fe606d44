"""A person takes over, talks with Carol, and gives her back to the bot."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from chat import handover
from chat.log import delete_blocking, stream_key
from chat.models import Handoff, Message
from personas.models import Persona
from tenants.errors import ScopeMissing
from tenants.models import AuditEntry
from tests.chat.handover.conftest import hire


def said(text: str) -> dict[str, str]:
    return {"client_id": str(uuid4()), "text": text}


async def test_a_person_takes_over_answers_and_gives_back(carol, scripted_llm, open_tab, desk, off_loop):
    scripted_llm.will_say("The bar is open.")
    tab, phone = await open_tab(carol), await open_tab(carol)
    await tab.says("Is the bar open?")
    await tab.next("turn.completed")
    await phone.next("turn.completed")

    taken = await desk.does("takeover", agent_name="Bob")

    assert taken.status_code == 200
    assert taken.json() | {"state": "human", "agent": {"id": None, "name": "Bob"}} == taken.json()
    for one in (tab, phone):
        told = await one.next("conversation.handoff")
        assert (told["state"], told["by"], told["agent"]) == ("human", "agent", {"name": "Bob"})

    answer = await desk.does("reply", **said("Bob here. How can I help?"), agent_name="Bob")
    assert answer.status_code == 200
    for one in (tab, phone):
        spoken = await one.next("message.created")
        assert (spoken["role"], spoken["author"]) == ("human", "Bob")
        assert spoken["text"] == "Bob here. How can I help?"
        assert "turn_id" not in spoken

    client_id = await tab.says("Keep me a table, please.")
    accepted = await tab.next("message.accepted")
    assert (accepted["client_id"], accepted["turn_id"]) == (client_id, None)
    assert (await phone.next("message.created"))["text"] == "Keep me a table, please."
    assert (await desk.sees())["unread_by_agent"] == 1
    await tab.next("message.created")
    assert len(scripted_llm.requests) == 1, "the bot kept silent"

    released = await desk.does("release")
    assert (released.json()["state"], released.json()["agent"]) == ("bot", None)
    told = await tab.next("conversation.handoff")
    assert (told["state"], told["ask_satisfaction"]) == ("bot", True)

    scripted_llm.will_say("Your table is kept.")
    await tab.says("And now?")
    await tab.next("turn.completed")
    asked = scripted_llm.requests[-1].body["messages"]
    assert any("Bob here. How can I help?" in message["content"] for message in asked if message["role"] == "assistant")
    assert any("Keep me a table, please." in message["content"] for message in asked if message["role"] == "user")
    seqs = [frame["seq"] for frame in tab.frames if "seq" in frame and frame["type"] != "ready"]
    assert seqs == sorted(set(seqs))


async def test_who_was_away_hears_all_of_it_on_any_process(carol, scripted_llm, open_tab, desk, server):
    scripted_llm.will_say("Hello.")
    tab = await open_tab(carol)
    await tab.says("Hello?")
    last = await tab.next("turn.completed")
    await desk.does("takeover")
    await desk.does("note", **said("She owes us two coppers."))
    await desk.does("reply", **said("Good evening."))
    await tab.says("Good evening to you.")
    while (await tab.next("message.created"))["role"] != "user":
        pass
    await desk.does("close")
    closed = await tab.next("conversation.handoff")

    for forget_log in (False, True):
        if forget_log:
            delete_blocking([stream_key(carol.business.id, UUID(carol.conversation_id))])
        back = await open_tab(carol, after=last["seq"])
        while (await back.next("conversation.handoff"))["seq"] != closed["seq"]:
            pass
        news = [frame for frame in back.frames if frame["type"] != "ready"]
        kinds = [(frame["type"], frame.get("role") or frame.get("state")) for frame in news]
        assert kinds == [
            ("conversation.handoff", "human"),
            ("message.created", "human"),
            ("message.created", "user"),
            ("conversation.handoff", "closed"),
        ]
        assert not any("coppers" in str(frame) for frame in news)


async def test_the_contract_of_the_four_calls(carol, desk, globex, off_loop):
    early = await desk.does("reply", **said("Hello"))
    assert (early.status_code, early.json()["code"]) == (409, "conflict")

    for _ in range(2):
        assert (await desk.does("takeover")).status_code == 200
    body = said("Only once")
    answers = [await desk.does("reply", **body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    told = (await desk.sees("messages/"))["results"]
    assert [(message["role"], message["text"]) for message in told] == [("human", "Only once")]

    assert (await desk.does("release")).json()["state"] == "bot"
    assert (await desk.does("release")).json()["state"] == "bot"
    assert (await desk.does("close")).json()["state"] == "closed"
    assert (await desk.does("close")).json()["state"] == "closed"
    for what, more in (("takeover", {}), ("reply", said("Hello")), ("release", {})):
        assert (await desk.does(what, **more)).status_code == 409
    wrong = await desk.does("reply", client_id="x", text="")
    assert wrong.status_code == 422
    assert {fault["field"] for fault in wrong.json()["errors"]} == {"client_id", "text"}


async def test_in_a_persons_hands_no_door_makes_the_bot_speak(carol, scripted_llm, open_tab, desk, acme, off_loop):
    scripted_llm.will_say("First answer.")
    tab = await open_tab(carol)
    await tab.says("Hello?")
    turn = await tab.next("turn.completed")
    await desk.does("takeover")
    await tab.next("conversation.handoff")
    path = f"/api/v1/conversations/{carol.conversation_id}/"

    rest = await off_loop(acme.api.post, f"{path}turns/", said("By REST"))
    streamed = await off_loop(lambda: acme.api.post(f"{path}turns/", said("By stream"), Accept="text/event-stream"))
    completion = {
        "model": "innkeeper", "user": "carol", "messages": [{"role": "user", "content": "By OpenAI's door"}],
        "metadata": {"conversation_id": carol.conversation_id},
    }  # fmt: skip
    openai = await off_loop(acme.api.post, "/v1/chat/completions", completion)
    assert [(answer.status_code, answer.json().get("code")) for answer in (rest, streamed)] == [(409, "taken_over")] * 2
    assert (openai.status_code, openai.json()["error"]["code"]) == (409, "taken_over")
    await tab.sends("turn.regenerate", turn_id=turn["turn_id"])
    assert (await tab.next("error"))["code"] == "taken_over"
    question = next(frame for frame in tab.frames if frame["type"] == "message.created" and frame["role"] == "user")
    await tab.sends("message.edit", message_id=question["message_id"], text="Otherwise")
    assert (await tab.next("error"))["code"] in ("taken_over", "conflict")

    told = [(message["role"], message["text"]) for message in await off_loop(carol._messages)]
    assert told[2:] == [("user", "By REST"), ("user", "By stream"), ("user", "By OpenAI's door")]
    assert len(scripted_llm.requests) == 1


async def test_colleagues_hand_on_to_each_other(carol, acme, desk, bob, off_loop):
    eve = await off_loop(hire, acme, "eve")
    viewer_role = await off_loop(_refused_role, acme)
    assert viewer_role == "scope_missing"
    conversation_id = UUID(carol.conversation_id)
    await handover.take_over(conversation_id, bob)
    with pytest.raises(handover.errors.HeldByAnother):
        await handover.take_over(conversation_id, eve)
    assert (await desk.does("reply", **said("By a key"))).status_code == 409, "a server is not Bob"

    given = await desk.does("transfer", to=str(eve.member_id))
    assert given.json()["agent"] == {"id": str(eve.member_id), "name": eve.name}
    assert (await desk.does("transfer", to=str(uuid4()))).status_code == 422
    back = await desk.does("transfer", to=None)
    assert (back.json()["state"], back.json()["agent"]) == ("requested", None)
    await handover.take_over(conversation_id, bob)
    await handover.close(conversation_id, bob)

    def record() -> Any:
        with acme.scope():
            entries = AuditEntry.objects.filter(object_id=carol.conversation_id).order_by("at")
            return [(entry.action, entry.actor_id) for entry in entries]

    by_bob = bob.user_id
    assert await off_loop(record) == [
        ("take_over", by_bob), ("transfer", None), ("transfer", None), ("take_over", by_bob), ("close", by_bob),
    ]  # fmt: skip


def _refused_role(acme: Any) -> str:
    try:
        hire(acme, "vic", role="viewer")
    except ScopeMissing as error:
        return error.code
    return ""


async def test_a_note_is_nobodys_but_the_agents(carol, open_tab, desk, acme, off_loop):
    tab = await open_tab(carol)
    secret = "She is the owner's niece."
    body = said(secret)
    assert [(await desk.does("note", **body)).status_code for _ in range(2)] == [200, 200]
    await desk.does("takeover")
    await tab.next("conversation.handoff")

    assert [note["text"] for note in (await desk.sees("notes/"))["results"]] == [secret]
    assert (await desk.sees())["message_count"] == 0
    assert (await desk.sees("messages/"))["results"] == []
    assert not any(secret in str(frame) for frame in tab.frames)
    back = await open_tab(carol, after=0)
    await back.next("conversation.handoff")
    assert not any(secret in str(frame) for frame in back.frames)
    persona_key = await off_loop(_publishable, acme)
    public = f"/api/v1/public/{persona_key}/conversations/{carol.conversation_id}/messages/"
    answer = await off_loop(lambda: Client(headers={"Authorization": f"Bearer {carol.token}"}).get(public))
    assert (answer.status_code, answer.json()["results"]) == (200, [])

    def rows() -> Any:
        with acme.scope():
            return Message.objects.filter(role="note").count(), Handoff.objects.count()

    assert await off_loop(rows) == (1, 1)


def _publishable(acme: Any) -> str:
    with acme.scope():
        return str(Persona.objects.get(slug="innkeeper").publishable_key)
