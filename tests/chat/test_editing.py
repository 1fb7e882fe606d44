"""The last message said otherwise, and answered anew."""

from typing import Any
from uuid import UUID, uuid4

from chat.log import delete_blocking, stream_key
from chat.models import Conversation, Message
from tests.chat.conftest import Visitor
from tests.chat.stage import Tab
from tests.chat.test_frames import frame, refusal, stranger  # noqa: F401 - the stranger is a fixture


def said(visitor: Visitor) -> list[tuple[str, str]]:
    return [(message["role"], message["text"]) for message in visitor.messages()]


async def asks(tab: Tab, text: str) -> tuple[str, dict[str, Any]]:
    """Ask, and wait for the answer: the question's id, and how the turn was completed."""
    await tab.says(text)
    return (await tab.next("message.accepted"))["message_id"], await tab.next("turn.completed")


async def test_an_edited_message_is_answered_anew_in_every_tab(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room left.")
    scripted_llm.will_say("有两间双人房。")
    desk, phone = await open_tab(carol), await open_tab(carol)
    question_id, first = await asks(desk, "Any rooms?")
    await phone.next("turn.completed")

    await desk.sends("message.edit", message_id=question_id, text="有双人房吗？")

    for tab in (desk, phone):
        asked = await tab.next("message.created")
        started = await tab.next("turn.started")
        completed = await tab.next("turn.completed")
        assert (asked["role"], asked["text"], asked["replaces"]) == ("user", "有双人房吗？", question_id)
        assert (started["replaces"], started["message_id"]) == (first["turn_id"], asked["message_id"])
        assert started["turn_id"] == asked["turn_id"] == completed["turn_id"] != first["turn_id"]
        assert tab.text_of(completed["turn_id"]) == completed["text"] == "有两间双人房。"
        assert tab.numbers() == sorted(set(tab.numbers()))
    assert said(carol) == [("user", "有双人房吗？"), ("bot", "有两间双人房。")]
    prompt = [message["content"] for message in scripted_llm.chat_requests[-1].messages]
    assert prompt[-1].endswith("有双人房吗？")
    assert not [text for text in prompt if "Any rooms?" in text or "One room left." in text]


async def test_what_was_edited_may_be_edited_and_answered_anew_again(carol, scripted_llm, open_tab):
    for answer in ("One.", "Two.", "Three.", "Four."):
        scripted_llm.will_say(answer)
    tab = await open_tab(carol)
    question_id, _first = await asks(tab, "1?")

    for text in ("2?", "3?"):
        await tab.sends("message.edit", message_id=question_id, text=text)
        question_id = (await tab.next("message.created"))["message_id"]
        completed = await tab.next("turn.completed")
    await tab.sends("turn.regenerate", turn_id=completed["turn_id"])
    await tab.next("turn.completed")

    assert said(carol) == [("user", "3?"), ("bot", "Four.")]


async def test_editing_while_the_answer_is_written_stops_it(carol, scripted_llm, open_tab, off_loop):
    scripted_llm.will_stall(after="Once upon a time ")
    scripted_llm.will_say("A poem then.")
    tab = await open_tab(carol)
    await tab.says("Tell me of wolves.")
    question_id = (await tab.next("message.created"))["message_id"]
    delta = await tab.next("turn.delta")

    await tab.sends("message.edit", message_id=question_id, text="Tell me of sheep.")
    stopped, completed = await tab.next("turn.completed"), await tab.next("turn.completed")

    assert (stopped["turn_id"], stopped["finish_reason"]) == (delta["turn_id"], "stopped")
    assert completed["text"] == "A poem then."
    assert await scripted_llm.chat_requests[0].client_leaves()
    assert said(carol) == [("user", "Tell me of sheep."), ("bot", "A poem then.")]
    prompt = [message["content"] for message in scripted_llm.chat_requests[-1].messages]
    assert not [text for text in prompt if "wolves" in text or "Once upon" in text]


async def test_an_edit_that_is_sent_again_changes_nothing(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room.", times=2)
    tab, client_id = await open_tab(carol), str(uuid4())
    question_id, _first = await asks(tab, "Any rooms?")
    edit = {"message_id": question_id, "text": "Any beds?"}

    await tab.sends("message.edit", **edit, client_id=client_id)
    accepted = await tab.next("message.accepted")
    await tab.next("turn.completed")
    await tab.sends("message.edit", **edit, client_id=client_id)
    again = await tab.next("message.accepted")
    await tab.sends("message.edit", **edit)

    assert again == accepted
    assert accepted["client_id"] == client_id
    assert (await refusal(tab, frame("message.edit", **edit | {"text": "Any food?"})))["code"] == "conflict"
    assert len(scripted_llm.chat_requests) == 2
    assert len(said(carol)) == 2


async def test_only_the_last_message_of_ones_own_is_edited(carol, scripted_llm, open_tab, stranger):  # noqa: F811
    scripted_llm.will_say("Yes.", times=2)
    tab = await open_tab(carol)
    old_id, old = await asks(tab, "One?")
    last_id, completed = await asks(tab, "Two?")
    theirs = await open_tab(stranger)

    for sender, message_id, code in (
        (tab, old_id, "conflict"),
        (tab, completed["message_id"], "not_found"),
        (tab, str(uuid4()), "not_found"),
        (theirs, last_id, "not_found"),
        (tab, "yesterday", "invalid"),
    ):
        edit = frame("message.edit", message_id=message_id, text="Three?")
        assert (await refusal(sender, edit))["code"] == code
    assert (await refusal(tab, frame("message.edit", message_id=last_id, text=" ")))["code"] == "invalid"
    assert (await refusal(tab, frame("turn.regenerate", turn_id=old["turn_id"])))["code"] == "conflict"

    assert [text for _role, text in said(carol)] == ["One?", "Yes.", "Two?", "Yes."]
    assert stranger.messages() == []


async def test_nothing_is_edited_or_written_anew_behind_a_persons_back(carol, scripted_llm, open_tab, off_loop, acme):
    scripted_llm.will_say("Yes.")
    tab = await open_tab(carol)
    question_id, completed = await asks(tab, "One?")

    def set_state(state: str) -> None:
        with acme.scope():
            Conversation.objects.filter(pk=carol.conversation_id).update(state=state)

    for state, code in (("human", "taken_over"), ("closed", "conflict")):
        await off_loop(set_state, state)
        edit = frame("message.edit", message_id=question_id, text="Two?")
        again = frame("turn.regenerate", turn_id=completed["turn_id"])
        assert [(await refusal(tab, raw))["code"] for raw in (edit, again)] == [code, code]


async def test_asking_anew_twice_writes_one_answer(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room.", times=2)
    tab = await open_tab(carol)
    _question_id, first = await asks(tab, "Any rooms?")

    await tab.sends("turn.regenerate", turn_id=first["turn_id"])
    await tab.sends("turn.regenerate", turn_id=first["turn_id"])
    second = await tab.next("turn.completed")

    assert await tab.stays_silent()
    assert second["turn_id"] != first["turn_id"]
    assert len(scripted_llm.chat_requests) == 2


async def test_who_was_away_is_told_of_the_edit(carol, scripted_llm, open_tab, off_loop):
    """From the log, and from the database when the log is gone: both times what is left is what was said last."""
    scripted_llm.will_say("One room.")
    scripted_llm.will_say("Two beds.")
    tab = await open_tab(carol)
    question_id, first = await asks(tab, "Any rooms?")
    await tab.sends("message.edit", message_id=question_id, text="Any beds?")
    completed = await tab.next("turn.completed")

    for is_logged in (True, False):
        if not is_logged:
            await off_loop(delete_blocking, [stream_key(carol.business.id, UUID(carol.conversation_id))])
        late = await open_tab(carol, after=first["seq"])
        assert (await late.next("turn.completed"))["turn_id"] == completed["turn_id"]
        created = [told for told in late.frames if told["type"] == "message.created"]
        assert [(told["text"], told.get("replaces")) for told in created] == [
            ("Any beds?", question_id), ("Two beds.", None),
        ]  # fmt: skip


async def test_what_was_put_aside_is_kept_for_the_record(carol, scripted_llm, open_tab, off_loop, acme):
    scripted_llm.will_say("One room.")
    scripted_llm.will_say("Two beds.")
    tab = await open_tab(carol)
    question_id, _first = await asks(tab, "Any rooms?")
    await tab.sends("message.edit", message_id=question_id, text="Any beds?")
    await tab.next("turn.completed")

    def stored() -> list[tuple[str, bool]]:
        with acme.scope():
            rows = Message.objects.filter(conversation_id=carol.conversation_id).order_by("seq")
            return [(message.text, message.replaced_at is None) for message in rows]

    assert await off_loop(stored) == [
        ("Any rooms?", False), ("One room.", False), ("Any beds?", True), ("Two beds.", True),
    ]  # fmt: skip
