"""Rows of a CSV file, however it was encoded and whatever parts its cells."""

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_noop

from analytics.reading.errors import NoTable, TableEmpty, TableUnreadable
from analytics.reading.limits import MAX_CELL
from knowledge.parsing.cleaning import decode_text
from knowledge.parsing.errors import UnsupportedMediaType

_DELIMITERS = ",\t;|"
_SAMPLE_ROWS = 50
# Never in a cell: PostgreSQL takes no NUL, and half a pair of surrogates is no letter.
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
# Excel writes it above the data, to tell which delimiter follows.
_SEPARATOR_LINE = re.compile(r'(?i)\A"?sep=(.)"?\r?\n')

_UNCLOSED = gettext_noop(
    "The cell that begins in line %(line)d has more than a million characters. Probably a quotation mark there is "
    "never closed: correct it and upload the file again."
)


def csv_rows(data: bytes) -> Iterator[list[str]]:
    """Raises NoTable, TableEmpty; TableUnreadable also while it is read."""
    try:
        text = decode_text(data)
    except UnsupportedMediaType:
        raise NoTable from None
    if not text.strip():
        raise TableEmpty
    if _IMPOSSIBLE.search(text):
        text = _IMPOSSIBLE.sub("", text)
    said = _SEPARATOR_LINE.match(text)
    delimiter = said[1] if said else delimiter_of(text)
    # Named only now: what fits all cells is not held twice.
    return _rows(text[said.end() :] if said else text, delimiter)


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            line = reader.line_num + 1
            yield row
    except csv.Error:
        raise TableUnreadable(_UNCLOSED, line=line) from None


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
