"""The sheets of a workbook, each as rows of text. Formulas count as what they last showed."""

import datetime
import io
import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from analytics.reading.errors import FileEncrypted, TableUnreadable
from analytics.reading.headers import HEAD_ROWS
from analytics.reading.inferring import Cells

# Excel keeps 15 digits of a number: a larger whole one was no count.
_EXACT_BELOW = 10**15


class Sheet:
    """`spans` are the cells of the first rows that cover several columns, by row: (first, last) column."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self._sheet = sheet
        self.name = sheet.name
        self.spans = _spans(sheet)
        self.head = list(itertools.islice(_rows(sheet), HEAD_ROWS))

    def rows(self, after: int) -> Iterator[list[str]]:
        return itertools.islice(_rows(self._sheet), after, None)

    def columns(self, after: int, width: int) -> Iterator[list[Cells]]:
        """A sheet is read by its rows only."""
        raise pa.ArrowInvalid


def sheets_of(data: bytes, only: str | None = None) -> Iterator[Sheet]:
    """The visible sheets that hold something, or the one called `only`: no other is opened.

    Raises FileEncrypted, TableUnreadable.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for about in book.sheets_metadata:
            if only is not None and about.name != only:
                continue
            if about.visible == SheetVisibleEnum.Visible and about.typ == SheetTypeEnum.WorkSheet:
                sheet = book.get_sheet_by_name(about.name)
                if sheet.total_height and sheet.start:
                    yield Sheet(sheet)
    except PasswordError:
        raise FileEncrypted from None
    except (CalamineError, OSError, ValueError) as error:
        raise TableUnreadable from error


def _rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    """A cell merged over several rows counts in each of them."""
    begins: dict[int, list[tuple[int, int]]] = {}
    for top, bottom, column, _last in _ranges(sheet):
        if bottom > top:
            begins.setdefault(top, []).append((column, bottom))
    open_cells: dict[int, tuple[str, int]] = {}  # by column: what it says, and its last row
    for number, row in enumerate(sheet.iter_rows()):
        cells = list(map(shown, row))
        if begins or open_cells:
            open_cells = {column: cell for column, cell in open_cells.items() if cell[1] >= number}
            for column, (text, _bottom) in open_cells.items():
                cells[column] = text
            for column, bottom in begins.pop(number, ()):
                open_cells[column] = (cells[column], bottom)
        yield cells


def _ranges(sheet: CalamineSheet) -> Iterator[tuple[int, int, int, int]]:
    """Of merged cells: first and last row, first and last column as `iter_rows` counts them."""
    left = sheet.start[1] if sheet.start else 0
    for (top, first), (bottom, last) in sheet.merged_cell_ranges or ():
        if first >= left:
            yield top, bottom, first - left, last - left


def _spans(sheet: CalamineSheet) -> dict[int, list[tuple[int, int]]]:
    spans: dict[int, list[tuple[int, int]]] = {}
    for top, bottom, first, last in _ranges(sheet):
        for row in range(top, min(bottom + 1, HEAD_ROWS)):
            if last > first:
                spans.setdefault(row, []).append((first, last))
    return spans


def shown(value: Any) -> str:
    """A cell's value as text that says all of it."""
    match value:
        case str():
            return value.replace("\x00", "")
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < _EXACT_BELOW:
            return f"{value:.0f}"
        case float() | int():
            return repr(value)
        case datetime.datetime():
            return value.isoformat(sep=" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return _clock(value)
        case _:
            return ""


def _clock(span: datetime.timedelta) -> str:
    """As "26:30:00"."""
    sign = "-" if span < datetime.timedelta() else ""
    seconds = round(abs(span).total_seconds())
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
