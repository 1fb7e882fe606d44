"""A result as a file for spreadsheets, in which no cell is taken for a formula.

Spreadsheets run a text that begins like a formula, also from a CSV file, some also behind blanks or in full-width
letters. In CSV such a text gets an apostrophe in front; numbers, which begin with a minus too, do not. In XLSX every
text is stored as text, whatever it begins with.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from analytics.results.cells import NUMBER_TYPES, Cell, ResultColumn, exact, from_cell, plain, to_cell
from tenants.spreadsheets import BOM, csv_line, harmless

_CHUNK_CHARS = 64 * 1024
# Of a sheet of Excel.
MAX_ROWS = 1_048_576
MAX_CELL_CHARS = 32_767
# What a spreadsheet keeps of a number. Where more than these are somebody's (an account, an amount) it is text there; a
# fraction of more than MAX_PLACES is the rest of a division, and better a number.
MAX_DIGITS = 15
MAX_PLACES = 6
_FIRST_DATE = date(1900, 3, 1)  # before it Excel counts a day that never was
_ILLEGAL_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")


def csv_of(columns: Sequence[ResultColumn], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The result as CSV (RFC 4180) in UTF-8 with a BOM, piece by piece."""
    types = [column.type for column in columns]
    piece, size = [BOM, csv_line(harmless(column.name) for column in columns)], 0
    for row in rows:
        line = csv_line(_csv_cell(cell, type_) for cell, type_ in zip(row, types, strict=True))
        piece.append(line)
        size += len(line)
        if size >= _CHUNK_CHARS:
            yield "".join(piece).encode()
            piece, size = [], 0
    yield "".join(piece).encode()


def xlsx_of(columns: Sequence[ResultColumn], rows: Iterable[Sequence[Cell]], *, sheet: str = "") -> bytes:
    """The result as one sheet of XLSX: types kept, numbers that a double cannot hold as text, no formula, no link.

    Rows beyond Excel's million are left out.
    """
    with TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, {**options, "strings_to_numbers": False}) as book:
            _fill(book, book.add_worksheet(_sheet_name(sheet)), columns, rows)
        file.seek(0)
        return file.read()


def _fill(
    book: xlsxwriter.Workbook, page: Worksheet, columns: Sequence[ResultColumn], rows: Iterable[Sequence[Cell]]
) -> None:
    formats = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        time: book.add_format({"num_format": "hh:mm:ss"}),
    }
    page.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for x, column in enumerate(columns):
        page.set_column(x, x, min(max(len(column.name.encode("gbk", "replace")) + 2, 10), 60))
    for x, column in enumerate(columns):
        page.write_string(0, x, _fitting(column.name), bold)
    for y, row in zip(range(1, MAX_ROWS), rows, strict=False):
        for x, (cell, column) in enumerate(zip(row, columns, strict=True)):
            _write(page, y, x, from_cell(cell, column.type), formats)


def _write(page: Worksheet, y: int, x: int, value: Any, formats: dict[type, Format]) -> None:
    match value:
        case None:
            page.write_blank(y, x, None)
        case bool():
            page.write_boolean(y, x, value)
        case int() | Decimal() if (number := exact(value)) is not None and _is_number_there(number):
            page.write_number(y, x, float(number))
        case float() if math.isfinite(value):
            page.write_number(y, x, value)
        case datetime() if value.date() >= _FIRST_DATE:
            page.write_datetime(y, x, value.replace(tzinfo=None), formats[datetime])
        case date() if not isinstance(value, datetime) and value >= _FIRST_DATE:
            page.write_datetime(y, x, value, formats[date])
        case time():
            page.write_datetime(y, x, value.replace(tzinfo=None), formats[time])
        case _:
            page.write_string(y, x, _fitting(_text_of(value)))


def _csv_cell(cell: Cell, type_: str) -> str:
    if cell is None:
        return ""
    if type_ in NUMBER_TYPES and (number := exact(cell)) is not None:
        return plain(number) if type_ != "float" else str(cell)
    return harmless(_text_of(from_cell(cell, type_)))


def _text_of(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat(sep=" ")
        case Decimal():
            return plain(value) if value.is_finite() else str(to_cell(value))
        case float():
            return str(to_cell(value))
        case dict() | list():
            return json.dumps(value, ensure_ascii=False)
    return str(value)


def _is_number_there(number: Decimal) -> bool:
    whole, _, fraction = plain(number.copy_abs()).partition(".")
    digits = (whole + fraction).strip("0") if fraction else whole
    return len(digits) <= MAX_DIGITS or (len(fraction) > MAX_PLACES and len(whole) <= MAX_DIGITS)


def _fitting(text: str) -> str:
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - 1] + "…"


def _sheet_name(name: str) -> str:
    """Of at most 31 characters, none of Excel's own; it calls one "History" its own, too."""
    clean = _ILLEGAL_IN_SHEET_NAME.sub(" ", name).strip()[:31].strip()
    return clean if clean and clean.lower() != "history" else "Result"
