"""Reads the body of a streamed chat completion: server-sent events with one JSON object each.

Pure, and our own, because it is the hot path: the client's stream builds a validated object for every token,
which costs about three times as much as all the rest of relaying it (tests/bench).
"""

import json
import reprlib
from typing import Any

import orjson

from llm.errors import ProviderError, ProviderInvalid, ProviderUnavailable
from llm.text import scrub
from llm.types import FinishReason, StreamItem, TextDelta, ToolCallDelta, Usage

# One event is a token or a few; a whole answer fits many times. What sends more is broken or hostile.
MAX_EVENT_BYTES = 1_048_576
MAX_ANSWER_CHARACTERS = 1_000_000
MAX_TOOL_CALLS = 64

FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filtered",
}


class ChatStream:
    """Fed with bytes as they arrive, however they are cut; gives back what they say.

    `events` counts signs of life of the model itself, be it only thinking. `is_done`: the stream said that it
    is over. `failure` is set once something came that is no chat completion (ProviderInvalid) or the endpoint
    reported a failure of its own (ProviderUnavailable); what was said before it, be it in the same bytes, is
    still given back.
    """

    def __init__(self) -> None:
        self.events = 0
        self.is_done = False
        self.failure: ProviderError | None = None
        self.finish_reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.answer_characters = 0
        self._unfinished: list[bytes] = []
        self._unfinished_bytes = 0
        self._half_character = ""

    def feed(self, data: bytes) -> list[StreamItem]:
        """Take more of the body. The text of all events that it completes comes back as one delta."""
        texts: list[str] = []
        calls: list[ToolCallDelta] = []
        try:
            for line in self._complete_lines(data):
                if self.is_done:
                    break
                self._read_line(line, texts, calls)
        except ProviderError as error:
            self.failure = error
        text = self._whole_characters("".join(texts))
        self._count(text, calls)
        return [TextDelta(text), *calls] if text else list(calls)

    def end(self) -> list[StreamItem]:
        """The body is over: take a last line that was not ended, or that was cut."""
        items = self.feed(b"\n")
        if self.failure and self.answer_characters:
            self.failure = ProviderUnavailable(upstream="ended within an event")
        return items

    def _complete_lines(self, data: bytes) -> list[bytes]:
        head, newline, rest = data.rpartition(b"\n")
        self._unfinished.append(head if newline else data)
        self._unfinished_bytes += len(data)
        if self._unfinished_bytes > MAX_EVENT_BYTES:
            raise ProviderInvalid(upstream=f"an event of more than {MAX_EVENT_BYTES} bytes")
        if not newline:
            return []
        lines = b"".join(self._unfinished).split(b"\n")
        self._unfinished, self._unfinished_bytes = [rest], len(rest)
        return lines

    def _read_line(self, line: bytes, texts: list[str], calls: list[ToolCallDelta]) -> None:
        if line.startswith(b"data:"):
            payload = line[5:].strip()
            if payload == b"[DONE]":
                self.is_done = True
            elif payload:
                self._read_event(_parsed(payload), texts, calls)
        elif line.strip() and not line.startswith((b":", b"event:", b"id:", b"retry:")):
            raise _invalid(line)

    def _read_event(self, event: Any, texts: list[str], calls: list[ToolCallDelta]) -> None:
        if type(event) is not dict:
            raise _invalid(event)
        if event.get("error"):
            raise _reported(event["error"])
        if (usage := _usage(event.get("usage"))) is not None:
            self.usage = usage
        # Some endpoints send events without choices: a content filter's verdict, the usage, a keep-alive.
        choices = event.get("choices") or ()
        if choices:
            self._read_choice(choices, texts, calls)

    def _read_choice(self, choices: Any, texts: list[str], calls: list[ToolCallDelta]) -> None:
        if type(choices) is not list or type(choices[0]) is not dict:
            raise _invalid(choices)
        choice = choices[0]
        delta = choice.get("delta") or {}
        if type(delta) is not dict:
            raise _invalid(delta)
        self.events += 1
        if content := delta.get("content"):
            if type(content) is not str:
                raise _invalid(content)
            texts.append(content)
        if tool_calls := delta.get("tool_calls"):
            calls += _tool_calls(tool_calls)
        if reason := choice.get("finish_reason"):
            self.finish_reason = FINISH_REASONS.get(reason, "stop") if type(reason) is str else "stop"

    def _whole_characters(self, text: str) -> str:
        """Hold back half of a character whose other half comes with the next event."""
        if self._half_character:
            text, self._half_character = self._half_character + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half_character = text[:-1], text[-1]
        return scrub(text)

    def _count(self, text: str, calls: list[ToolCallDelta]) -> None:
        self.answer_characters += len(text) + sum(len(call.arguments) + 1 for call in calls)
        if self.answer_characters > MAX_ANSWER_CHARACTERS:
            self.failure = ProviderInvalid(upstream=f"an answer of more than {MAX_ANSWER_CHARACTERS} characters")


def _parsed(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        pass
    try:
        # More lenient with broken UTF-8 and lone surrogates, which then become replacement characters.
        return json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise _invalid(payload) from None


def _tool_calls(found: Any) -> list[ToolCallDelta]:
    if type(found) is not list:
        raise _invalid(found)
    return [_tool_call(call) for call in found]


def _tool_call(call: Any) -> ToolCallDelta:
    if type(call) is not dict or type(function := call.get("function") or {}) is not dict:
        raise _invalid(call)
    index = call.get("index", 0)
    parts = [call.get("id") or "", function.get("name") or "", function.get("arguments") or ""]
    if type(index) is not int or not 0 <= index < MAX_TOOL_CALLS or any(type(part) is not str for part in parts):
        raise _invalid(call)
    return ToolCallDelta(index, *map(scrub, parts))


def _usage(found: Any) -> Usage | None:
    """The endpoint's own count, or None when it gives none that makes sense."""
    if type(found) is not dict:
        return None
    details = found.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if type(details) is dict else found.get("prompt_cache_hit_tokens")
    counts: list[Any] = [found.get("prompt_tokens"), found.get("completion_tokens") or 0, cached or 0]
    if any(type(count) is not int or not 0 <= count < 1_000_000_000 for count in counts):
        return None
    input_tokens, output_tokens, cached_tokens = counts
    return Usage(input_tokens, output_tokens, min(cached_tokens, input_tokens))


def _reported(error: Any) -> ProviderError:
    return ProviderUnavailable(upstream=_shortened.repr(error))


def _invalid(what: Any) -> ProviderInvalid:
    return ProviderInvalid(upstream=f"not a chat completion stream: {_shortened.repr(what)}")


_shortened = reprlib.Repr()  # also safe for what is nested deeply
_shortened.maxother = _shortened.maxstring = 300
