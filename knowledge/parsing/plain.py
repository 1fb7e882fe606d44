"""Plain text: paragraphs, headings and lists as people type them."""

import re
import unicodedata
from collections.abc import Iterator

from knowledge.parsing.building import DocumentBuilder
from knowledge.parsing.cleaning import clean_text, decode_text
from knowledge.parsing.document import ParsedDocument
from knowledge.parsing.limits import Budget

_PARAGRAPHS = re.compile(r"\n[ \t\u3000]*\n\s*")
_BULLET = re.compile(r"\s*([-*•·●○▪◦‣]|\d{1,3}[.)、]|[(（]\d{1,3}[)）])\s*(?=\S)")
_CHAPTER = re.compile(
    r"第[\d一二三四五六七八九十百零〇]+[章节篇部编]\b|第[\d一二三四五六七八九十百零〇]+[章节篇部编]\s"
)
_CHINESE_NUMBER = re.compile(r"[一二三四五六七八九十]{1,3}、\S")
_SECTION_NUMBER = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)[.、]?\s+\S")
_ENGLISH_CHAPTER = re.compile(r"(chapter|part|section|appendix)\s+[\divxlc]+\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.。！？!?；;:：…，,、][\"'”’」』）)]*$")
_MAX_HEADING_COLUMNS = 80
_WRAPPED_FROM_COLUMNS = 40
_NEARLY_FULL = 0.75


def read_text(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises UnsupportedMediaType for bytes that are no text, FileTooLarge for too much of it."""
    builder = DocumentBuilder(budget)
    for paragraph in _PARAGRAPHS.split(clean_text(decode_text(data)).strip()):
        lines = [line for line in paragraph.split("\n") if line.strip()]
        if len(lines) == 1 and (level := heading_level(lines[0])):
            builder.heading(lines[0], level)
            continue
        for text in _unwrap(lines):
            add_line(builder, text)
    return builder.build()


def add_line(builder: DocumentBuilder, text: str, page: int | None = None) -> None:
    """Add a paragraph, or a list item if it begins like one."""
    if bullet := _BULLET.match(text):
        marker = bullet[1] if bullet[1][0] in "0123456789(（" else "-"
        builder.item(text[bullet.end() :], marker=marker, page=page)
    else:
        builder.paragraph(text, page)


def heading_level(line: str) -> int:
    """1 to 3 if a line that stands alone is numbered like a heading, else 0."""
    line = line.strip()
    if columns(line) > _MAX_HEADING_COLUMNS or _SENTENCE_END.search(line):
        return 0
    if _CHAPTER.match(line + " ") or _ENGLISH_CHAPTER.match(line):
        return 1
    if _CHINESE_NUMBER.match(line):
        return 2
    if numbered := _SECTION_NUMBER.match(line):
        return min(numbered[1].count(".") + 1, 3)
    return 0


def columns(text: str) -> int:
    """Width in a fixed-width font, where a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _unwrap(lines: list[str]) -> Iterator[str]:
    """Join lines that only an editor has broken; short lines and ends of sentences were meant to end."""
    widest = max(map(columns, lines), default=0)
    paragraph: list[str] = []
    for line in lines:
        if paragraph and (_BULLET.match(line) or _was_meant_to_end(paragraph[-1], widest)):
            yield "\n".join(paragraph)
            paragraph = []
        paragraph.append(line)
    if paragraph:
        yield "\n".join(paragraph)


def _was_meant_to_end(line: str, widest: int) -> bool:
    is_full = columns(line) >= max(_WRAPPED_FROM_COLUMNS, _NEARLY_FULL * widest)
    return not is_full or bool(re.search(r"[。！？…][”’」』）]*$", line))
