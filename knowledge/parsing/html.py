"""HTML: what a reader of the page would read, without its navigation and machinery."""

import re
from collections.abc import Iterator
from itertools import accumulate

from django.utils.translation import gettext_lazy as _
from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge.parsing.building import DocumentBuilder
from knowledge.parsing.cleaning import decode_text
from knowledge.parsing.document import ParsedDocument
from knowledge.parsing.errors import FileBroken
from knowledge.parsing.limits import Budget

_SILENT = [
    "script", "style", "noscript", "template", "nav", "footer", "iframe", "object", "svg", "canvas", "video",
    "audio", "button", "select", "textarea", "input", "dialog",
]  # fmt: skip
_HIDDEN = "[hidden], [aria-hidden=true], [role=navigation]"
_BLOCKS = frozenset([
    "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "main", "ol", "p", "pre", "section", "summary", "table", "td", "th", "tr", "ul",
])  # fmt: skip
_HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{2,40})", re.IGNORECASE)
_CHARSET_WITHIN_BYTES = 4096
_MAX_CELLS_PER_ROW = 200
# The parser's time grows with the square of the depth; browsers stop at 512 as well.
_MAX_DEPTH = 512
_NESTING_TAG = re.compile(
    r"<(/?)(?:div|span|section|article|main|table|ul|ol|dl|blockquote|form|font|center|[abius]|em|strong|small|big|"
    r"code|details|figure|button|object)\b[^<>]*>",
    re.IGNORECASE,
)


def read_html(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises UnsupportedMediaType for bytes that are no text, FileBroken, FileTooLarge for too much text."""
    text = _decode(data)
    if _depth(text) > _MAX_DEPTH:
        raise FileBroken(_("The page is nested too deeply to be read."))
    tree = LexborHTMLParser(text)
    builder = DocumentBuilder(budget)
    builder.title = _title(tree)
    tree.strip_tags(_SILENT)
    for node in tree.css(_HIDDEN):
        node.decompose()
    mains = tree.css("main")
    if root := mains[0] if len(mains) == 1 else tree.body:
        _HtmlReader(builder).read(root)
    return builder.build()


def _depth(text: str) -> int:
    """How deeply tags that need an end are nested; an end that is missing counts."""
    steps = (-1 if tag[1] else 1 for tag in _NESTING_TAG.finditer(text))
    return max(accumulate(steps, lambda depth, step: max(depth + step, 0)), default=0)


def _decode(data: bytes) -> str:
    if declared := _CHARSET.search(data[:_CHARSET_WITHIN_BYTES]):
        # A page that says GB2312 is written in its superset.
        name = declared[1].decode().lower()
        try:
            return data.decode("gb18030" if name in ("gb2312", "gbk") else name)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode_text(data)


def _title(tree: LexborHTMLParser) -> str:
    first = tree.css_first("title") or tree.css_first("h1")
    return first.text() if first else ""


class _HtmlReader:
    """Gathers inline text until a block begins or ends."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []
        self._lists: list[str] = []

    def read(self, root: LexborNode) -> None:
        """Walks without recursion: pages can be nested deeper than Python's stack."""
        waiting: list[tuple[LexborNode, bool]] = [(root, False)]
        while waiting:
            node, is_end = waiting.pop()
            if is_end:
                self._end(node.tag or "")
            elif node.is_text_node:
                self._inline.append(node.text_content or "")
            elif self._begin(node):
                waiting.append((node, True))
                waiting.extend((child, False) for child in reversed(list(_children(node))))
        self._flush()

    def _begin(self, node: LexborNode) -> bool:
        """Whether the node's children are still to be read."""
        tag = node.tag or ""
        if tag == "br":
            self._inline.append("\n")
        if tag not in _BLOCKS:
            return node.is_element_node
        self._flush()
        if tag in _HEADINGS:
            self._builder.heading(node.text(separator=" "), int(tag[1]))
            return False
        if tag == "pre":
            self._builder.code(node.text())
            return False
        if tag == "table" and _holds_data(node):
            self._table(node)
            return False
        if tag in ("ul", "ol"):
            self._lists.append(tag)
        return True

    def _end(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._flush(is_item=tag == "li")
        if tag in ("ul", "ol"):
            self._lists.pop()

    def _flush(self, *, is_item: bool = False) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if is_item or self._lists:
            self._builder.item(text, depth=max(len(self._lists) - 1, 0))
        else:
            self._builder.paragraph(text)

    def _table(self, table: LexborNode) -> None:
        rows = [row.css("td, th")[:_MAX_CELLS_PER_ROW] for row in table.css("tr")]
        if caption := table.css_first("caption"):
            self._builder.paragraph(caption.text())
        header = None
        if rows and len(rows) > 1 and all(cell.tag == "th" for cell in rows[0]):
            header = [cell.text(separator=" ") for cell in rows.pop(0)]
        self._builder.table([[cell.text(separator=" ") for cell in row] for row in rows], header)


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.first_child
    while child is not None:
        yield child
        child = child.next


def _holds_data(table: LexborNode) -> bool:
    """Tables that hold tables or headings only lay out the page."""
    return not any(table.css_first(f"{inner}") for inner in ("td table", "h1", "h2", "h3"))
