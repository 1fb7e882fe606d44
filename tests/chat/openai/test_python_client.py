"""OpenAI's own Python client, as it comes."""

import asyncio
import json

import openai
import pytest
from pydantic import BaseModel

from tests.chat.openai.conftest import ROOM_SCHEMA, ROOM_TOOL, asks


class Offer(BaseModel):
    rooms: list[int]
    note: str


OFFER = '{"rooms": [1], "note": "面朝湖"}'


async def test_tools_are_passed_on_and_their_calls_come_back(client, scripted_llm):
    scripted_llm.will_call("free_rooms", {"night": "今晚"})
    scripted_llm.will_say("One room.")
    tools = {"tools": [ROOM_TOOL], "tool_choice": "auto", "parallel_tool_calls": False}

    first = await client.chat.completions.create(model="innkeeper", messages=asks(), **tools)

    (call,) = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.content is None
    assert (call.type, call.function.name) == ("function", "free_rooms")
    assert json.loads(call.function.arguments) == {"night": "今晚"}
    sent = scripted_llm.chat_requests[-1].body
    assert (sent["tools"], sent["tool_choice"], sent["parallel_tool_calls"]) == ([ROOM_TOOL], "auto", False)

    thread = [*asks(), first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "1"}]
    second = await client.chat.completions.create(model="innkeeper", messages=thread, **tools)

    assert second.choices[0].message.content == "One room."
    told = scripted_llm.chat_requests[-1].messages[-3:]
    assert [message["role"] for message in told] == ["user", "assistant", "tool"]
    assert told[1]["tool_calls"][0]["function"] == {"name": "free_rooms", "arguments": call.function.arguments}
    assert told[2] == {"role": "tool", "tool_call_id": call.id, "content": "1"}


async def test_tool_calls_stream(client, scripted_llm):
    scripted_llm.will_call("free_rooms", {"night": "tonight"}, saying="Let me see.")

    async with client.chat.completions.stream(model="innkeeper", messages=asks(), tools=[ROOM_TOOL]) as stream:
        kinds = [event.type async for event in stream]
        whole = await stream.get_final_completion()

    assert "tool_calls.function.arguments.delta" in kinds
    assert whole.choices[0].message.content == "Let me see."
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls[0].function.arguments == '{"night": "tonight"}'


async def test_a_thread_that_is_kept_goes_on_after_its_tools(client, scripted_llm):
    scripted_llm.will_call("free_rooms", {"night": "tonight"})
    scripted_llm.will_say("One room.")
    scripted_llm.will_say("Ten silver.")
    first = await client.chat.completions.create(model="innkeeper", messages=asks(), tools=[ROOM_TOOL], user="dave")
    kept = {"metadata": {"conversation_id": first.metadata["conversation_id"]}}
    (call,) = first.choices[0].message.tool_calls

    answered = [*asks(), first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "1"}]
    second = await client.chat.completions.create(model="innkeeper", messages=answered, tools=[ROOM_TOOL], **kept)
    await client.chat.completions.create(model="innkeeper", messages=asks("How much?"), **kept)

    assert second.choices[0].message.content == "One room."
    said = [message["content"] for message in scripted_llm.chat_requests[-1].messages[1:]]
    assert said[:2] == ["Any rooms?", "One room."]
    assert said[2].endswith("How much?")
    assert len(said) == 3
    # Nothing there waits for tools any more.
    with pytest.raises(openai.ConflictError):
        await client.chat.completions.create(model="innkeeper", messages=answered, tools=[ROOM_TOOL], **kept)


async def test_an_answer_has_the_format_that_was_asked_for(client, scripted_llm):
    scripted_llm.will_say(OFFER)
    scripted_llm.will_say(OFFER, chunks=3)

    parsed = await client.chat.completions.parse(model="innkeeper", messages=asks(), response_format=Offer)
    streamed = await client.chat.completions.create(
        model="innkeeper", messages=asks(), response_format=ROOM_SCHEMA, stream=True
    )

    assert parsed.choices[0].message.parsed == Offer(rooms=[1], note="面朝湖")
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in streamed]) == OFFER
    assert scripted_llm.chat_requests[-1].body["response_format"] == ROOM_SCHEMA


