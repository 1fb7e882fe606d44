"""The model calls a person by a tool, at an endpoint that takes tools; whoever chats sees none of it."""

import copy
from types import SimpleNamespace
from typing import Any

import httpx2 as httpx
import orjson
import pytest

from chat.knobs import turned
from llm.types import ChatMessage, ChatRequest
from personas.calling import take_call
from personas.kinds.companion import Companion
from personas.kinds.customer_service import CustomerService
from personas.schema import Handoff
from tests.fakes.openai_server import say

ROOMS = {"type": "function", "function": {"name": "free_rooms", "parameters": {"type": "object"}}}
THEIRS = {"type": "function", "function": {"name": "hand_over", "parameters": {"type": "object"}}}
EN = "I have asked a colleague to join us; please wait a moment."
ZH = "已为您转接人工客服，请稍候。"


@pytest.fixture
def by_tool(offers: Any) -> None:
    """Let the innkeeper call a person by the tool."""
    offers(by_persona=True, by_tool=True)


def own(language: str = "en", **handoff: Any) -> Any:
    """The tools of a persona with these settings; as much of a turn as they go by."""
    settings = SimpleNamespace(handoff=Handoff(**{"by_persona": True, "by_tool": True, **handoff}))
    context: Any = SimpleNamespace(language=language, settings=settings)
    assert Companion().tools(context) == CustomerService().tools(context)
    return Companion().tools(context)


def calls(*made: tuple[str, str]) -> dict[int, dict[str, Any]]:
    return {
        n: {"id": f"call_{n}", "function": {"name": name, "arguments": told}} for n, (name, told) in enumerate(made)
    }


# --- In a conversation ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "saying", "answered"),
    [
        ("My ring fell into the well.", "I call someone.", "I call someone."),
        ("My ring fell into the well.", "", EN),
        ("我的戒指掉井里了。", " ", ZH),
        ("我的戒指掉井里了。", "[", "["),  # which is held back to the end: it might begin a mark
    ],
)
async def test_the_persona_calls_one(by_tool, carol, scripted_llm, open_tab, desk, asked, saying, answered):
    scripted_llm.will_call("hand_over", {"reason": "ring in\n\x00 the well"}, saying=saying)
    tab = await open_tab(carol)

    await tab.says(asked)

    completed = await tab.next("turn.completed")
    told = await tab.next("conversation.handoff")
    assert (completed["text"], completed["finish_reason"]) == (answered, "stop")
    assert tab.text_of(completed["turn_id"]) == answered
    assert "tool_calls" not in completed
    assert (told["state"], told["by"]) == ("requested", "persona")
    assert (await desk.sees())["handoff_reason"] == "ring in the well"
    sent = scripted_llm.chat_requests[-1]
    assert [tool["function"]["name"] for tool in sent.body["tools"]] == ["hand_over"]
    assert "[[person" not in sent.messages[0]["content"]


async def test_a_mark_alone_is_answered_in_words_too(offers, carol, scripted_llm, open_tab, off_loop):
    await off_loop(offers, by_persona=True)
    scripted_llm.will_say("[[person: ring in the well]]")
    tab = await open_tab(carol)

    await tab.says("My ring fell into the well.")

    assert (await tab.next("turn.completed"))["text"] == EN
    assert (await tab.next("conversation.handoff"))["by"] == "persona"
    assert "tools" not in scripted_llm.chat_requests[-1].body


async def test_who_waits_already_is_left_where_he_is(by_tool, carol, scripted_llm, open_tab, desk):
    scripted_llm.will_call("hand_over", {"reason": "a ring"}, saying="I call someone.")
    scripted_llm.will_call("hand_over", {"reason": "a hat"}, saying="They are coming.")
    tab = await open_tab(carol)

    await tab.says("My ring fell into the well.")
    await tab.next("conversation.handoff")
    await tab.says("And my hat!")
    assert (await tab.next("turn.completed"))["text"] == "They are coming."
    assert (await desk.does("takeover", agent_name="Bob")).status_code == 200

    assert (await tab.next("conversation.handoff"))["state"] == "human"
    assert (await desk.sees())["handoff_reason"] == "a ring"


async def test_a_call_in_an_answer_that_broke_off_is_none(by_tool, carol, scripted_llm, open_tab, desk):
    call = {"index": 0, "id": "call_0", "function": {"name": "hand_over", "arguments": '{"reason": "a ring"}'}}
    begun = {"choices": [{"delta": {"content": "Wait.", "tool_calls": [call]}}]}
    scripted_llm.will_send_rubbish(b"data: " + orjson.dumps(begun) + b"\n\n")
    scripted_llm.will_say("Here it is.")
    tab = await open_tab(carol)

    await tab.says("My ring fell into the well.")
    assert (await tab.next("turn.failed"))["text"] == "Wait."
    await tab.says("Please?")
    assert (await tab.next("turn.completed"))["text"] == "Here it is."

    assert (await desk.sees())["state"] == "bot"


