"""How a model calls a person: by a mark in its answer, which works at every endpoint and nobody gets to see."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from personas.citations import Reply


class _Parser(Protocol):
    def feed(self, piece: str) -> str: ...
    def finish(self, cited: Sequence[int] = ()) -> Reply: ...


_CALL = re.compile(r"\s*\[\[person(?:\s*[:：]\s*(?P<why>[^\[\]\n]{0,300}))?\]\]")
_BEGUN = re.compile(r"\s*\[(?:\[(?:p(?:e(?:r(?:s(?:o(?:n[^\[\]\n]{0,310}\]?)?)?)?)?)?)?)?$|\s+$")


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