@pytest.mark.parametrize(
    ("format_", "said"),
    [
        (ROOM_SCHEMA, "One room, sir."),
        (ROOM_SCHEMA, '{"rooms": ["one"], "note": ""}'),
        ({"type": "json_object"}, "[1]"),
    ],
)
async def test_an_answer_in_another_format_is_refused(client, scripted_llm, format_, said):
    scripted_llm.will_say(said, times=2)
    asked = {"model": "innkeeper", "messages": asks(), "response_format": format_}

    with pytest.raises(openai.InternalServerError) as refused:
        await client.chat.completions.create(**asked)
    assert refused.value.code == "response_format_missed"
    with pytest.raises(openai.APIError, match=r"format|JSON|schema"):
        async for _ in await client.chat.completions.create(**asked, stream=True):
            pass


async def test_an_answer_that_was_cut_short_is_no_fault_of_its_format(client, scripted_llm):
    scripted_llm.will_say('{"rooms": [', finish_reason="length")

    answer = await client.chat.completions.create(model="innkeeper", messages=asks(), response_format=ROOM_SCHEMA)

    assert answer.choices[0].finish_reason == "length"


async def test_system_messages_stand_below_the_persona(client, scripted_llm):
    scripted_llm.will_say("好。")
    await client.chat.completions.create(
        model="innkeeper",
        messages=[
            {"role": "system", "content": "Answer in one word."},
            {"role": "developer", "content": [{"type": "text", "text": "The guest is called 小明."}]},
            *asks(),
        ],
    )

    first, *rest = scripted_llm.chat_requests[-1].messages
    assert [message["role"] for message in rest] == ["user"]
    persona, application = first["content"].index("You keep an inn."), first["content"].index("Answer in one word.")
    assert persona < application < first["content"].index("The guest is called 小明.")


async def test_the_clients_knobs_reach_the_model(client, scripted_llm):
    scripted_llm.will_say("好。", times=2)
    await client.chat.completions.create(
        model="innkeeper",
        messages=asks(),
        temperature=0.2,
        max_completion_tokens=7,
        stop=["。", "!"],
        seed=5,
        top_p=0.5,
    )

    sent = scripted_llm.chat_requests[-1].body
    assert (sent["temperature"], sent["max_tokens"], sent["stop"], sent["seed"]) == (0.2, 7, ["。", "!"], 5)
    await client.chat.completions.create(model="innkeeper", messages=asks(), max_tokens=10**9, stop="x")
    sent = scripted_llm.chat_requests[-1].body
    assert sent["max_tokens"] < 10**6  # not more than the persona may say
    assert sent["stop"] == ["x"]


def test_the_synchronous_client_works_as_well(server, acme, innkeeper, scripted_llm):
    scripted_llm.will_say("One room.", times=2)
    with openai.OpenAI(base_url=f"{server.http}/v1", api_key=acme.token, max_retries=0) as client:
        whole = client.chat.completions.create(model="innkeeper", messages=asks())
        pieces = list(client.chat.completions.create(model="innkeeper", messages=asks(), stream=True))
        vectors = client.embeddings.create(model="multilingual-e5-small", input=["a", "b"], dimensions=384)
        with pytest.raises(openai.BadRequestError) as refused:
            client.embeddings.create(model="multilingual-e5-small", input="a", dimensions=256)

    assert whole.choices[0].message.content == "One room."
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "One room."
    assert [len(row.embedding) for row in vectors.data] == [384, 384]
    assert refused.value.param == "dimensions"


@pytest.mark.parametrize("is_kept", [False, True])
async def test_who_leaves_in_mid_answer_stops_it_unless_it_can_still_be_read(
    client, scripted_llm, acme, off_loop, is_kept
):
    scripted_llm.will_say("Well.")
    begun = await client.chat.completions.create(model="innkeeper", messages=asks("Hello"), user="dave")
    conversation_id = begun.metadata["conversation_id"]
    scripted_llm.will_say("One room left, traveller. " * 4, delay_s=0.03)
    thread = {"metadata": {"conversation_id": conversation_id}} if is_kept else {}

    stream = await client.chat.completions.create(
        model="innkeeper", messages=asks(), stream=True, user="dave", **thread
    )
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()

    stopped = await scripted_llm.chat_requests[-1].client_leaves(within_s=0.5 if is_kept else 5)
    assert stopped is not is_kept
    if is_kept:
        for _ in range(100):
            rows = await off_loop(acme.api.get, f"/api/v1/conversations/{conversation_id}/messages/")
            if len(rows.json()["results"]) == 4:
                break
            await asyncio.sleep(0.05)
        assert rows.json()["results"][-1]["text"] == "One room left, traveller. " * 4