# --- Beside the tools of a program ----------------------------------------------------------------------
async def choice_for(visitor: Any, server: Any, **body: Any) -> dict[str, Any]:
    """What a program that goes on with the visitor's conversation gets by the door of OpenAI's interface."""
    thread = {"conversation_id": visitor.conversation_id}
    said = {"model": "innkeeper", "messages": [{"role": "user", "content": "Good night."}], "metadata": thread, **body}
    async with httpx.AsyncClient(base_url=server.http, headers=visitor.business.headers, timeout=60) as http:
        answer = await http.post("/v1/chat/completions", json=said)
        assert answer.status_code == 200, answer.text
        choice: dict[str, Any] = answer.json()["choices"][0]
        return choice


async def test_a_program_gets_the_calls_of_its_own_tools_alone(by_tool, carol, scripted_llm, server, open_tab):
    both = [("hand_over", '{"reason": "a ring"}'), ("free_rooms", "{}")]
    scripted_llm.will_answer_with(lambda _: say("", tool_calls=both, finish_reason="tool_calls"))
    tab = await open_tab(carol)

    choice = await choice_for(carol, server, tools=[ROOMS])

    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["free_rooms"]
    assert scripted_llm.chat_requests[-1].body["tools"] == [*own(), ROOMS]
    assert (await tab.next("conversation.handoff"))["by"] == "persona"


async def test_a_program_without_tools_gets_an_answer_in_words(by_tool, carol, scripted_llm, server, open_tab):
    scripted_llm.will_call("hand_over", {"reason": "a ring"})
    tab = await open_tab(carol)

    choice = await choice_for(carol, server)

    assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", EN)
    assert "tool_calls" not in choice["message"]
    assert (await tab.next("conversation.handoff"))["by"] == "persona"


@pytest.mark.parametrize("is_ours_on", [True, False])
async def test_a_programs_own_tool_of_that_name_is_the_programs(
    offers, carol, scripted_llm, server, desk, is_ours_on, off_loop
):
    await off_loop(offers, by_persona=True, by_tool=is_ours_on)
    scripted_llm.will_call("hand_over", {"to": "night shift"})

    choice = await choice_for(carol, server, tools=[THEIRS])

    assert choice["finish_reason"] == "tool_calls"
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["hand_over"]
    assert scripted_llm.chat_requests[-1].body["tools"] == [THEIRS]
    assert (await desk.sees())["state"] == "bot"


@pytest.mark.parametrize(
    ("knobs", "offered"),
    [
        ({}, ["hand_over"]),
        ({"tools": [ROOMS]}, ["hand_over", "free_rooms"]),
        ({"tools": [ROOMS], "tool_choice": "auto"}, ["hand_over", "free_rooms"]),
        ({"tools": [ROOMS], "tool_choice": "required"}, ["free_rooms"]),
        ({"tools": [ROOMS], "tool_choice": {"type": "function", "function": {"name": "free_rooms"}}}, ["free_rooms"]),
        ({"tools": [THEIRS, ROOMS]}, ["hand_over", "free_rooms"]),
        ({"response_format": {"type": "json_object"}}, []),
    ],
)
def test_who_wants_a_certain_answer_gets_no_person_instead(knobs, offered):
    asked = turned(ChatRequest(messages=[ChatMessage("user", "Hi")], tools=own()), knobs)

    assert [tool["function"]["name"] for tool in asked.tools] == offered


# --- What a model may write -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "told", ["", "{", "[]", "null", '"why"', '{"why": 1}', '{"reason": 7}', '{"reason": null}', "[" * 5000]
)
def test_a_call_needs_no_reason(told):
    made = calls(("hand_over", told))

    assert take_call(made, own()) == ""
    assert made == {}


def test_a_reason_is_one_short_line():
    reason = take_call(calls(("hand_over", '{"reason": "' + "戒指\\n" * 500 + '"}')), own("zh"))

    assert reason is not None
    assert reason.startswith("戒指 戒指 ")
    assert len(reason) == 300


def test_several_calls_are_one():
    made = calls(("hand_over", "{}"), ("free_rooms", "{}"), ("hand_over", '{"reason": "a ring"}'))

    assert take_call(made, [*own(), ROOMS]) == "a ring"
    assert [call["function"]["name"] for call in made.values()] == ["free_rooms"]


@pytest.mark.parametrize("name", ["hand_overhand_over", "functions.hand_over", ""])
def test_where_no_other_tool_was_offered_its_name_may_be_garbled(name):
    made = calls((name, '{"reason": "a ring"}'))

    assert take_call(dict(made), own()) == "a ring"
    assert take_call(dict(made), [*own(), ROOMS]) is None


def test_nothing_is_taken_where_it_was_not_offered():
    assert take_call({}, own()) is None
    assert take_call(calls(("hand_over", "{}")), ()) is None
    assert take_call(calls(("hand_over", "{}")), [copy.deepcopy(own()[0])]) is None, "a program's that looks the same"


@pytest.mark.parametrize("off", ["enabled", "by_persona", "by_tool"])
def test_it_is_offered_where_the_settings_say_so(off):
    assert own(**{off: False}) == ()
    assert (own()[0] == own("zh")[0]) is False
