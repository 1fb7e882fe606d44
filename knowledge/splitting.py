"""A document's blocks to passages: the units that are embedded, found and cited.

A passage stays within one section, ends where a sentence, a row or an item ends, and is about `target_tokens`
long. Its text is a slice of the document's text, so that a citation can be shown in its place.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

from knowledge.parsing.document import Block, ParsedDocument

TARGET_TOKENS = 250
# A section is cut only if it is this much longer than the target, since halves say less than a whole.
STRETCH = 1.4
NEARLY_FULL = 0.7
WELL_FILLED = 1.2
SMALLEST_REST = 0.3
# Sections shorter than this say too little alone, and go together with short neighbours of the same parent.
TINY_TOKENS = 16
# More than any language has; what is longer is no prose (a base64 blob, a ruler of dashes).
CHARACTERS_PER_TOKEN = 20

CountTokens = Callable[[str], int]
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """One passage. `text` is exactly `document.text[start:end]`, without the headings above it."""

    ordinal: int  # from 0
    text: str
    heading_path: list[str]  # outermost first
    page: int | None  # where it begins
    start: int
    end: int


def split(
    document: ParsedDocument,
    count_tokens: CountTokens,
    target_tokens: int = TARGET_TOKENS,
    overlap_sentences: int = 1,
) -> list[Piece]:
    """Cut a document into passages of about `target_tokens`, never more than 1.4 times that.

    A passage that goes on in the middle of a paragraph begins with the last `overlap_sentences` of the one
    before, if they are short. Sentences are cut only if they are longer than a whole passage may be.
    """
    limit = int(target_tokens * STRETCH)
    splitter = _Splitter(document.text, count_tokens, target_tokens, limit, overlap_sentences)
    sections = _merge_tiny(list(_sections(document)), splitter)
    pieces: list[Piece] = []
    for section in sections:
        for span, page in splitter.passages(section):
            text = document.text[span[0] : span[1]]
            pieces.append(Piece(len(pieces), text, section.path, page, *span))
    return pieces


def sentence_spans(text: str) -> Iterator[Span]:
    """Consecutive spans that together are the text: each sentence with the space behind it.

    Knows Chinese and English ends, quotes and brackets behind them, abbreviations, initials and decimals.
    """
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        if end["western"] and _is_abbreviation(text[begin : end.start() + 1], text[end.end() : end.end() + 1]):
            continue
        yield begin, end.end()
        begin = end.end()
    if begin < len(text):
        yield begin, len(text)


# Possessive (`++`, `*+`) and fenced by lookbehinds, so that a page full of "!!!!" takes no longer than
# another.
_CLOSERS = "\"'”’」』）)】》〉\\]"
_SENTENCE_END = re.compile(
    rf"""
      [。！？；｡…]++ [。！？；｡…!?]*+ [{_CLOSERS}]*+ \s*
    | (?<![!?]) [!?]++ [。！？；｡…!?]*+ [{_CLOSERS}]*+ (?: \s+ | (?=[\u2e80-\uffef]) | $ )
    | (?P<western> (?<!\.) \.++ [{_CLOSERS}]*+ ) \s+ (?=[^\sa-z])
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[“\"'])"
    r"(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|approx|cf|al|Inc|Ltd|Co|Corp|Dept|Est|Tel|"
    r"Ext|Rd|Ave|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun|min|max|incl|excl)\.$"
)
# These end sentences too, unless their number follows.
_NUMBERED = re.compile(r"(?:^|[\s(\[“\"'])(?:Nos?|Figs?|Eq|Sec|Ch|Vol|[Pp]p?|[Aa]rt|Ver)\.$")
_CLAUSE_END = re.compile(r"[，,；;：:、]\s*|\s+")


def _is_abbreviation(text: str, following: str) -> bool:
    last = text[-12:]
    return bool(_ABBREVIATION.search(last) or (following.isdigit() and _NUMBERED.search(last)))


@dataclass(slots=True)
class _Section:
    """Blocks below one heading, or several tiny sections in a row."""

    path: list[str]
    blocks: list[tuple[int, Block]] = field(default_factory=list)  # with where each begins

    @property
    def is_merged(self) -> bool:
        """Whether it holds headings as text. Its path is then that of the parent."""
        return any(block.kind == "heading" for _, block in self.blocks)


def _sections(document: ParsedDocument) -> Iterator[_Section]:
    """Sections in order. A heading with nothing below it is text itself, so that nothing is lost."""
    path: list[tuple[int, str]] = []
    section = _Section([])
    waiting: tuple[int, Block] | None = None  # a heading, until something stands below it
    for start, block in zip(document.starts, document.blocks, strict=True):
        if block.kind != "heading":
            waiting = None
            section.blocks.append((start, block))
            continue
        if waiting and block.level <= waiting[1].level:
            section.blocks.append(waiting)
            section.path = section.path[:-1]
        if section.blocks:
            yield section
        path = [(level, text) for level, text in path if level < block.level] + [(block.level, block.text)]
        section = _Section([text for _, text in path])
        waiting = (start, block)
    if waiting:
        section.blocks.append(waiting)
        section.path = section.path[:-1]
    if section.blocks:
        yield section


def _merge_tiny(sections: Sequence[_Section], splitter: "_Splitter") -> list[_Section]:
    """Put tiny neighbours with the same parent together, their headings included in the text."""
    merged: list[_Section] = []
    for section in sections:
        last = merged[-1] if merged else None
        if last and _are_siblings(last, section) and splitter.fit_together(last, section):
            merged[-1] = _together(last, section)
        else:
            merged.append(section)
    return merged


def _are_siblings(first: _Section, second: _Section) -> bool:
    """Whether they stand below the same heading."""
    if second.is_merged or not second.path or not (first.path or first.is_merged):
        return False
    return (first.path if first.is_merged else first.path[:-1]) == second.path[:-1]


