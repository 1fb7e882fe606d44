"""The stream's bytes as they may come: cut anywhere, in half characters, with keep-alives between."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm.chat_stream import ChatStream
from llm.types import TextDelta, ToolCallDelta, Usage


def event(**choice: object) -> bytes:
    return f"data: {json.dumps({'choices': [{'index': 0, **choice}]})}\n\n".encode()


def heard(stream: ChatStream, *pieces: bytes) -> str:
    items = [item for piece in pieces for item in stream.feed(piece)] + stream.end()
    return "".join(item.text for item in items if isinstance(item, TextDelta))


BODY = (
    b": keep-alive\r\n\r\n"
    + event(delta={"role": "assistant", "content": ""})
    + event(delta={"content": "还有"})
    + b"event: message\nid: 7\n"
    + 'data: {"choices":[{"delta":{"content":"一间 🏮"}}]}\r\n\r\n'.encode()
    + b'data: {"choices":[]}\n\n'
    + event(delta={"content": ", traveller"}, finish_reason="stop")
    + b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}\n\n'
    + b"data: [DONE]\n\n"
)


@settings(deadline=None, max_examples=60)  # a busy machine is no fault
@given(st.lists(st.integers(0, len(BODY)), max_size=12))
def test_cuts_change_nothing(cuts: list[int]):
    edges = [0, *sorted(cuts), len(BODY)]
    stream = ChatStream()

    text = heard(stream, *(BODY[start:end] for start, end in itertools.pairwise(edges)))

    assert text == "还有一间 🏮, traveller"
    assert (stream.is_done, stream.finish_reason, stream.usage) == (True, "stop", Usage(9, 4))
    assert stream.failure is None


@settings(deadline=None, max_examples=60)  # a busy machine is no fault
@given(st.binary(max_size=400))
def test_no_bytes_break_it(noise: bytes):
    heard(ChatStream(), noise, b"data: " + noise + b"\n\n")


@settings(deadline=None, max_examples=60)  # a busy machine is no fault
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "delta", "content", "tool_calls", "usage", "function", "error"]),
                inner,
            )
        ),
    )
)
def test_no_json_breaks_it(value: object):
    stream = ChatStream()
    heard(stream, f"data: {json.dumps(value)}\n\n".encode())
    stream = ChatStream()
    heard(stream, f"data: {json.dumps({'choices': [value], 'usage': value})}\n\n".encode())


def test_events_of_one_read_come_as_one_delta():
    stream = ChatStream()

    items = stream.feed(event(delta={"content": "One "}) + event(delta={"content": "room"}))

    assert items == [TextDelta("One room")]


def test_an_emoji_split_between_two_events_is_joined():
    stream = ChatStream()

    first = stream.feed(b'data: {"choices":[{"delta":{"content":"a\\ud83c"}}]}\n\n')
    second = stream.feed(b'data: {"choices":[{"delta":{"content":"\\udfee!"}}]}\n\n')

    assert (first, second) == ([TextDelta("a")], [TextDelta("🏮!")])


@pytest.mark.parametrize(
    ("sent", "becomes"),
    [
        (b"a\\u0000b", "a\ufffdb"),
        (b"a\\udfeeb", "a\ufffdb"),
        (b"a\\ud83cb", "a\ufffdb"),
        (b"a\xe4\xbdb", "a\ufffdb"),
    ],
    ids=["NUL", "low surrogate", "high surrogate", "half of a Chinese character"],
)
def test_what_cannot_be_stored_is_replaced(sent: bytes, becomes: str):
    stream = ChatStream()

    assert heard(stream, b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % sent) == becomes
    assert stream.failure is None


def test_thinking_is_a_sign_of_life_and_not_an_answer():
    stream = ChatStream()

    assert heard(stream, event(delta={"reasoning_content": "Let me see.", "content": None})) == ""
    assert stream.events == 1


def test_other_choices_than_the_first_are_not_mixed_in():
    two = {"choices": [{"delta": {"content": "yes"}}, {"delta": {"content": "no"}}]}

    assert heard(ChatStream(), f"data: {json.dumps(two)}\n".encode()) == "yes"


@pytest.mark.parametrize(
    "usage",
    [
        "many",
        {"prompt_tokens": "9"},
        {"prompt_tokens": -1},
        {"prompt_tokens": 10**30},
        [],
        {"completion_tokens": 3},
    ],
)
def test_nonsense_usage_counts_as_none(usage: object):
    stream = ChatStream()

    heard(stream, f"data: {json.dumps({'usage': usage})}\n\n".encode())

    assert stream.usage is None
    assert stream.failure is None


def test_tokens_read_from_a_cache_by_either_name():
    for details in ({"prompt_tokens_details": {"cached_tokens": 6}}, {"prompt_cache_hit_tokens": 6}):
        stream = ChatStream()
        usage = {"prompt_tokens": 9, "completion_tokens": 4, **details}
        heard(stream, f"data: {json.dumps({'usage': usage})}\n\n".encode())
        assert stream.usage == Usage(9, 4, cached_tokens=6)


def test_a_tool_call_without_a_function_is_empty_and_one_out_of_range_refused():
    stream = ChatStream()
    assert stream.feed(event(delta={"tool_calls": [{"index": 0}]})) == [ToolCallDelta(0)]

    stream.feed(event(delta={"tool_calls": [{"index": 10**9, "function": {"name": "x"}}]}))
    assert stream.failure is not None
