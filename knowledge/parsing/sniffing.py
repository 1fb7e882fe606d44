"""What a file really is, told by its content. Names and declared types only choose between kinds of text."""

import re
from pathlib import PurePath
from typing import Literal

from django.utils.translation import gettext_lazy as _

from knowledge.parsing.archives import member_names
from knowledge.parsing.cleaning import decode_text
from knowledge.parsing.errors import FileEncrypted, UnsupportedMediaType

Format = Literal["pdf", "docx", "xlsx", "html", "markdown", "csv", "text"]

MEDIA_TYPES: dict[Format, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "text": "text/plain",
}

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_NO_TEXT = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x1f\x8b",
    b"\x7fELF",
    b"MZ",
    b"7z\xbc\xaf",
    b"Rar!",
    b"{\\rtf",
)
_PDF_WITHIN_BYTES = 1024
_HTML_WITHIN = 2048

# Whoever uploads waits for these: they look at each letter once. `(?>…)` takes no comment apart a second time.
_HTML_START = re.compile(r"\s*(<\?xml[^>]*>\s*)?(?>(<!--.*?-->\s*)*)<(!doctype html|html|head|body)\b", re.I | re.S)
_HTML_TAGS = re.compile(r"</?(p|div|table|h[1-6]|ul|ol|body|section|article)\b[^<>]*>", re.I)
_MARKDOWN = re.compile(r"^(#{1,6} \S|```|\|.+\|[ \t]*$|[ \t]*[-*] \[.\] |!?\[[^\]\n]+\]\([^)\n]+\))", re.M)
_BY_SUFFIX: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "csv",
    ".htm": "html",
    ".html": "html",
}


def sniff(data: bytes, filename: str, declared_type: str) -> Format:
    """The format of these bytes. Raises UnsupportedMediaType, FileEncrypted or FileBroken."""
    if b"%PDF-" in data[:_PDF_WITHIN_BYTES]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_archive(member_names(data))
    if data.startswith(_OLE):
        raise _refuse_old_office(data)
    if data.startswith(_NO_TEXT):
        raise UnsupportedMediaType
    return _kind_of_text(decode_text(data), filename, declared_type)


def _kind_of_archive(names: set[str]) -> Format:
    if "word/document.xml" in names:
        return "docx"
    if "xl/workbook.xml" in names:
        return "xlsx"
    raise UnsupportedMediaType


def _refuse_old_office(data: bytes) -> Exception:
    if _ENCRYPTED_PACKAGE in data:
        return FileEncrypted()
    return UnsupportedMediaType(_("Files of old Office versions cannot be read. Save it as DOCX or XLSX."))


def _kind_of_text(text: str, filename: str, declared_type: str) -> Format:
    named = _BY_SUFFIX.get(PurePath(filename.lower()).suffix) or _by_media_type(declared_type)
    if _HTML_START.match(text[:_HTML_WITHIN]):
        return "html"
    if named == "html":
        return "html" if _HTML_TAGS.search(text) else "text"
    if named:
        return named
    return "markdown" if _MARKDOWN.search(text) else "text"


def _by_media_type(declared_type: str) -> Format | None:
    declared = declared_type.partition(";")[0].strip().lower()
    textual = {media_type: known for known, media_type in MEDIA_TYPES.items() if media_type.startswith("text/")}
    kind = textual.get(declared)
    return None if kind == "text" else kind
