"""A model's reply, read while it streams: one JSON object whose `say` comes first, so that speech need not wait.

Models break the form in known ways. Each way is mended by a rule that has a name, and the name is logged. What is no
such object at all is taken as speech.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from npc.turns.speech import Speech

# A reply that long is no line of dialogue, whatever it is.
MAX_REPLY_CHARACTERS = 32_000

_THOUGHT, _THOUGHT_ENDS = "<think>", "</think>"
_FENCE = re.compile(r"```[a-zA-Z]*\s+")
# The first two signs tell an object from braces around words: "{smiles} Come in."
_OBJECT = re.compile(r"\{\s*(?:[\"'}]|[A-Za-z_]+\s*:)")
_MAY_BE_OBJECT = re.compile(r"\{\s*[A-Za-z_]*\s*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "", "f": "", '"': '"', "\\": "\\", "/": "/"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. `actions` are as it proposed them, unchecked; `repairs` name the rules applied."""

    say: str
    emotion: str = ""
    actions: list[Any] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    tail: str = ""  # speech that `feed` had held back


class ReplyReader:
    """Feed it the chunks of one reply; each call gives the speech that has become certain by it.

    All that `feed` gave and `Reply.tail`, joined, are `Reply.say`.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        """`names`: of the speaking character; a line that begins with one as in a script loses it."""
        self._text = ""
        self._form: Literal["undecided", "object", "speech"] = "undecided"
        self._speech = Speech(names)
        self._say: _StringValue | None = None
        self._read = 0  # where the reply itself begins
        self._heard = 0
        self._repairs: list[str] = []

    def feed(self, chunk: str) -> str:
        room = MAX_REPLY_CHARACTERS - len(self._text)
        if room < len(chunk):
            self._repair("cut_to_length")
        self._text += chunk[:room]
        if self._form == "undecided":
            self._decide(is_whole=False)
        return "" if self._form == "undecided" else self._speech.feed(self._spoken())

    def finish(self) -> Reply:
        """The reply as far as it came, which may be a part: a model can stall or break off anywhere."""
        if self._form == "undecided":
            self._decide(is_whole=True)
        streamed = self._speech.feed(self._spoken())
        body = self._body() if self._form == "object" else {}
        if self._form == "object" and self._say is None:
            streamed += self._speech.feed(_text(body.get("say")))
        tail = streamed + self._speech.finish()
        self._repairs.extend(self._speech.repairs)
        actions = body.get("actions")
        if actions is not None and not isinstance(actions, list):
            actions = [actions]
            self._repair("actions_made_a_list")
        return Reply(self._speech.said, _text(body.get("emotion")), actions or [], self._repairs, tail)

    # --- The form -------------------------------------------------------------------------------------------
    def _decide(self, *, is_whole: bool) -> None:
        """Tell an object from plain speech by its beginning, once enough of that is there."""
        start = self._opening(is_whole)
        if start is None:
            return
        rest = self._text[start:]
        if not is_whole and (not rest or _MAY_BE_OBJECT.fullmatch(rest)):
            return
        self._read = start
        self._form = "object" if _OBJECT.match(rest) else "speech"
        if self._form == "speech":
            self._repair("taken_as_speech")
        if self._text[:start].strip():
            self._repair("opening_dropped")

    def _opening(self, is_whole: bool) -> int | None:
        """How much comes before the reply itself: thoughts and the mark of a code block. None if that is not sure."""
        start = _past_blanks(self._text, 0)
        if self._text.startswith(_THOUGHT, start):
            end = self._text.find(_THOUGHT_ENDS, start)
            if end < 0:
                return len(self._text) if is_whole else None
            start = _past_blanks(self._text, end + len(_THOUGHT_ENDS))
        rest = self._text[start:]
        if not is_whole and (_THOUGHT.startswith(rest) or re.fullmatch(r"`{1,3}[a-zA-Z]*\s*", rest)):
            return None
        fence = _FENCE.match(rest)
        return start + fence.end() if fence else start

    def _spoken(self) -> str:
        """The part of the speech that came since the last call."""
        new = self._text[max(self._read, self._heard) :]
        self._heard = len(self._text)
        if self._form == "speech":
            return new
        if self._say is None:
            # Only a quote can have begun it; without looking for one, a long member before it is read each time.
            start = _find_say(self._text, self._read) if '"' in new else None
            if start is None:
                return ""
            self._say = _StringValue(start)
        return self._say.more(self._text)

    # --- The object -----------------------------------------------------------------------------------------
    def _body(self) -> dict[str, Any]:
        text = self._text[self._read :]
        try:
            body, end = json.JSONDecoder(strict=False).raw_decode(text)
            if text[end:].strip("` \n\t\r"):
                self._repair("trailing_text_dropped")
        except (ValueError, RecursionError):
            body = self._mended(text)
        return body if isinstance(body, dict) else {}

    def _mended(self, text: str) -> Any:
        for rule, mend in _MENDERS.items():
            try:
                body = mend(text)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(body, dict):
                self._repair(rule)
                return body
        self._repair("unreadable")
        return {}

    def _repair(self, rule: str) -> None:
        if rule not in self._repairs:
            self._repairs.append(rule)


class _StringValue:
    """A JSON string that is still being written: decodes what has come, and holds back half an escape."""

    def __init__(self, start: int) -> None:
        self._at = start
        self._is_closed = False

    def more(self, text: str) -> str:
        found = []
        while not self._is_closed and self._at < len(text):
            letter = text[self._at]
            if letter == '"':
                self._is_closed = True
            elif letter != "\\":
                end = _next_special(text, self._at)
                found.append(text[self._at : end])
                self._at = end
            else:
                decoded, width = _escape(text, self._at)
                if not width:
                    break
                found.append(decoded)
                self._at += width
        return "".join(found)


def _next_special(text: str, start: int) -> int:
    ends = [end for mark in '"\\' if (end := text.find(mark, start)) >= 0]
    return min(ends, default=len(text))


def _escape(text: str, at: int) -> tuple[str, int]:
    """The character that an escape at this place stands for, and its width; a width of 0 if it is not all there."""
    kind = text[at + 1 : at + 2]
    if not kind:
        return "", 0
    if kind != "u":
        return _ESCAPES.get(kind, kind), 2
    digits = text[at + 2 : at + 6]
    if len(digits) < 4:
        return "", 0
    if not re.fullmatch("[0-9a-fA-F]{4}", digits):
        return "", 2
    code = int(digits, 16)
    if not 0xD800 <= code < 0xDC00:
        return "" if code == 0 or 0xDC00 <= code < 0xE000 else chr(code), 6
    low = text[at + 6 : at + 12]
    if len(low) < 6 and "\\u".startswith(low[:2]):
        return "", 0
    if not re.fullmatch(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}", low):
        return "", 6
    return chr(0x10000 + ((code - 0xD800) << 10) + (int(low[2:], 16) - 0xDC00)), 12


_STRING = r'"(?:[^"\\]|\\.)*"'
# Up to the opening quote of the top level's `say`: members before it are passed over whole.
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\]:,]|[^\s\"{{}}\[\]:,]+", re.DOTALL)


def _find_say(text: str, start: int) -> int | None:
    """Where the text of `say` begins, just behind its quote; None while that has not come."""
    depth, before = 0, ["", ""]
    for token in _TOKEN.finditer(text, start):
        if depth == 1 and before == ['"say"', ":"]:
            return token.start() + 1 if token.group().startswith('"') else None
        word = token.group()
        depth += (word in "{[") - (word in "}]")
        before = [before[1], word]
        end = token.end()
        if depth == 1 and before == ['"say"', ":"]:
            opening = re.compile(r'\s*"').match(text, end)
            return opening.end() if opening else None
    return None


def _past_blanks(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def _closed(text: str) -> Any:
    """An object that broke off, its open ends closed; a member that is not whole is left out."""
    for end in _cuts(text):
        closers = _open_ends(text[:end])
        if closers is None:
            continue
        try:
            return json.loads(text[:end] + closers, strict=False)
        except ValueError:
            continue
    raise ValueError


def _cuts(text: str) -> list[int]:
    """Where to try to end a broken object: as it is, else at its last commas and brackets."""
    marks = [match.start() for match in re.finditer(r",|(?<=[\]}\"])", text)]
    return [len(text), *marks[-40:][::-1]]


def _open_ends(text: str) -> str | None:
    closers: list[str] = []
    is_in_string = is_escaped = False
    for letter in text:
        if is_in_string:
            if is_escaped:
                is_escaped = False
            elif letter == "\\":
                is_escaped = True
            elif letter == '"':
                is_in_string = False
        elif letter == '"':
            is_in_string = True
        elif letter in "{[":
            closers.append("}" if letter == "{" else "]")
        elif letter in "}]" and (not closers or closers.pop() != letter):
            return None
    if is_escaped:
        return None
    return ('"' if is_in_string else "") + "".join(reversed(closers))


def _from_python(text: str) -> Any:
    """As some models print a dictionary. Raises ValueError or SyntaxError."""
    if not re.match(r"\{\s*'", text):
        raise ValueError
    return json.loads(json.dumps(ast.literal_eval(text.rstrip("` \n"))))


_MENDERS = {
    "trailing_commas_dropped": lambda text: json.JSONDecoder(strict=False).raw_decode(
        re.sub(rf"({_STRING})|,(?=\s*[}}\]])", lambda match: match.group(1) or "", text, flags=re.DOTALL)
    )[0],
    "names_quoted": lambda text: json.loads(re.sub(r"([{,]\s*)([A-Za-z_]\w*)(\s*:)", r'\1"\2"\3', text), strict=False),
    "python_read_as_json": _from_python,
    "broken_object_closed": _closed,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
