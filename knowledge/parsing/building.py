"""Collects a document's blocks: cleaned, counted against the budget, lists and tables put together."""

import re
from collections.abc import Iterable, Sequence

from knowledge.parsing.cleaning import clean_text
from knowledge.parsing.document import Block, Kind, ParsedDocument
from knowledge.parsing.limits import Budget

_SPACE = re.compile(r"\s+")
_CJK = "\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
# A line break between two Chinese characters is no space.
_CJK_BREAK = re.compile(rf"(?<=[{_CJK}])[ \t]*\n[ \t]*(?=[{_CJK}])")
_HAN = re.compile("[\u3400-\u9fff]")
MAX_HEADING_CHARACTERS = 200


class DocumentBuilder:
    """Blocks in reading order. Empty ones are dropped."""

    def __init__(self, budget: Budget) -> None:
        self.title = ""
        self.blocks: list[Block] = []
        self._budget = budget
        self._items: list[str] = []  # of the list that is still open
        self._items_page: int | None = None

    def heading(self, text: str, level: int, page: int | None = None) -> None:
        line = one_line(text)
        if len(line) > MAX_HEADING_CHARACTERS:  # somebody made a whole paragraph big
            self.paragraph(line, page)
        else:
            self._add(line, "heading", min(max(level, 1), 6), page)

    def paragraph(self, text: str, page: int | None = None) -> None:
        self._add(one_line(text), "paragraph", 0, page)

    def code(self, text: str) -> None:
        self._add(clean_text(text).strip("\n"), "code", 0, None)

    def item(self, text: str, depth: int = 0, marker: str = "-", page: int | None = None) -> None:
        """One item of a list. Items that follow each other make one block."""
        line = one_line(text)
        if not line:
            return
        if not self._items:
            self._items_page = page
        self._items.append(self._budget.spend(f"{'  ' * depth}{marker} {line}"))

    def table(self, rows: Iterable[Sequence[str]], header: Sequence[str] | None = None) -> None:
        """A table whose rows all carry their headers; without `header` the first row is looked at."""
        cleaned = [[one_line(cell) for cell in row] for row in rows]
        cleaned = [row for row in cleaned if any(row)]
        if header is None and len(cleaned) > 1 and is_header(cleaned[0]):
            header, cleaned = cleaned[0], cleaned[1:]
        lines = (row_text(row, header or ()) for row in cleaned)
        self._add("\n".join(line for line in lines if line), "table", 0, None)

    def build(self) -> ParsedDocument:
        self._end_list()
        return ParsedDocument(title=one_line(self.title), blocks=self.blocks)

    def _add(self, text: str, kind: Kind, level: int, page: int | None) -> None:
        if text.strip():
            self._end_list()
            self.blocks.append(Block(self._budget.spend(text), kind, level, page))

    def _end_list(self) -> None:
        if self._items:
            self.blocks.append(Block("\n".join(self._items), "list", page=self._items_page))
            self._items = []


def one_line(text: str) -> str:
    """Clean text without line breaks, and without the spaces that they would leave in Chinese."""
    return _SPACE.sub(" ", _CJK_BREAK.sub("", clean_text(text))).strip()


def is_header(cells: Sequence[str]) -> bool:
    """Whether a first row names columns: two or more names, all different, none a number."""
    names = [cell for cell in cells if cell]
    return len(names) >= 2 and len(set(names)) == len(names) and not any(map(is_number, names))


def is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[^\w]*[\d.,/:%\-\s]+[^\w]*", cell))


def row_text(cells: Sequence[str], header: Sequence[str]) -> str:
    """One row as it is embedded and cited: "Price: 12; Stock: 3", in Chinese "价格：12；库存：3"."""
    named = [(header[i] if i < len(header) else "", cell) for i, cell in enumerate(cells) if cell]
    if not any(name for name, _ in named):
        return " | ".join(cell for _, cell in named)
    colon, semicolon = ("：", "；") if _HAN.search("".join(header)) else (": ", "; ")
    return semicolon.join(f"{name}{colon}{cell}" if name else cell for name, cell in named)
