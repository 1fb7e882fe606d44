"""Files to text: `parse` is the one entry. It touches neither database nor network.

A file from outside may make a parser hang, eat all memory or crash: servers and workers call
`apart.parse_apart`, which does the same in a process of its own. `media_type_of` is cheap enough for all.
"""

from pathlib import PurePath

from django.utils.module_loading import import_string

from knowledge.parsing.cleaning import clean_text
from knowledge.parsing.document import Block, ParsedDocument
from knowledge.parsing.errors import DocumentEmpty, FileTooLarge, UnreadableFile
from knowledge.parsing.limits import MAX_FILE_BYTES, Budget
from knowledge.parsing.sniffing import MEDIA_TYPES, Format, sniff

__all__ = ["MAX_FILE_BYTES", "Block", "ParsedDocument", "UnreadableFile", "load_parsers", "media_type_of", "parse"]

# By name, so that servers, which only tell the media type, load no library of any format.
_READERS: dict[Format, str] = {
    "pdf": "knowledge.parsing.pdf.read_pdf",
    "docx": "knowledge.parsing.docx.read_docx",
    "xlsx": "knowledge.parsing.spreadsheets.read_xlsx",
    "csv": "knowledge.parsing.spreadsheets.read_csv",
    "html": "knowledge.parsing.html.read_html",
    "markdown": "knowledge.parsing.markdown.read_markdown",
    "text": "knowledge.parsing.plain.read_text",
}
_MAX_TITLE = 300


def parse(data: bytes, filename: str = "", declared_type: str = "") -> ParsedDocument:
    """Read a file as what its content says it is; name and declared type only tell kinds of text apart.

    Raises an UnreadableFile: FileTooLarge, UnsupportedMediaType, FileEncrypted, FileBroken or DocumentEmpty.
    """
    read = import_string(_READERS[_format(data, filename, declared_type)])
    found: ParsedDocument = read(data, Budget())
    blocks = [block for block in found.blocks if block.text.strip()]
    if not any(character.isalnum() for block in blocks for character in block.text):
        raise DocumentEmpty
    return ParsedDocument(title=_title(found.title, blocks, filename), blocks=blocks)


def load_parsers() -> None:
    """Import the libraries of all formats."""
    for name in _READERS.values():
        import_string(name)


def media_type_of(data: bytes, filename: str = "", declared_type: str = "") -> str:
    """The media type that the content says, told without reading it all.

    Raises an UnreadableFile where that is enough to see that `parse` would.
    """
    return MEDIA_TYPES[_format(data, filename, declared_type)]


def _format(data: bytes, filename: str, declared_type: str) -> Format:
    if len(data) > MAX_FILE_BYTES:
        raise FileTooLarge
    if not data.strip():
        raise DocumentEmpty
    return sniff(data, filename, declared_type)


def _title(own: str, blocks: list[Block], filename: str) -> str:
    """The document's own title, else its file name, else its first words."""
    candidates = (own, PurePath(filename).stem, blocks[0].text)
    titles = (" ".join(clean_text(candidate).split()) for candidate in candidates)
    return next(title for title in titles if title)[:_MAX_TITLE]
