"""Citation marks in a model's text: only numbers of passages that really were in the prompt survive."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from personas.context import Source

# [1], 【1】, [1, 3] and the 【1†source】 of some models, with the blank before.
_MARK = r" ?[\[【](?P<inside>[\d \t,，、;；]{1,40})(?:†[^\]】\n]{0,60})?[\]】]"
_TOKEN = re.compile(rf"(?P<ticks>`+)|(?P<line>\n)|(?P<mark>{_MARK})")
# What a later piece may still make into one of these.
_UNFINISHED = re.compile(r"(?:`+| ?[\[【][\d \t,，、;；]{0,40}(?:†[^\]】\n]{0,60})?| )\Z")
_SPECIAL = re.compile(r"[`\n\[【]| \Z")


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of an answer. `tail` is text that was held back and is still to be sent."""

    tail: str
    citations: tuple[Source, ...] = ()


class PlainParser:
    """Passes the text on as it comes."""

    def feed(self, piece: str) -> str:
        return piece

    def finish(self, cited: Sequence[int] = ()) -> Reply:
        return Reply("")


class CitationParser:
    """Turns a stream of text into text whose only marks are `[n]` of real sources.

    Marks with numbers that were not in the prompt are taken out, except in code, where they are none.
    However the stream is cut into pieces, the text that comes out is the same.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources: Mapping[int, Source] = {source.n: source for source in sources}
        self._mentioned: dict[int, None] = {}
        self._held = ""
        self._in_span = False
        self._in_fence = False

    def feed(self, piece: str) -> str:
        """Take a piece of the stream; return what may be sent on. Keeps back what may become a mark."""
        if not self._held and not _SPECIAL.search(piece):
            return piece
        text = self._held + piece
        unfinished = _UNFINISHED.search(text, max(0, len(text) - 110))
        ready = unfinished.start() if unfinished else len(text)
        self._held = text[ready:]
        return _TOKEN.sub(self._pass, text[:ready])

    def finish(self, cited: Sequence[int] = ()) -> Reply:
        """End the stream. `cited` are numbers that the model named beside its text, as the reader does."""
        tail = _TOKEN.sub(self._pass, self._held)
        self._held = ""
        order = dict.fromkeys([*self._mentioned, *cited])
        return Reply(tail, tuple(self._sources[n] for n in order if n in self._sources))

    def _pass(self, token: re.Match[str]) -> str:
        if ticks := token["ticks"]:
            self._note_ticks(ticks)
        elif token["line"]:
            self._in_span = False
        elif not (self._in_span or self._in_fence):
            return self._mark(token)
        return token[0]

    def _note_ticks(self, ticks: str) -> None:
        if len(ticks) >= 3 and not self._in_span:
            self._in_fence = not self._in_fence
        elif not self._in_fence:
            self._in_span = not self._in_span

    def _mark(self, token: re.Match[str]) -> str:
        digits = re.findall(r"\d+", token["inside"])
        if not digits or any(len(number) > 3 for number in digits):
            return token[0]  # "[ ]" and "[2026]" are no marks
        real = [n for n in map(int, digits) if n in self._sources]
        self._mentioned |= dict.fromkeys(real)
        blank = " " if real and token[0].startswith(" ") else ""
        return blank + "".join(f"[{n}]" for n in real)
