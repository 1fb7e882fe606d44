"""Word documents, read straight from their XML: body text, headings by style, lists and tables."""

import zipfile
from collections.abc import Iterator
from typing import Any

from knowledge.parsing.archives import open_archive, read_xml
from knowledge.parsing.building import DocumentBuilder
from knowledge.parsing.document import ParsedDocument
from knowledge.parsing.errors import FileBroken
from knowledge.parsing.limits import Budget

# The same elements come in two name spaces (transitional and strict): local names are enough.
_WRAPPERS = frozenset(["sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml", "hyperlink", "fldSimple", "r"])
_MAX_OUTLINE_LEVEL = 9  # Word's "body text"


def read_docx(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises FileBroken, or FileTooLarge for what unpacks to too much. Tracked deletions are left out."""
    builder = DocumentBuilder(budget)
    with open_archive(data) as archive:
        body = _child(read_xml(archive, "word/document.xml"), "body")
        reader = _DocxReader(builder, _Styles(archive))
        try:
            reader.read(body if body is not None else [])
        except RecursionError as error:  # nested as no word processor would
            raise FileBroken from error
        builder.title = reader.title or _core_title(archive)
    return builder.build()


class _Styles:
    """What each paragraph style means."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._names: dict[str, str] = {}
        self._outline: dict[str, int] = {}
        self._lists: set[str] = set()
        if "word/styles.xml" not in archive.namelist():
            return
        for style in _children(read_xml(archive, "word/styles.xml"), "style"):
            self._learn(_attribute(style, "styleId"), style)

    def _learn(self, style_id: str, style: Any) -> None:
        name = _child(style, "name")
        self._names[style_id] = _attribute(name, "val").lower() if name is not None else ""
        properties = _child(style, "pPr")
        if (level := _outline_level(properties)) is not None:
            self._outline[style_id] = level
        if properties is not None and _child(properties, "numPr") is not None:
            self._lists.add(style_id)

    def heading_level(self, style_id: str) -> int:
        name = self._names.get(style_id, style_id.lower())
        if name == "title":
            return 1
        if name.startswith("heading ") and name[8:].isdigit():
            return int(name[8:])
        return self._outline.get(style_id, 0)

    def is_title(self, style_id: str) -> bool:
        return self._names.get(style_id) == "title"

    def is_list(self, style_id: str) -> bool:
        return style_id in self._lists or self._names.get(style_id, "").startswith("list")


class _DocxReader:
    def __init__(self, builder: DocumentBuilder, styles: _Styles) -> None:
        self._builder = builder
        self._styles = styles
        self.title = ""

    def read(self, body: Any) -> None:
        for element in _blocks(body):
            if _name(element) == "tbl":
                self._table(element)
            else:
                self._paragraph(element)

    def _paragraph(self, paragraph: Any) -> None:
        text = _text(paragraph)
        properties = _child(paragraph, "pPr")
        style = _style(properties)
        level = _outline_level(properties) or self._styles.heading_level(style)
        if level and text.strip():
            if not self.title and (level == 1 or self._styles.is_title(style)):
                self.title = text
            self._builder.heading(text, level)
        elif (depth := _list_depth(properties)) is not None or self._styles.is_list(style):
            self._builder.item(text, depth=depth or 0)
        else:
            self._builder.paragraph(text)

    def _table(self, table: Any) -> None:
        rows = [
            [" ".join(_text(block) for block in _blocks(cell)) for cell in _blocks(row, "tc")]
            for row in _blocks(table, "tr")
        ]
        self._builder.table(rows)


def _blocks(parent: Any, *names: str) -> Iterator[Any]:
    """Paragraphs and tables (or rows, or cells) below a container, wrappers of forms opened."""
    for element in parent:
        if _name(element) in (names or ("p", "tbl")):
            yield element
        elif _name(element) in _WRAPPERS:
            yield from _blocks(element, *names)


def _text(block: Any) -> str:
    """The visible text of a paragraph, or of all cells of a table inside a cell."""
    if _name(block) == "tbl":
        return " ".join(
            _text(inner) for row in _blocks(block, "tr") for cell in _blocks(row, "tc") for inner in _blocks(cell)
        )
    return "".join(_letters(block))


def _letters(element: Any) -> Iterator[str]:
    for child in element:
        match _name(child):
            case "t":
                yield child.text or ""
            case "tab":
                yield "\t"
            case "br" | "cr":
                yield "\n"
            case "noBreakHyphen":
                yield "-"
            case name if name in _WRAPPERS:
                yield from _letters(child)


def _style(properties: Any) -> str:
    style = _child(properties, "pStyle")
    return _attribute(style, "val") if style is not None else ""


def _outline_level(properties: Any) -> int | None:
    """1 to 9, or None for body text."""
    outline = _child(properties, "outlineLvl")
    value = _attribute(outline, "val") if outline is not None else ""
    return int(value) + 1 if value.isdigit() and int(value) < _MAX_OUTLINE_LEVEL else None


def _list_depth(properties: Any) -> int | None:
    numbering = _child(properties, "numPr")
    if numbering is None:
        return None
    level = _child(numbering, "ilvl")
    value = _attribute(level, "val") if level is not None else ""
    return min(int(value), 8) if value.isdigit() else 0


def _core_title(archive: zipfile.ZipFile) -> str:
    if "docProps/core.xml" not in archive.namelist():
        return ""
    title = _child(read_xml(archive, "docProps/core.xml"), "title")
    text = (title.text or "") if title is not None else ""
    return "" if text == "Word Document" else text  # what templates leave there


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(parent: Any, name: str) -> Any:
    return next(_children(parent, name), None) if parent is not None else None


def _children(parent: Any, name: str) -> Iterator[Any]:
    return (element for element in parent if _name(element) == name)


def _attribute(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")
