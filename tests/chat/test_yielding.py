"""A person takes over while the bot speaks. Whoever takes over is on another process than the turn here."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from chat import engine as engines
from chat.engine import Engine, engine
from chat.errors import StillSpeaking
from chat.hub import hub
from chat.models import Conversation, Turn
from tests.chat.conftest import Visitor
from tests.chat.stage import Tab

STORY = "".join(f"Line {number} of a long story. " for number in range(30))


@pytest.fixture
async def elsewhere() -> AsyncIterator[Engine]:
    """A web process's engine; this event loop's."""
    yield engine()
    await hub().aclose()


@pytest.fixture
def take_over(carol: Visitor, elsewhere: Engine, off_loop: Any) -> Any:
    """Raise the fence, and wait until the bot is silent; as who takes over does."""

    def raise_fence(keeps_what_was_said: bool) -> int:
        with carol.business.scope():
            conversation = Conversation.objects.get(pk=carol.conversation_id)
            if keeps_what_was_said:
                held = Turn.objects.filter(conversation=conversation, holds_conversation=True).first()
                conversation.yielding_turn_id = held and held.pk
            conversation.state, conversation.fence = Conversation.State.HUMAN, conversation.fence + 1
            conversation.save()
            return int(conversation.fence)

    async def take_over(*, keeps_what_was_said: bool = True) -> None:
        fence = await off_loop(raise_fence, keeps_what_was_said)
        await elsewhere.yield_to_person(carol.business.id, UUID(carol.conversation_id), fence)

    return take_over


async def everything_told(tab: Tab) -> list[dict[str, Any]]:
    """What comes by the time that a ping is answered."""
    await tab.sends("ping")
    await tab.next("pong")
    return tab.frames


async def test_after_a_take_over_nothing_of_the_answer_follows(carol, scripted_llm, open_tab, take_over):
    scripted_llm.will_say(STORY, chunks=100, delay_s=0.02)
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")

    await take_over()

    told = await everything_told(tab)
    completed = next(frame for frame in told if frame["type"] == "turn.completed")
    assert completed["finish_reason"] == "stopped"
    assert completed["text"] == tab.text_of(delta["turn_id"]) != STORY
    assert await scripted_llm.chat_requests[0].client_leaves()
    assert await tab.stays_silent(0.1)
    assert [message["text"] for message in carol.messages()] == ["Tell me a story.", completed["text"]]


async def test_a_bot_that_nobody_waits_for_has_no_say(carol, scripted_llm, open_tab, take_over):
    """The take-over gave up on it, so that what it said cannot be stored any more."""
    scripted_llm.will_stall(after="Once upon a time ")
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    await tab.next("turn.delta")

    await take_over(keeps_what_was_said=False)

    failed = await tab.next("turn.failed")
    assert (failed["code"], failed["retryable"], failed["text"]) == ("taken_over", False, "")
    assert [message["text"] for message in carol.messages()] == ["Tell me a story."]


async def test_messages_that_waited_are_told_and_left_to_the_person(carol, scripted_llm, open_tab, take_over):
    scripted_llm.will_stall(after="Once upon a time ")
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    await tab.next("turn.delta")
    await tab.says("And then?")
    await everything_told(tab)

    await take_over()

    failed = await tab.next("turn.failed")
    created = [frame["text"] for frame in tab.frames if frame["type"] == "message.created"]
    assert failed["code"] == "taken_over"
    assert created[-1] == "And then?"
    assert len(scripted_llm.chat_requests) == 1


async def test_a_quiet_conversation_is_taken_over_at_once(carol, take_over):
    await take_over()


async def test_a_bot_that_does_not_stop_is_told_of(carol, scripted_llm, open_tab, take_over, monkeypatch, off_loop):
    """The process that runs the turn lives and does not answer. A dead one's turn is waited for no longer."""
    monkeypatch.setattr(engines, "YIELD_WITHIN_S", 0.2)
    monkeypatch.setattr(Engine, "_yield_here", lambda *said: False)
    scripted_llm.will_stall(after="Once upon a time ")
    tab = await open_tab(carol)
    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")

    with pytest.raises(StillSpeaking):
        await take_over()

    def die() -> None:
        with carol.business.scope():
            Turn.objects.filter(pk=delta["turn_id"]).update(process_id=carol.business.id)

    await off_loop(die)
    await take_over()
