"""PDF text in reading order, with its pages.

A PDF knows no paragraphs and no headings: they are told from where lines stand and how large they are.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from statistics import median

import pypdfium2
from django.utils.translation import gettext_lazy as _
from pypdfium2 import raw as pdfium

from knowledge.parsing.building import DocumentBuilder
from knowledge.parsing.document import Block, ParsedDocument
from knowledge.parsing.errors import FileBroken, FileEncrypted, FileTooLarge
from knowledge.parsing.limits import MAX_PAGES, Budget
from knowledge.parsing.plain import add_line, heading_level

# pdfium may be used by one thread at a time.
_pdfium = threading.Lock()
_PASSWORD_NEEDED = {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}

_HYPHENS = "\x02\ufffe"  # what pdfium makes of a hyphen that only breaks a word
_SENTENCE_END = re.compile(r"[.。！？!?；;:：…][\"'”’」』）)]*$")
_LIST_START = re.compile(r"\s*([•·●○▪◦‣*-]\s|\d{1,3}[.)、]\s?\D|[(（]\d{1,3}[)）])")
_PAGE_NUMBER = re.compile(r"\W*(page|p\.|第)?\s*\d{1,4}\s*(页|頁)?(\W*(of|/|共)?\s*\d{1,4}\s*(页|頁)?)?\W*", re.I)
_JUNK_TITLE = re.compile(
    r"(?i)\s*(untitled.*|microsoft word - .*|.*\.(docx?|pdf|indd|pptx?|xlsx?|tex)|无标题|\(.*\))\s*"
)

_SMALLEST_SIZE = 3
_HEADING_SIZE = 1.12  # times the size of the body's letters
_SAME_SIZE = 0.08
_MAX_HEADING_LETTERS = 100
_NEW_PARAGRAPH_PITCH = 1.45  # times the usual distance of two lines
_FULL_LINE = 0.85  # of the width of the text
_EDGE_LINES = 2  # running heads and feet stand in the outermost lines
_RUNNING_SHARE = 0.6
_RUNNING_FROM_PAGES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line on a page. Positions are points from the lower left corner."""

    text: str
    size: float
    right: float
    base: float


