"""What a model answered, read strictly, and yet as models write it: after a thought, in a code block. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

# A statement and two sentences. What is longer is no answer, whatever it is.
MAX_REPLY_CHARACTERS = 64_000
MAX_SENTENCE_CHARACTERS = 1000

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_SQL_BLOCK = re.compile(r"```(?:sql|postgres(?:ql)?|mysql)\s+(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_BARE_SQL = re.compile(r"(?:```\s*)?((?:SELECT|WITH)\b.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
# An explanation is a sentence. One with an address or with markup in it was written by somebody else.
_SUSPICIOUS = re.compile(r"https?:|www\.|[<>{}\[\]`]|\bjavascript:", re.IGNORECASE)
_STARTS_TRIED = 20


class ReplyUnreadable(ValueError):
    """The model said something that is no answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Either `sql`, perhaps with an explanation, or that these tables cannot answer, perhaps with a reason."""

    sql: str = ""
    explanation: str = ""
    cannot_answer: bool = False


def read_reply(text: str) -> Reply:
    """Raises ReplyUnreadable."""
    text = _THOUGHT.sub("", text[:MAX_REPLY_CHARACTERS]).strip()
    body = _object_in(text)
    if body is not None:
        reply = _reply_of(body)
    elif block := _SQL_BLOCK.search(text) or _BARE_SQL.match(text):
        reply = Reply(sql=block[1].strip())
    else:
        reply = Reply()
    if not (reply.sql or reply.cannot_answer):
        raise ReplyUnreadable
    return reply


def _object_in(text: str) -> dict[str, Any] | None:
    """The first JSON object with one of our members."""
    decoder = json.JSONDecoder(strict=False)
    start = text.find("{")
    for _ in range(_STARTS_TRIED):
        if start < 0:
            return None
        try:
            found, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and found.keys() & {"sql", "cannot_answer"}:
            return found
        start = text.find("{", start + 1)
    return None


def _reply_of(body: dict[str, Any]) -> Reply:
    sql, explanation, cannot = (_text(body.get(name)) for name in ("sql", "explanation", "cannot_answer"))
    if sql:
        return Reply(sql=sql, explanation=_sentence(explanation))
    return Reply(explanation=_sentence(cannot), cannot_answer=bool(cannot))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _sentence(text: str) -> str:
    """A sentence fit to be shown, or nothing."""
    text = " ".join(text.split())
    return "" if len(text) > MAX_SENTENCE_CHARACTERS or _SUSPICIOUS.search(text) else text