def _together(first: _Section, second: _Section) -> _Section:
    blocks = [*_with_heading(first), *_with_heading(second)]
    return _Section(second.path[:-1], blocks)


def _with_heading(section: _Section) -> list[tuple[int, Block]]:
    if section.is_merged:
        return section.blocks
    start, first = section.blocks[0]
    heading = Block(section.path[-1], "heading", level=1, page=first.page)
    return [(start - len(heading.text) - 2, heading), *section.blocks]


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is kept whole: a sentence, a row, an item, a piece of code."""

    start: int
    end: int  # the separator behind it included
    tokens: int
    page: int | None
    begins_block: bool


@dataclass(frozen=True, slots=True)
class _Splitter:
    text: str
    count_tokens: CountTokens
    target: int
    limit: int
    overlap: int

    def passages(self, section: _Section) -> Iterator[tuple[Span, int | None]]:
        """The spans of a section's passages and the pages they begin on."""
        units = self._units(section)
        begin = 0
        for end in self._ends(units):
            first = self._with_overlap(units, begin, end)
            start, stop = self._trimmed(units[first].start, units[end - 1].end)
            if start < stop:  # a blank line that fits nowhere else is no passage
                yield (start, stop), units[first].page
            begin = end

    def fit_together(self, first: _Section, second: _Section) -> bool:
        """Whether both are tiny, or the first is made of tiny ones, and they stay well below the target."""
        sizes = [self.count_tokens(self._whole(section)) for section in (first, second)]
        return sizes[1] < TINY_TOKENS and (sizes[0] < TINY_TOKENS or first.is_merged) and sum(sizes) <= self.target // 2

    def _whole(self, section: _Section) -> str:
        blocks = _with_heading(section) if section.path else section.blocks
        start, (last, block) = blocks[0][0], blocks[-1]
        return self.text[start : last + len(block.text)]

    def _units(self, section: _Section) -> list[_Unit]:
        units: list[_Unit] = []
        for at, (start, block) in enumerate(section.blocks):
            block_end = start + len(block.text)
            following = section.blocks[at + 1][0] if at + 1 < len(section.blocks) else block_end
            for number, (begin, end) in enumerate(self._spans(start, block)):
                end = following if end == block_end else end
                tokens = self.count_tokens(self.text[begin:end])
                units.append(_Unit(begin, end, tokens, block.page, begins_block=number == 0))
        return units

    def _spans(self, start: int, block: Block) -> Iterator[Span]:
        if block.kind in ("code", "heading") and self._fits(start, start + len(block.text)):
            spans: Iterator[Span] = iter([(0, len(block.text))])
        elif block.kind == "paragraph":
            spans = sentence_spans(block.text)
        else:
            spans = _line_spans(block.text)
        for begin, end in spans:
            yield from self._short_enough(start + begin, start + end)

    def _short_enough(self, begin: int, end: int) -> Iterator[Span]:
        """The span, cut where it hurts least if it is longer than a passage may be."""
        while not self._fits(begin, end):
            cut = self._cut(begin, end)
            yield begin, cut
            begin = cut
        if begin < end:
            yield begin, end

    def _fits(self, begin: int, end: int) -> bool:
        is_endless = end - begin > self.limit * CHARACTERS_PER_TOKEN  # not worth counting
        return not is_endless and self.count_tokens(self.text[begin:end]) <= self.limit

    def _cut(self, begin: int, end: int) -> int:
        """The last end of a clause, else of a word, else any place, that leaves no more than the target."""
        fits, too_long = begin + 1, min(end, begin + self.limit * CHARACTERS_PER_TOKEN)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            if self.count_tokens(self.text[begin:middle]) <= self.target:
                fits = middle
            else:
                too_long = middle
        earliest = begin + (fits - begin) // 2
        clauses = [match.end() for match in _CLAUSE_END.finditer(self.text, earliest, fits)]
        return clauses[-1] if clauses else fits

    def _ends(self, units: Sequence[_Unit]) -> Iterator[int]:
        """Where passages end, as indices of units: about equally long, if possible between two blocks."""
        left = sum(unit.tokens for unit in units)
        goal = left if left <= self.limit else left / ceil(left / (WELL_FILLED * self.target))
        size = 0
        for index, unit in enumerate(units):
            is_worth_it = left > SMALLEST_REST * goal and _is_good_end(size, unit, goal)
            if size and (size + unit.tokens > self.limit or is_worth_it):
                yield index
                size = 0
            size += unit.tokens
            left -= unit.tokens
        yield len(units)

    def _with_overlap(self, units: Sequence[_Unit], begin: int, end: int) -> int:
        """Where the passage begins with the sentences before it, if it goes on in mid-paragraph."""
        if begin == 0 or units[begin].begins_block:
            return begin
        first = max(begin - self.overlap, 0)
        added = sum(unit.tokens for unit in units[first:begin])
        size = sum(unit.tokens for unit in units[begin:end])
        is_short = added <= self.target // 5 and size + added <= self.limit
        return first if is_short else begin

    def _trimmed(self, start: int, end: int) -> Span:
        text = self.text[start:end]
        return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _is_good_end(size: int, following: _Unit, goal: float) -> bool:
    """Full enough, or nearly so before a new block, or farther from the goal with the next sentence."""
    if following.begins_block and size >= NEARLY_FULL * goal:
        return True
    return size >= goal or size + following.tokens - goal > goal - size


def _line_spans(text: str) -> Iterator[Span]:
    """Each line with its end: an item of a list, a row of a table."""
    ends = [0, *(match.end() for match in re.finditer("\n", text)), len(text)]
    return ((begin, end) for begin, end in pairwise(ends) if begin < end)
