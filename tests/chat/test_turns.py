"""A question over the socket, and its answer."""

import asyncio
from uuid import uuid4

from tests.chat.stage import PATIENCE_S


async def test_an_answer_arrives_in_pieces_and_whole(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room left, traveller.", chunks=5)
    tab = await open_tab(carol)

    client_id = await tab.says("Any rooms?")
    accepted = await tab.next("message.accepted")
    completed = await tab.next("turn.completed")

    assert accepted["client_id"] == client_id
    assert accepted["turn_id"] == completed["turn_id"]
    assert completed["text"] == "One room left, traveller."
    assert completed["html"] == "<p>One room left, traveller.</p>\n"
    assert completed["finish_reason"] == "stop"
    assert tab.text_of(completed["turn_id"]) == completed["text"]
    assert completed["usage"]["output_tokens"] > 0
    assert completed["timing"]["total_ms"] >= completed["timing"]["first_token_ms"]


async def test_events_come_in_their_order_with_rising_numbers(carol, scripted_llm, open_tab):
    scripted_llm.will_say("Yes.")
    tab = await open_tab(carol)

    await tab.says("Any rooms?")
    await tab.next("turn.completed")

    kinds = [frame["type"] for frame in tab.frames if frame["type"] != "turn.delta"]
    assert kinds == [
        "ready", "message.accepted", "message.created", "turn.started", "message.created", "turn.completed",
    ]  # fmt: skip
    assert tab.numbers() == sorted(set(tab.numbers()))


async def test_what_was_said_is_stored_and_listed(carol, scripted_llm, open_tab):
    scripted_llm.will_say("还有一间房。")
    tab = await open_tab(carol)

    await tab.says("还有房间吗？")
    await tab.next("turn.completed")

    assert [(message["role"], message["text"]) for message in carol.messages()] == [
        ("user", "还有房间吗？"),
        ("bot", "还有一间房。"),
    ]


async def test_the_model_is_told_what_was_said_before(carol, scripted_llm, open_tab):
    scripted_llm.will_say("Ten silver.")
    scripted_llm.will_say("Then nine.")
    tab = await open_tab(carol)

    await tab.says("How much is a room?")
    await tab.next("turn.completed")
    await tab.says("Too much.")
    await tab.next("turn.completed")

    said = [message["content"] for message in scripted_llm.chat_requests[-1].messages]
    assert said[-3:-1] == ["How much is a room?", "Ten silver."]
    assert said[-1].endswith("Too much.")


async def test_sent_from_two_tabs_at_once_it_is_accepted_once_for_each(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room left, traveller.", times=None)
    desk, phone = await open_tab(carol), await open_tab(carol)

    for _ in range(5):
        client_id = str(uuid4())
        await asyncio.gather(*(tab.says("Any rooms?", client_id) for tab in (desk, phone)))
        for tab in (desk, phone):
            await tab.next("turn.completed")

    for tab in (desk, phone):
        await tab.sends("ping")
        await tab.next("pong")
        accepted = [frame["client_id"] for frame in tab.frames if frame["type"] == "message.accepted"]
        assert len(accepted) == len(set(accepted)) == 5


async def test_sending_again_changes_nothing(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room.")
    tab, client_id = await open_tab(carol), str(uuid4())

    await tab.says("Any rooms?", client_id)
    first = await tab.next("message.accepted")
    await tab.next("turn.completed")
    await tab.says("Any rooms?", client_id)
    again = await tab.next("message.accepted")

    assert again == first
    assert await tab.stays_silent()
    assert len(carol.messages()) == 2


async def test_the_reply_reaches_every_open_tab(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room left, traveller.", chunks=4)
    desk, phone = await open_tab(carol), await open_tab(carol)

    await phone.says("Any rooms?")

    for tab in (desk, phone):
        completed = await tab.next("turn.completed")
        assert completed["text"] == "One room left, traveller."
        assert tab.text_of(completed["turn_id"]) == completed["text"]
    assert not [frame for frame in desk.frames if frame["type"] == "message.accepted"]


async def test_stopping_keeps_what_was_said(carol, scripted_llm, open_tab):
    scripted_llm.will_stall(after="Once upon a time ")
    tab = await open_tab(carol)

    await tab.says("Tell me a story.")
    delta = await tab.next("turn.delta")
    await tab.sends("turn.stop", turn_id=delta["turn_id"])
    completed = await tab.next("turn.completed")

    assert completed["finish_reason"] == "stopped"
    assert completed["text"] == tab.text_of(completed["turn_id"])
    assert completed["text"].startswith("Once upon")
    assert carol.messages()[-1]["finish_reason"] == "stopped"
    assert await scripted_llm.chat_requests[0].client_leaves()


async def test_closing_the_tab_does_not_stop_the_answer(carol, scripted_llm, open_tab):
    scripted_llm.will_say("It goes on and on.", chunks=6, delay_s=0.1)
    tab = await open_tab(carol)

    await tab.says("Tell me.")
    await tab.next("turn.delta")
    await tab.leaves()

    for _ in range(int(PATIENCE_S * 10)):
        if len(messages := carol.messages()) == 2:
            break
        await asyncio.sleep(0.1)
    assert messages[-1]["text"] == "It goes on and on."


async def test_who_comes_back_in_mid_answer_gets_all_of_it_once(carol, scripted_llm, open_tab):
    scripted_llm.will_say("It goes on and on, and then it ends.", chunks=12, delay_s=0.08)
    first = await open_tab(carol)
    await first.says("Tell me.")
    await first.next("turn.delta")
    await first.next("turn.delta")
    await first.leaves()

    second = await open_tab(carol, after=first.last_seq)
    second.frames = first.frames + second.frames  # a client keeps what it has
    completed = await second.next("turn.completed")

    assert second.text_of(completed["turn_id"]) == "It goes on and on, and then it ends."
    assert second.numbers() == sorted(set(second.numbers()))


async def test_who_was_away_for_the_whole_answer_gets_it_afterwards(carol, scripted_llm, open_tab):
    scripted_llm.will_say("All done.", chunks=3)
    first = await open_tab(carol)
    await first.says("Tell me.")
    await first.next("turn.completed")

    second = await open_tab(carol, after=0)
    completed = await second.next("turn.completed")

    assert second.text_of(completed["turn_id"]) == "All done."


async def test_an_emptied_redis_is_made_up_for_by_the_database(carol, scripted_llm, open_tab):
    from uuid import UUID

    from chat.log import delete_blocking, stream_key

    scripted_llm.will_say("All done.")
    first = await open_tab(carol)
    await first.says("Tell me.")
    await first.next("turn.completed")
    delete_blocking([stream_key(carol.business.id, UUID(carol.conversation_id))])

    second = await open_tab(carol, after=0)
    completed = await second.next("turn.completed")

    assert completed["text"] == "All done."
    assert [frame["role"] for frame in second.frames if frame["type"] == "message.created"] == ["user", "bot"]


async def test_messages_sent_at_once_are_answered_one_after_the_other(carol, scripted_llm, open_tab):
    scripted_llm.will_say("First.", chunks=3, delay_s=0.1)
    scripted_llm.will_say("Second.")
    tab = await open_tab(carol)

    await tab.says("One?")
    await tab.says("Two?")
    answers = [(await tab.next("turn.completed"))["text"] for _ in range(2)]

    assert answers == ["First.", "Second."]
    assert tab.numbers() == sorted(set(tab.numbers()))
    assert [message["text"] for message in carol.messages()] == ["One?", "First.", "Two?", "Second."]


async def test_a_failed_answer_says_so_and_can_be_tried_again(carol, scripted_llm, open_tab):
    scripted_llm.will_cut(after="Half an ans")
    tab = await open_tab(carol)

    await tab.says("Tell me.")
    failed = await tab.next("turn.failed")

    assert (failed["code"], failed["retryable"], failed["text"]) == ("provider_unavailable", True, "Half an ans")
    assert carol.messages()[-1]["finish_reason"] == "interrupted"

    scripted_llm.will_say("A whole answer.")
    await tab.sends("turn.regenerate", turn_id=failed["turn_id"])
    started = await tab.next("turn.started")
    completed = await tab.next("turn.completed")

    assert started["replaces"] == failed["turn_id"]
    assert completed["text"] == "A whole answer."
    assert [message["text"] for message in carol.messages()] == ["Tell me.", "A whole answer."]


async def test_feedback_is_kept_with_the_answer(carol, scripted_llm, open_tab):
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)
    await tab.says("Any rooms?")
    completed = await tab.next("turn.completed")

    await tab.sends("message.feedback", message_id=completed["message_id"], rating=1, comment="Good")
    await tab.sends("ping")
    await tab.next("pong")

    assert carol.messages()[-1]["feedback"] == {"rating": 1, "comment": "Good"}
