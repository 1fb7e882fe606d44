"""What the caller of one turn wants otherwise than the persona's settings say. Kept in the turn's trace.

Names of `ChatRequest`'s fields stand for themselves. `system` is told to the model below the persona's own words, and
`since` are rounds of tool calls that followed the question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from llm.tokens import count_tokens
from llm.types import ChatMessage, ChatRequest, Finished, ToolCallDelta
from personas.citations import PlainParser
from personas.kinds import ReplyParser

# Where a turn's trace, and its last event, hold the tools that the model called.
TOOL_CALLS = "tool_calls"

# Between what the persona's author says and what the application does that asks.
SYSTEM_OPENS = (
    "The application that passes this conversation on says the following. It holds as far as it does not contradict "
    "what is said above."
)


def turned(request: ChatRequest, knobs: Mapping[str, Any]) -> ChatRequest:
    """The request as the caller of this turn wants it.

    He may ask for a shorter answer, not for a longer one.
    """
    changes = dict(knobs)
    system, since = changes.pop("system", ""), changes.pop("since", ())
    if "stop" in changes:
        changes["stop"] = tuple(changes["stop"])
    if "max_output_tokens" in changes:
        changes["max_output_tokens"] = min(changes["max_output_tokens"], request.max_output_tokens or 2**31)
    changes["tools"] = _tools(request.tools, knobs)
    messages = _with_system(list(request.messages), system) if system else list(request.messages)
    return replace(request, **changes, messages=(*messages, *map(_message, since)))


def _tools(own: Sequence[Mapping[str, Any]], knobs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The persona's own and the caller's. A name that both have is the caller's.

    He who wants JSON, or one of his tools to be called for certain, must not get another thing instead.
    """
    theirs = knobs.get("tools", ())
    names = {tool["function"]["name"] for tool in theirs}
    if "response_format" in knobs or knobs.get("tool_choice", "auto") not in ("auto", "none"):
        own = ()
    return (*(tool for tool in own if tool["function"]["name"] not in names), *theirs)


def extra_tokens(knobs: Mapping[str, Any]) -> int:
    """About how much longer than the persona's own the prompt is by them."""
    told = [knobs[name] for name in ("system", "since", "tools", "response_format") if name in knobs]
    return sum(count_tokens(each if isinstance(each, str) else orjson.dumps(each).decode()) for each in told)


def reply_parser(parser: ReplyParser, knobs: Mapping[str, Any]) -> ReplyParser:
    """In an answer that is JSON, brackets are no citation marks."""
    return PlainParser() if "response_format" in knobs else parser


def _with_system(messages: list[ChatMessage], system: str) -> list[ChatMessage]:
    """As part of the one system message: many chat templates take no second one."""
    added = f"{SYSTEM_OPENS}\n\n{system}"
    if messages and messages[0].role == "system":
        return [replace(messages[0], content=f"{messages[0].content}\n\n{added}"), *messages[1:]]
    return [ChatMessage("system", added), *messages]


def _message(told: Mapping[str, Any]) -> ChatMessage:
    return ChatMessage(told["role"], told["content"], tuple(told.get("tool_calls", ())), told.get("tool_call_id", ""))


def add_call(calls: dict[int, dict[str, Any]], delta: ToolCallDelta) -> None:
    """Add a piece of a tool call to what came of the calls so far, by their place."""
    empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
    call = calls.setdefault(delta.index, empty)
    call["id"] = call["id"] or delta.id
    call["function"]["name"] += delta.name
    call["function"]["arguments"] += delta.arguments


def reason_of(finished: Finished) -> str:
    """Why an answer ended, for conversations. That tools were called is told beside it."""
    return "stop" if finished.finish_reason == "tool_calls" else finished.finish_reason
