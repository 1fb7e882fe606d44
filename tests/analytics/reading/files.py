"""Tables as people write them down, good and bad, made here so that no binary is kept in the repository."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

Write = Callable[[Any, Any], None]


def workbook(write: Write | None = None, **sheets: Sequence[Sequence[object]]) -> bytes:
    """Sheets of plain rows; `write(book, first sheet)` adds what plain rows cannot say."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        if write:
            write(book, book.worksheets()[0] if sheets else book.add_worksheet("Sheet1"))
    return buffer.getvalue()


def with_broken_sheet(book: bytes, number: int) -> bytes:
    """The book, but the sheet of this number (from 1) is no XML any more."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<broken" if name.endswith(f"/sheet{number}.xml") else old.read(name))
    return buffer.getvalue()


def parquet(columns: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), buffer)
    return buffer.getvalue()
