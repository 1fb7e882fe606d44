"""A human who took over is never talked over: not by a stored answer, nor by one that is being spoken."""

import asyncio
import time
from uuid import UUID, uuid4

import httpx2 as httpx
import pytest
from django.db import IntegrityError, connection, transaction

from chat.models import Conversation, Message, Turn
from tests.chat.stage import OtherProcess, Tab


def insert_answer(conversation: Conversation, turn_id: UUID | None, *, finish_reason: str = "stop") -> None:
    """As any code of ours might, or might come to: straight into the table, as troupe_app."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("troupe_app",)
        Message.objects.create(
            conversation=conversation,
            turn_id=turn_id,
            seq=Message.objects.count() + 100,
            role="bot",
            text="The bot speaks",
            finish_reason=finish_reason,
        )


def test_the_database_refuses_an_answer_from_before_the_take_over(carol, acme):
    with acme.scope():
        conversation = Conversation.objects.get(pk=carol.conversation_id)
        question = conversation.messages.create(seq=1, role="user", text="Hello")
        old, speaking = (Turn.objects.create(conversation=conversation, question=question) for _ in range(2))
        insert_answer(conversation, old.pk)

        Conversation.objects.filter(pk=conversation.pk).update(fence=1, yielding_turn_id=speaking.pk)
        for turn_id, finish_reason in ((old.pk, "stop"), (old.pk, "stopped"), (speaking.pk, "stop"), (None, "stopped")):
            with pytest.raises(IntegrityError, match="a person has taken over"):
                insert_answer(conversation, turn_id, finish_reason=finish_reason)
        insert_answer(conversation, speaking.pk, finish_reason="stopped")

        # Once the take-over is answered not even that.
        Conversation.objects.filter(pk=conversation.pk).update(yielding_turn_id=None)
        with pytest.raises(IntegrityError, match="a person has taken over"):
            insert_answer(conversation, speaking.pk, finish_reason="stopped")
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.filter(role="bot").update(text="Said after all")
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.filter(role="user").update(role="bot")
        Message.objects.filter(role="bot").update(feedback=1)  # what is no word of the bot's may change

        fresh = Turn.objects.create(conversation=conversation, question=question, fence=1)
        insert_answer(conversation, fresh.pk)
        assert Message.objects.filter(role="bot").count() == 3


@pytest.fixture(scope="module")
def other(database):
    with OtherProcess() as process:
        yield process


async def watch(tab: Tab, arrivals: list[tuple[float, dict]]) -> None:
    while True:
        frame = await tab.receive()
        arrivals.append((time.monotonic(), frame))


@pytest.mark.parametrize("taken_at", ["the other process", "the turn's own"])
async def test_no_delta_follows_the_answer_to_a_take_over(
    carol, scripted_llm, open_tab, server, other, acme, taken_at, off_loop
):
    """The turn speaks in one process, Carol watches in both, and Bob takes over in mid-stream."""
    scripted_llm.will_say("word " * 600, chunks=600, delay_s=0.02)
    here, there = await open_tab(carol), await open_tab(carol, at=other.http)
    await here.says("Tell me everything.")
    await here.next("turn.delta")
    await there.next("turn.delta")
    arrivals: list[tuple[float, dict]] = []
    watching = [asyncio.create_task(watch(tab, arrivals)) for tab in (here, there)]
    path = f"/api/v1/conversations/{carol.conversation_id}/"
    async with httpx.AsyncClient(
        base_url=other.http if taken_at == "the other process" else server.http, headers=acme.headers, timeout=30
    ) as client:
        taken = await client.post(f"{path}takeover/", json={})
        answered_at = time.monotonic()
        reply = await client.post(f"{path}reply/", json={"client_id": str(uuid4()), "text": "Bob here."})
    assert (taken.status_code, reply.status_code) == (200, 200)
    while sum(frame.get("text") == "Bob here." for _, frame in arrivals) < 2:
        await asyncio.sleep(0.02)
    for task in watching:
        task.cancel()

    deltas = [at for at, frame in arrivals if frame["type"] == "turn.delta"]
    assert not [at for at in deltas if at > answered_at]
    for tab in (here, there):
        completed = next(frame for frame in tab.frames if frame["type"] == "turn.completed")
        assert completed["finish_reason"] == "stopped"
        assert tab.text_of(completed["turn_id"]) == completed["text"] != ""
        kinds = [frame["type"] for frame in tab.frames]
        assert kinds.index("turn.completed") < kinds.index("conversation.handoff")
        assert tab.numbers() == sorted(tab.numbers())
    listed = await off_loop(carol._messages)
    assert [(each["role"], each["finish_reason"]) for each in listed] == [
        ("user", None), ("bot", "stopped"), ("human", None),
    ]  # fmt: skip
    assert listed[1]["text"] == completed["text"]


async def test_what_waited_behind_the_answer_is_left_to_the_person(carol, scripted_llm, open_tab, desk):
    scripted_llm.will_say("word " * 600, chunks=600, delay_s=0.02)
    tab = await open_tab(carol)
    await tab.says("First")
    await tab.next("turn.delta")
    await tab.says("Second")
    while len((await desk.sees("messages/"))["results"]) < 2:
        await asyncio.sleep(0.02)

    assert (await desk.does("takeover")).status_code == 200
    await tab.next("conversation.handoff")

    assert len(scripted_llm.requests) == 1, "the model was not asked the second time"
    said = [(frame["role"], frame["text"]) for frame in tab.frames if frame["type"] == "message.created"]
    assert ("user", "Second") in said
    assert (await desk.does("release")).json()["state"] == "bot"
    scripted_llm.will_say("Third answer")
    await tab.says("Third")
    while (await tab.next("turn.completed"))["text"] != "Third answer":
        pass
