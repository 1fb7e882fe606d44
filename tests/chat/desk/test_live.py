"""What an open desk hears, as it happens."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from websockets.exceptions import ConnectionClosed

from chat.desk.consumers import DeskConsumer
from chat.models import Conversation, Handoff, Message, Turn
from personas.access import access_persona
from personas.publishing import edit_persona, publish
from tenants import sockets
from tests.admin.conftest import Worker
from tests.chat.conftest import Visitor
from tests.chat.desk.conftest import Desk, described, read, said
from tests.chat.stage import Tab
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

OffLoop = Callable[..., Any]


async def asked_for(visitor: Visitor, off_loop: OffLoop, reason: str = "I want my money back") -> None:
    path = f"/api/v1/conversations/{visitor.conversation_id}/handoff/"
    answer = await off_loop(visitor.business.api.post, path, {"reason": reason})
    assert answer.status_code == 200, answer.content


async def does(off_loop: OffLoop, worker: Worker, visitor: Visitor, deed: str, **body: Any) -> Any:
    if deed in ("reply", "note"):
        body.setdefault("client_id", str(uuid4()))
    return await off_loop(said, worker, f"conversations/{visitor.conversation_id}/{deed}/", **body)


async def test_who_asks_for_a_person_appears_at_every_desk_of_the_tenant(
    carol: Visitor, arno: Worker, bo: Worker, mallory: Worker, sit_down: Any, off_loop: OffLoop
) -> None:
    desks: list[Desk] = [await sit_down(arno), await sit_down(bo)]
    foreign: Desk = await sit_down(mallory)

    await asked_for(carol, off_loop)

    for desk in desks:
        row = await desk.next_row(carol.conversation_id, state="requested")
        assert row["visitor"]["name"] == "Carol"
        assert desk.frames[-1]["counts"]["waiting"] == 1
    whole = (await off_loop(read, arno, f"conversations/{carol.conversation_id}/")).json()
    assert whole["reason"] == "I want my money back"
    assert whole["handoffs"][-1]["by"] == "visitor"
    assert await foreign.stays_silent()


async def test_of_two_who_take_over_at_once_one_wins_and_the_other_hears_who(
    carol: Visitor, arno: Worker, bo: Worker, acme: Business, off_loop: OffLoop
) -> None:
    await asked_for(carol, off_loop)

    answers = await asyncio.gather(*(does(off_loop, worker, carol, "takeover") for worker in (arno, bo)))

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (200, 409)
    talk = await off_loop(conversation_of, acme, carol)
    assert talk.agent_name
    assert talk.agent_name in lost.json()["detail"]


def conversation_of(business: Business, visitor: Visitor) -> Conversation:
    with business.scope():
        return Conversation.objects.get(pk=visitor.conversation_id)  # type: ignore[no-any-return]


async def test_visitor_and_agent_read_each_other_and_notes_stay_here(
    carol: Visitor, arno: Worker, sit_down: Any, open_tab: Any, off_loop: OffLoop
) -> None:
    tab: Tab = await open_tab(carol)
    desk: Desk = await sit_down(arno)
    await desk.sends("watch", conversation_id=carol.conversation_id)
    await desk.next("looking")
    assert (await does(off_loop, arno, carol, "takeover")).status_code == 200
    assert (await desk.next_event("conversation.handoff"))["state"] == "human"
    assert (await tab.next("conversation.handoff"))["agent"]["name"].startswith("arno")

    assert (await does(off_loop, arno, carol, "note", text="Be kind to her")).status_code == 200
    assert (await does(off_loop, arno, carol, "reply", text="Good evening!")).status_code == 200
    for told in (await tab.next("message.created"), await desk.next_event("message.created")):
        assert (told["role"], told["text"]) == ("human", "Good evening!")

    await tab.says("Good evening.")
    assert (await desk.next_event("message.created"))["text"] == "Good evening."
    await desk.next_row(carol.conversation_id, unread=1)
    await desk.sends("seen", conversation_id=carol.conversation_id)
    await desk.next_row(carol.conversation_id, unread=0)

    whole = (await off_loop(read, arno, f"conversations/{carol.conversation_id}/")).json()
    assert [message["role"] for message in whole["messages"]] == ["note", "human", "user"]
    assert "Be kind" not in str(tab.frames)
    assert "Be kind" not in str(carol.messages())


async def test_both_see_the_other_write_and_nobody_else(
    carol: Visitor, arno: Worker, bo: Worker, sit_down: Any, open_tab: Any, off_loop: OffLoop
) -> None:
    tab: Tab = await open_tab(carol)
    desk, colleague = await sit_down(arno), await sit_down(bo)
    await does(off_loop, arno, carol, "takeover")
    for each in (desk, colleague):
        await each.sends("watch", conversation_id=carol.conversation_id)
        await each.next("looking")

    await tab.sends("typing")
    typing = await desk.next("typing")
    assert (typing["by"], typing["conversation_id"]) == ("user", carol.conversation_id)

    await colleague.sends("typing", conversation_id=carol.conversation_id)  # he looks on only
    await colleague.sends("ping")
    await colleague.next("pong")
    await desk.sends("typing", conversation_id=carol.conversation_id)
    typing = await tab.next("typing")
    assert (typing["by"], typing["name"]) == ("human", (await off_loop(name_of, carol)))


def name_of(visitor: Visitor) -> str:
    return conversation_of(visitor.business, visitor).agent_name  # type: ignore[no-any-return]


async def test_agents_see_who_looks_at_the_same(carol: Visitor, arno: Worker, bo: Worker, sit_down: Any) -> None:
    desk, colleague = await sit_down(arno), await sit_down(bo)

    for each in (desk, colleague):
        await each.sends("watch", conversation_id=carol.conversation_id)
    while len((told := await desk.next("looking"))["people"]) < 2:
        pass
    assert sorted(person["name"].split("-")[0] for person in told["people"]) == ["arno", "bo"]

    await colleague.leaves()
    while len((told := await desk.next("looking"))["people"]) > 1:
        pass
    assert told["people"][0]["name"].startswith("arno")


async def test_an_answer_is_watched_from_its_first_word(
    carol: Visitor, arno: Worker, sit_down: Any, open_tab: Any, scripted_llm: FakeOpenAI
) -> None:
    scripted_llm.will_say("One room left, traveller.", chunks=5)
    tab: Tab = await open_tab(carol)
    desk: Desk = await sit_down(arno)
    await desk.sends("watch", conversation_id=carol.conversation_id, after=0)
    await desk.sends("ping")
    await desk.next("pong")  # what was sent before is done

    await tab.says("Any rooms?")

    assert (await desk.next_event("turn.completed"))["text"] == "One room left, traveller."
    deltas = [frame["event"] for frame in desk.frames if frame.get("event", {}).get("type") == "turn.delta"]
    assert "".join(delta["text"] for delta in deltas) == "One room left, traveller."


async def test_the_bot_drafts_an_answer_that_only_the_agent_gets(
    carol: Visitor, arno: Worker, open_tab: Any, off_loop: OffLoop, scripted_llm: FakeOpenAI
) -> None:
    tab: Tab = await open_tab(carol)
    await does(off_loop, arno, carol, "takeover")
    await tab.says("Any rooms?")
    await tab.next("message.created")
    scripted_llm.will_say("One room left [1], traveller.")

    drafted = await does(off_loop, arno, carol, "suggestion")

    assert (drafted.status_code, drafted.json()) == (200, {"text": "One room left, traveller."})
    assert [message["text"] for message in carol.messages()] == ["Any rooms?"]
    assert "room left" not in str(tab.frames)


async def test_who_is_the_person_is_not_told_to_call_one(
    carol: Visitor, acme: Business, arno: Worker, open_tab: Any, off_loop: OffLoop, scripted_llm: FakeOpenAI
) -> None:
    await off_loop(calls_by_tool, acme)
    tab: Tab = await open_tab(carol)
    await does(off_loop, arno, carol, "takeover")
    await tab.says("My ring fell into the well.")
    await tab.next("message.created")
    scripted_llm.will_call("hand_over", {"reason": "a ring"}, saying="I call someone.")

    drafted = await does(off_loop, arno, carol, "suggestion")

    assert drafted.json() == {"text": ""}


def calls_by_tool(business: Business) -> None:
    with business.scope():
        handoff = {"enabled": True, "by_persona": True, "by_tool": True}
        publish(edit_persona(access_persona(business.id, "innkeeper"), settings={"handoff": handoff}))


def test_the_document_names_every_frame() -> None:
    document = described()
    taken, told = (
        {one["$ref"].rsplit("/", 1)[1] for one in document["operations"][name]["messages"]}
        for name in ("deskSends", "serverTellsDesk")
    )

    assert taken == set(DeskConsumer.frames)
    assert {f"desk.{name}" for name in taken | told} == {
        name for name in document["components"]["messages"] if name.startswith("desk.")
    }


async def test_bad_frames_are_answered_and_close_nothing(arno: Worker, sit_down: Any) -> None:
    desk: Desk = await sit_down(arno)

    for frame in ("{", '{"type": "dance"}', '{"type": "watch"}', '{"type": "watch", "conversation_id": "x"}'):
        await desk.socket.send(frame)
        assert (await desk.next("error"))["code"] in ("frame_invalid", "frame_unknown", "invalid")
    await desk.sends("ping")
    await desk.next("pong")


async def test_a_flood_is_told_off_and_cut_off_while_the_others_go_on(
    carol: Visitor, arno: Worker, bo: Worker, sit_down: Any, open_tab: Any, off_loop: OffLoop, monkeypatch: Any
) -> None:
    tab, other = await open_tab(carol), await sit_down(bo)
    assert (await does(off_loop, arno, carol, "takeover")).status_code == 200
    await tab.next("conversation.handoff")
    with monkeypatch.context() as patch:
        patch.setattr(sockets, "FRAMES_PER_S", 0.001)  # however slow this machine, it is a flood
        desk = await sit_down(arno)
    before = await off_loop(stored, carol)

    with contextlib.suppress(ConnectionClosed):
        for kind in ("watch", "typing", "seen", "unwatch") * 100:
            await desk.sends(kind, conversation_id=carol.conversation_id)
        await desk.socket.wait_closed()
    for each in (other, tab):
        await each.sends("ping")
        await each.next("pong")

    assert await desk.is_closed() == 4429
    refusals = [frame for frame in desk.frames if frame["type"] == "error"]
    assert {(frame["code"], frame["retry_after_s"]) for frame in refusals} == {("rate_limited", 1)}
    assert len(refusals) == sockets.REFUSED_BEFORE_CUT + 1
    # What was taken came to nothing that lasts, and whoever is left looks alone.
    assert await off_loop(stored, carol) == before
    await other.sends("watch", conversation_id=carol.conversation_id)
    while [person["name"].split("-")[0] for person in (await other.next("looking"))["people"]] != ["bo"]:
        pass
    assert (await sit_down(arno)).frames[-1]["type"] == "ready"


def stored(visitor: Visitor) -> tuple[Any, ...]:
    """All that is kept of a conversation, but for how far it was told."""
    with visitor.business.scope():
        talk = Conversation.objects.values().get(pk=visitor.conversation_id) | {"told_seq": None}
        return talk, *(model.objects.filter(conversation_id=talk["id"]).count() for model in (Message, Turn, Handoff))
