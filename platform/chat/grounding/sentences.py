"""An answer cut into sentences, each with its place in the text and the citation marks that stand behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge.splitting import sentence_spans

_MARK = r"\[\d{1,3}\]"
_MARKS_AHEAD = re.compile(rf"(?:\s*{_MARK})+")
_NUMBER = re.compile(r"\[(\d{1,3})\]")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
# What stands before the words of a line: a quote's or heading's sign, a list's mark, a table's bar.
_LINE_BEGIN = re.compile(r"\s*(?:(?:>\s*)+)?(?:#{1,6}\s+|(?:[-*+•·]|\d{1,2}[.)、])\s+|\|\s*)?")
_HEADING = re.compile(r"\s*#{1,6}\s|\s*(?:\*\*|__)[^*_]{1,60}(?:\*\*|__)\s*[:：]?\s*$")
_RULE = re.compile(r"[\s|:*_=-]+")
_DECORATION = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]*\)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`start` and `end` count code points of the answer. `text` is without Markdown and marks."""

    start: int
    end: int
    text: str
    marks: tuple[int, ...]


def sentences(answer: str) -> list[Sentence]:
    """The sentences, items and rows of an answer in Markdown, in order; no headings and no code."""
    return [_sentence(answer, start, end) for begin, line in _prose_lines(answer) for start, end in _spans(line, begin)]


def _prose_lines(answer: str) -> Iterator[tuple[int, str]]:
    at, in_fence = 0, False
    for line in answer.splitlines(keepends=True):
        if _FENCE.match(line):
            in_fence = not in_fence
        elif not in_fence and not _HEADING.match(line) and not _RULE.fullmatch(line):
            yield at, line
        at += len(line)


def _spans(line: str, begin: int) -> Iterator[tuple[int, int]]:
    """Sentences of a line. Marks that follow a full stop belong to the sentence before it."""
    head = _LINE_BEGIN.match(line)
    offset = head.end() if head else 0
    body = line[offset:].rstrip()
    pending: tuple[int, int] | None = None
    for start, end in sentence_spans(body):
        if pending and (marks := _MARKS_AHEAD.match(body, start)):
            pending = (pending[0], marks.end())
            start = marks.end()
        if pending:
            yield _trimmed(body, *pending, begin + offset)
        pending = (start, end) if body[start:end].strip() else None
    if pending:
        yield _trimmed(body, *pending, begin + offset)


def _trimmed(body: str, start: int, end: int, offset: int) -> tuple[int, int]:
    text = body[start:end]
    return offset + start + len(text) - len(text.lstrip()), offset + start + len(text.rstrip())


def _sentence(answer: str, start: int, end: int) -> Sentence:
    raw = answer[start:end]
    marks = tuple(dict.fromkeys(int(number) for number in _NUMBER.findall(raw)))
    plain = _DECORATION.sub("", _LINK.sub(r"\1", _NUMBER.sub("", raw)))
    return Sentence(start, end, " ".join(plain.replace("|", " ").split()), marks)
