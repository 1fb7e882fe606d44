"""Markdown, block by block. Its inline marks are taken off, since people search and read words."""

import html as entities
import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.parsing.building import DocumentBuilder
from knowledge.parsing.cleaning import clean_text, decode_text
from knowledge.parsing.document import ParsedDocument
from knowledge.parsing.limits import Budget

# Only blocks are parsed: the inline parser can be made to take minutes by a megabyte of brackets.
_PARSER = MarkdownIt("commonmark").enable("table")
_PARSER.core.ruler.disable(["inline"])

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>|<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]\n]{0,500})\]\([^()\n]{0,2000}\)")
_LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\(<?([^()<>\s]{0,2000})>?(?:\s+[\"'][^\"'\n]{0,300}[\"'])?\)")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000})>")
_CODE = re.compile(r"(`{1,3})([^`\n]+)\1")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)([^*_~\n]{1,500})(?<=\S)\1")
_EMPHASIS = re.compile(
    r"(?<![\w*])\*(?=\S)([^*\n]{1,500})(?<=\S)\*(?![\w*])|(?<!\w)_(?=\S)([^_\n]{1,500})(?<=\S)_(?!\w)"
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def read_markdown(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises UnsupportedMediaType for bytes that are no text, FileTooLarge for too much of it."""
    text = budget.spend(clean_text(decode_text(data)))
    budget.characters += len(text)  # counted again block by block
    builder = DocumentBuilder(budget)
    if front := _FRONT_MATTER.match(text):
        title = _FRONT_TITLE.search(front[1])
        builder.title = title[1] if title else ""
        text = text[front.end() :]
    _MarkdownReader(builder).read(_PARSER.parse(text))
    first = next((block.text for block in builder.blocks if block.kind == "heading" and block.level == 1), "")
    builder.title = builder.title or first
    return builder.build()


class _MarkdownReader:
    """Walks the flat list of tokens that markdown-it makes of a text."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._heading_level = 0
        self._markers: list[str] = []  # of the lists around here, outermost first
        self._is_item_start = False
        self._rows: list[list[str]] | None = None

    def read(self, tokens: list[Token]) -> None:
        for token in tokens:
            if token.type in ("inline", "html_block"):
                self._text(token)
            elif token.type in ("fence", "code_block"):
                self._builder.code(token.content)
            else:
                self._structure(token)

    def _structure(self, token: Token) -> None:
        match token.type:
            case "heading_open":
                self._heading_level = int(token.tag[1])
            case "heading_close":
                self._heading_level = 0
            case "bullet_list_open" | "ordered_list_open":
                self._markers.append("-")
            case "bullet_list_close" | "ordered_list_close":
                self._markers.pop()
            case "list_item_open":
                self._markers[-1] = f"{token.info}{token.markup}" if token.info else "-"
                self._is_item_start = True
            case "table_open":
                self._rows = []
            case "tr_open" if self._rows is not None:
                self._rows.append([])
            case "table_close" if self._rows:
                self._builder.table(self._rows[1:], header=[*self._rows[0]])
                self._rows = None
            case _:
                pass

    def _text(self, token: Token) -> None:
        text = without_marks(token.content)
        if self._rows is not None:
            self._rows[-1].append(text)
        elif self._heading_level:
            self._builder.heading(text, self._heading_level)
        elif self._markers:
            marker = self._markers[-1] if self._is_item_start else " "
            self._builder.item(text, depth=len(self._markers) - 1, marker=marker)
            self._is_item_start = False
        else:
            self._builder.paragraph(text)


def without_marks(text: str) -> str:
    """Inline Markdown as plain words. Links keep their address behind them, since answers may need it."""
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(lambda link: link[1] if link[2] in ("", link[1]) else f"{link[1]} ({link[2]})", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    text = _CODE.sub(r"\2", text)
    text = _STRONG.sub(r"\2", text)
    text = _EMPHASIS.sub(lambda mark: mark[1] or mark[2], text)
    return entities.unescape(_ESCAPED.sub(r"\1", text))
