"""The model is asked while the question is being stored; nobody hears of its answer before that is done."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from chat import posting
from chat.models import Message, Turn
from tests.fakes.storing import Storing


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storing]:
    held = Storing(monkeypatch, posting, "write_at_once")
    yield held
    held.ends()


async def test_what_the_model_says_meanwhile_is_told_once_the_question_is_stored(
    carol, scripted_llm, open_tab, storing
):
    scripted_llm.will_say("Two rooms.", chunks=["Two ", "rooms."])
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    await scripted_llm.is_asked(within_s=30)
    assert await tab.stays_silent()

    storing.ends()
    completed = await tab.next("turn.completed")

    told = [frame["type"] for frame in tab.frames]
    assert told[1:5] == ["message.accepted", "message.created", "turn.started", "turn.delta"]
    assert tab.text_of(completed["turn_id"]) == "Two rooms."
    assert [message["text"] for message in carol.messages()] == ["Any rooms?", "Two rooms."]


async def test_a_question_that_cannot_be_stored_is_refused_and_the_model_is_left(
    carol, scripted_llm, open_tab, storing, off_loop
):
    scripted_llm.will_stall(after="Two ")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    asked = await scripted_llm.is_asked(within_s=30)

    storing.ends(OperationalError("the database went away"))

    assert (await tab.next("error"))["code"] == "provider_unavailable"
    assert await asked.client_leaves(within_s=30)
    assert await off_loop(questions_of, carol) == 0


def questions_of(visitor: Any) -> int:
    with visitor.business.scope():
        return Message.objects.filter(role=Message.Role.USER).count() + Turn.objects.count()