def read_pdf(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises FileEncrypted, FileBroken, or FileTooLarge for too many pages or too much text."""
    builder = DocumentBuilder(budget)
    with _pdfium:
        pages, title = _read_pages(data, budget)
    builder.title = "" if _JUNK_TITLE.fullmatch(title) else title
    running = _running_lines(pages)
    body = _body_size(pages)
    levels = _heading_levels(pages, body)
    for number, lines in enumerate(pages, start=1):
        is_kept = [line.size > body or not _is_running(line, at, len(lines), running) for at, line in enumerate(lines)]
        kept = list(compress(lines, is_kept))
        _add_page(builder, kept, number, levels)
    document = builder.build()
    return ParsedDocument(document.title, list(_joined_over_pages(document.blocks)))


def _read_pages(data: bytes, budget: Budget) -> tuple[list[list[Line]], str]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise FileEncrypted if error.err_code in _PASSWORD_NEEDED else FileBroken from error
    try:
        if len(document) > MAX_PAGES:
            raise FileTooLarge(_("The file has more pages than one document may. Split it into parts."))
        pages = [_read_page(document, index, budget) for index in range(len(document))]
        return pages, document.get_metadata_value("Title")
    except pypdfium2.PdfiumError as error:
        raise FileBroken from error
    finally:
        document.close()


def _read_page(document: pypdfium2.PdfDocument, index: int, budget: Budget) -> list[Line]:
    page = document[index]
    text = page.get_textpage()
    try:
        lines = list(_lines(text))
    finally:
        text.close()
        page.close()
    for line in lines:
        budget.spend(line.text)
        budget.characters += len(line.text)  # counted again when it becomes a block
    return lines


def _lines(page: pypdfium2.PdfTextPage) -> Iterator[Line]:
    letters: list[str] = []
    begin = 0
    total = page.count_chars()
    for index in range(total + 1):
        letter = chr(pdfium.FPDFText_GetUnicode(page, index)) if index < total else "\n"
        if letter not in "\r\n":
            letters.append(letter)
            continue
        if text := _repaired("".join(letters)).strip():
            yield _measured(page, text, begin, index)
        letters.clear()
        begin = index + 1


def _repaired(text: str) -> str:
    """pdfium counts in UTF-16: put the two halves of rare characters together again."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _measured(page: pypdfium2.PdfTextPage, text: str, begin: int, end: int) -> Line:
    _left, base, first_right, top = page.get_charbox(begin, loose=True)
    last_right = page.get_charbox(end - 1, loose=True)[2]
    size = pdfium.FPDFText_GetFontSize(page, begin)
    if size < _SMALLEST_SIZE:  # some programs set everything in size 1 and scale the page instead
        size = top - base
    return Line(text, round(size, 1), right=max(last_right, first_right), base=base)


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    """The size in which most letters are set."""
    letters: Counter[float] = Counter()
    for line in (line for lines in pages for line in lines):
        letters[line.size] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0.0


def _heading_levels(pages: Sequence[Sequence[Line]], body: float) -> dict[float, int]:
    """Sizes clearly above the body's, the largest first, are the levels of headings."""
    sizes = {line.size for lines in pages for line in lines if line.size > _HEADING_SIZE * body}
    return {size: min(level, 6) for level, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _running_lines(pages: Sequence[Sequence[Line]]) -> set[str]:
    """Heads and feet that most pages repeat, but for their numbers."""
    if len(pages) < _RUNNING_FROM_PAGES:
        return set()
    seen: Counter[str] = Counter()
    for lines in pages:
        seen.update({_numberless(line.text) for line in (*lines[:_EDGE_LINES], *lines[-_EDGE_LINES:])})
    return {text for text, count in seen.items() if count >= _RUNNING_SHARE * len(pages)}


def _is_running(line: Line, at: int, count: int, running: set[str]) -> bool:
    if _EDGE_LINES <= at < count - _EDGE_LINES:
        return False
    is_page_number = at in (0, count - 1) and count > 1 and _PAGE_NUMBER.fullmatch(line.text)
    return bool(is_page_number) or _numberless(line.text) in running


def _numberless(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _add_page(builder: DocumentBuilder, lines: Sequence[Line], page: int, levels: dict[float, int]) -> None:
    pitch = median([abs(a.base - b.base) for a, b in pairwise(lines)] or [0.0])
    width = max((line.right for line in lines), default=0.0)
    paragraph: list[Line] = []
    for line in lines:
        if paragraph and _begins_anew(line, paragraph[-1], pitch, width):
            _add_paragraph(builder, paragraph, page, levels)
            paragraph = []
        paragraph.append(line)
    _add_paragraph(builder, paragraph, page, levels)


def _begins_anew(line: Line, previous: Line, pitch: float, width: float) -> bool:
    if abs(line.size - previous.size) > _SAME_SIZE * previous.size:
        return True
    if abs(previous.base - line.base) > _NEW_PARAGRAPH_PITCH * pitch or _LIST_START.match(line.text):
        return True
    return previous.right < _FULL_LINE * width


def _add_paragraph(builder: DocumentBuilder, lines: Sequence[Line], page: int, levels: dict[float, int]) -> None:
    if not lines:
        return
    text = "\n".join(line.text for line in lines)
    text = re.sub(rf"[{_HYPHENS}]\s*", "", text)
    text = re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)
    level = levels.get(lines[0].size, 0) or (heading_level(text) if len(lines) == 1 else 0)
    if level and len(text) <= _MAX_HEADING_LETTERS and not re.search(r"[。；;，,]$", text):
        builder.heading(text, level, page)
    else:
        add_line(builder, text, page)


def _joined_over_pages(blocks: Sequence[Block]) -> Iterator[Block]:
    """A paragraph that the end of a page cut in two is one again, on the page where it begins."""
    waiting: Block | None = None
    for block in blocks:
        if waiting and _goes_on(waiting, block):
            gap = "" if waiting.text[-1] > "\u2e80" and block.text[0] > "\u2e80" else " "
            waiting = Block(f"{waiting.text}{gap}{block.text}", waiting.kind, waiting.level, waiting.page)
            continue
        if waiting:
            yield waiting
        waiting = block
    if waiting:
        yield waiting


def _goes_on(block: Block, following: Block) -> bool:
    is_cut = block.page is not None and block.page != following.page
    are_prose = block.kind == following.kind == "paragraph"
    return is_cut and are_prose and not _SENTENCE_END.search(block.text)
