"""Rows of a CSV file, however it was encoded and whatever parts its cells."""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.csv

from analytics.reading.errors import NoTable, TableEmpty, TableUnreadable
from analytics.reading.headers import HEAD_ROWS
from analytics.reading.inferring import Cells
from analytics.reading.limits import MAX_CELL
from analytics.reading.texts import gettext_noop
from knowledge.parsing.cleaning import decode_text
from knowledge.parsing.errors import UnsupportedMediaType

_DELIMITERS = ",\t;|"
_SAMPLE_ROWS = 50
# A row that is longer than this is left to the slower way.
BLOCK_BYTES = 4 * 1024 * 1024
# Excel writes it above the data, to tell which delimiter follows.
_SEPARATOR_LINE = re.compile(r'(?i)\A"?sep=(.)"?\r?\n')

_UNCLOSED = gettext_noop(
    "The cell that begins in line %(line)d has more than a million characters. Probably a quotation mark there is "
    "never closed: correct it and upload the file again."
)


class CsvFile:
    """The rows of a CSV file. Raises NoTable, TableEmpty; TableUnreadable also while it is read."""

    def __init__(self, data: bytes) -> None:
        try:
            text = decode_text(data)
        except UnsupportedMediaType:
            raise NoTable from None
        if not text.strip():
            raise TableEmpty
        self._text = text if "\n" in text else text.replace("\r", "\n")
        said = _SEPARATOR_LINE.match(text)
        self._delimiter = said[1] if said else delimiter_of(self._text)
        self._end_of_row = said.end() if said else 0
        self.head: list[list[str]] = []
        # Where in the text each row of the head begins, and where the first one behind it does.
        self._begins = [self._end_of_row]
        for row in itertools.islice(self._rows(self._end_of_row), HEAD_ROWS):
            self.head.append(row)
            self._begins.append(self._end_of_row)

    def rows(self, after: int) -> Iterator[list[str]]:
        """All but the first `after` rows, as long as they happen to be."""
        return self._rows(self._begins[after])

    def columns(self, after: int, width: int) -> Iterator[list[Cells]]:
        """The same in batches of columns, ten times as fast. Raises ArrowInvalid if one is not `width` cells wide."""
        names = [str(place) for place in range(width)]
        batches = pyarrow.csv.open_csv(
            pa.py_buffer(self._text[self._begins[after] :].encode(errors="ignore")),
            read_options=pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=BLOCK_BYTES),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        return (batch.columns for batch in batches)

    def _rows(self, begin: int) -> Iterator[list[str]]:
        csv.field_size_limit(MAX_CELL)
        reader = csv.reader(self._lines(begin), delimiter=self._delimiter)
        line = 1
        try:
            for row in reader:
                line = reader.line_num + 1
                yield row
        except csv.Error:
            raise TableUnreadable(_UNCLOSED, line=line) from None

    def _lines(self, begin: int) -> Iterator[str]:
        """Not by StringIO, which takes four bytes for each letter."""
        while begin < len(self._text):
            self._end_of_row = self._text.find("\n", begin) + 1 or len(self._text)
            yield self._text[begin : self._end_of_row]
            begin = self._end_of_row


def delimiter_of(text: str) -> str:
    """The one that cuts the first rows into the most columns, alike in each."""
    sample = list(itertools.islice(io.StringIO(text[: 1024 * 1024], newline=""), _SAMPLE_ROWS))
    return max(_DELIMITERS, key=lambda delimiter: _columns_cut(sample, delimiter))


def _columns_cut(sample: Sequence[str], delimiter: str) -> tuple[float, int]:
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return (0.0, 0)
    # Titles above the names have no delimiters, so the usual width counts.
    usual = max(set(widths), key=lambda width: (widths.count(width) * (width > 1), width), default=0)
    return (0.0, usual) if usual < 2 else (widths.count(usual) / len(widths), usual)
