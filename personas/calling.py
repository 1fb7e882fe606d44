"""How a model calls a person: by a mark in its answer, which works at every endpoint and nobody gets to see.

Or by a tool, where the persona's endpoint takes tools. Its calls are ours alone; whoever chats gets none of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import orjson

from personas import texts
from personas.citations import Reply
from personas.context import Language, TurnContext
from personas.quoting import one_line

PERSON_TOOL: Final = "hand_over"
MAX_REASON_CHARACTERS = 300


class _Parser(Protocol):
    def feed(self, piece: str) -> str: ...
    def finish(self, cited: Sequence[int] = ()) -> Reply: ...


_CALL = re.compile(r"\s*\[\[person(?:\s*[:：]\s*(?P<why>[^\[\]\n]{0,300}))?\]\]")
_BEGUN = re.compile(r"\s*\[(?:\[(?:p(?:e(?:r(?:s(?:o(?:n[^\[\]\n]{0,310}\]?)?)?)?)?)?)?)?$|\s+$")


def _tool(language: Language) -> Mapping[str, Any]:
    """It says itself when it is to be called: the prompt need not speak of what a caller's own tools may replace."""
    reason = {"type": "string", "description": texts.CALLING_REASON[language]}
    parameters = {"type": "object", "properties": {"reason": reason}, "required": ["reason"]}
    function = {"name": PERSON_TOOL, "description": texts.CALLING_TOOL[language], "parameters": parameters}
    return {"type": "function", "function": function}


_TOOLS: dict[Language, Mapping[str, Any]] = {"en": _tool("en"), "zh": _tool("zh")}


def person_tools(context: TurnContext) -> Sequence[Mapping[str, Any]]:
    """The tool by which the model calls a person, where it calls one so."""
    handoff = context.settings.handoff
    return (_TOOLS[context.language],) if handoff.enabled and handoff.by_persona and handoff.by_tool else ()


def take_call(calls: dict[int, dict[str, Any]], offered: Sequence[Mapping[str, Any]]) -> str | None:
    """Take the calls for a person out of a model's tool calls. The reason it gave, "" for none; None if it made none.

    Where no other tool was offered all calls are for a person: some endpoints garble a name, or run two calls into one.
    """
    if not any(tool is ours for tool in offered for ours in _TOOLS.values()):  # a caller's own may look the same
        return None
    is_alone = len(offered) == 1
    ours = [n for n, call in sorted(calls.items()) if is_alone or call["function"]["name"] == PERSON_TOOL]
    reasons = [_reason(calls.pop(n)["function"]["arguments"]) for n in ours]
    return next(filter(None, reasons), "") if reasons else None


def _reason(arguments: str) -> str:
    """From what a model wrote, which may be anything."""
    try:
        reason = orjson.loads(arguments)["reason"]
    except (ValueError, TypeError, KeyError):
        return ""
    return one_line(reason, MAX_REASON_CHARACTERS) if isinstance(reason, str) else ""


class CallingParser:
    """Takes the mark by which a model calls a person out of what it says, however it is cut into pieces."""

    def __init__(self, inner: _Parser) -> None:
        self.called: str | None = None
        self._inner, self._held = inner, ""

    def feed(self, piece: str) -> str:
        text = _CALL.sub(self._note, self._held + piece)
        begun = _BEGUN.search(text)
        self._held = text[begun.start() :] if begun else ""
        text = text[: begun.start()] if begun else text
        return self._inner.feed(text) if text else ""

    def finish(self, cited: Sequence[int] = ()) -> Reply:
        rest = "" if self._held.lstrip().startswith("[[person") else self._held
        tail = self._inner.feed(rest) if rest else ""
        reply = self._inner.finish(cited)
        return replace(reply, tail=tail + reply.tail) if tail else reply

    def _note(self, match: re.Match[str]) -> str:
        self.called = (match["why"] or "").strip()
        return ""
