"""Files as people upload them, good and bad, made here so that no binary is kept in the repository."""

import io
import struct
import zipfile
from collections.abc import Sequence
from functools import cache

import docx
import openpyxl
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

RETURNS_ZH = "退货说明\n\n收到商品后七天内可以无理由退货。运费由本店承担。"


def pdf(pages: Sequence[Sequence[tuple[str, int]]], password: str = "", title: str = "") -> bytes:
    """A PDF whose pages are lines with a font size each, Chinese included."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    sheet = canvas.Canvas(buffer, encrypt=StandardEncryption(password) if password else None)
    if title:
        sheet.setTitle(title)
    for lines in pages:
        height = 780.0
        for text, size in lines:
            height -= size * 1.4
            sheet.setFont("STSong-Light", size)
            sheet.drawString(60, height, text)
        sheet.showPage()
    sheet.save()
    return buffer.getvalue()


def word(paragraphs: Sequence[tuple[str, str]], table: Sequence[Sequence[str]] = ()) -> bytes:
    """A DOCX of (style, text) paragraphs and perhaps a table."""
    document = docx.Document()
    for style, text in paragraphs:
        document.add_paragraph(text, style=style)
    if table:
        grid = document.add_table(rows=0, cols=len(table[0]))
        for row in table:
            for cell, text in zip(grid.add_row().cells, row, strict=True):
                cell.text = text
    return saved(document)


def workbook(**sheets: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def office(**members: bytes) -> bytes:
    """A ZIP with these members; `word__document` stands for word/document.xml."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/") + ".xml", data)
    return buffer.getvalue()


@cache
def bomb(main: str = "word__document", megabytes: int = 400) -> bytes:
    """An office file of some hundred kilobytes that unpacks to hundreds of megabytes."""
    return office(**{main: b"<w/>", "word__media": bytes(megabytes * 1024 * 1024)})


@cache
def lying_bomb(main: str = "word__document", megabytes: int = 60) -> bytes:
    """As `bomb`, but its table of contents says that everything is small."""
    data = bytearray(office(**{main: bytes(megabytes * 1024 * 1024)}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 1000)
    return bytes(data)


def entity_bomb() -> bytes:
    """The billion laughs, as a Word document."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<!DOCTYPE w [<!ENTITY l0 "ha">{laughs}]><w:document xmlns:w="w"><w:body>&l9;</w:body></w:document>'
    return office(word__document=xml.encode())


def encrypted_office() -> bytes:
    """The head of a DOCX with a password: an OLE container with the encrypted package inside."""
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)
