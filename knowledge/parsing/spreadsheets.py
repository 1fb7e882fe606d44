"""CSV and XLSX: every row becomes a line that carries its headers."""

import csv
import datetime
import io
import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence

import openpyxl
from django.utils.translation import gettext_lazy as _

from knowledge.parsing.archives import open_archive
from knowledge.parsing.building import DocumentBuilder, is_header, is_number
from knowledge.parsing.cleaning import clean_text, decode_text
from knowledge.parsing.document import ParsedDocument
from knowledge.parsing.errors import FileBroken, FileTooLarge
from knowledge.parsing.limits import Budget

MAX_ROWS = 200_000
MAX_COLUMNS = 256
_DELIMITERS = ",\t;|"
_SAMPLE_ROWS = 20

Row = list[str]


def read_csv(data: bytes, budget: Budget) -> ParsedDocument:
    """Raises UnsupportedMediaType for no text, FileBroken, or FileTooLarge for too many rows."""
    builder = DocumentBuilder(budget)
    text = clean_text(decode_text(data))
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        _add_sheet(builder, (row for row in rows))
    except csv.Error as error:
        raise FileBroken from error
    return builder.build()


def read_xlsx(data: bytes, budget: Budget) -> ParsedDocument:
    """Visible sheets, one heading each. Formulas count as what they last showed. Raises as `read_csv`."""
    builder = DocumentBuilder(budget)
    with open_archive(data), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of everything that it does not keep
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            for sheet in sheets:
                builder.heading(sheet.title, 1)
                sheet.reset_dimensions()  # what a file says of its own size is not to be trusted
                _add_sheet(builder, (list(map(_shown, row)) for row in sheet.iter_rows(max_col=MAX_COLUMNS + 1)))
            book.close()
        except (FileTooLarge, FileBroken):
            raise
        except Exception as error:  # openpyxl meets damaged files with whatever error it stumbles into
            raise FileBroken from error
    return builder.build()


def _add_sheet(builder: DocumentBuilder, rows: Iterable[Row]) -> None:
    """Tables are parted by empty rows; one that begins without column names goes on under the last ones."""
    header: Row = []
    for table in _tables(_limited(rows)):
        table = _without_captions(builder, table)
        if len(table) > 1 and is_header(table[0]) and (not header or _looks_different(table[0], table[1:])):
            header, table = table[0], table[1:]
        builder.table(table, header)


def _limited(rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count > MAX_ROWS or any(row[MAX_COLUMNS:]):
            raise FileTooLarge(_("The table has more rows or columns than one document may. Split it into parts."))
        yield row


def _tables(rows: Iterable[Row]) -> Iterator[list[Row]]:
    for is_filled, run in itertools.groupby(rows, key=lambda row: any(cell.strip() for cell in row)):
        if is_filled:
            yield list(run)


def _without_captions(builder: DocumentBuilder, table: list[Row]) -> list[Row]:
    """Lines above a table that fill one cell only are its caption."""
    while len(table) > 1 and max(map(_filled, table)) > 1 and _filled(table[0]) == 1:
        builder.paragraph("".join(table[0]))
        table = table[1:]
    return table


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _looks_different(first: Row, others: Sequence[Row]) -> bool:
    """Whether some column has numbers below a name, as below a header."""
    return any(
        is_number(row[column])
        for row in others[:_SAMPLE_ROWS]
        for column, name in enumerate(first)
        if name and column < len(row) and row[column]
    )


def _delimiter(text: str) -> str:
    """The one that cuts the first rows into the most columns, alike in each."""
    sample = text.split("\n")[:_SAMPLE_ROWS]
    return max(_DELIMITERS, key=lambda delimiter: _columns_cut(sample, delimiter))


def _columns_cut(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return (0.0, 0)
    if not widths or min(widths) < 2:
        return (0.0, max(widths, default=0))
    return (max(map(widths.count, widths)) / len(widths), min(widths))


def _shown(cell: object) -> str:
    """A cell's value about as the sheet shows it."""
    value = getattr(cell, "value", None)
    shape = str(getattr(cell, "number_format", ""))
    match value:
        case None:
            return ""
        case float() if "%" in shape:
            return f"{value * 100:.10g}%"
        case float():
            return f"{value:.12g}"
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case _:
            return str(value)
