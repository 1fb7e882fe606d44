"""Rows of text to a table: names found, types inferred over all rows, cells as PostgreSQL reads them."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from analytics.reading import inferring
from analytics.reading.converting import TEXT
from analytics.reading.drafts import ColumnDraft, Note, TableDraft
from analytics.reading.errors import TableEmpty, TooLarge, TooManyColumns
from analytics.reading.headers import Spans, find_header, name_columns
from analytics.reading.inferring import Cells, Loss, Profile
from analytics.reading.limits import MAX_COLUMNS, MAX_ROWS
from analytics.reading.texts import gettext_noop

BATCH_ROWS = 20_000
# A batch of a wide table has fewer rows.
BATCH_CELLS = 400_000
SAMPLE_ROWS = 5
SAMPLE_LENGTH = 100

TOO_MANY_ROWS = gettext_noop("The table has more than %(limit)d rows. Split it into parts.")
_EXTRA_COLUMNS = gettext_noop("Some rows are longer than the row of column names; what stands there became columns.")


@dataclass(slots=True)
class GridColumn:
    """`cells` are as the file has them, `converted` as PostgreSQL reads them; one Arrow array a batch."""

    draft: ColumnDraft
    cells: list[Cells]
    profile: Profile
    converted: list[Cells] = field(default_factory=list)


@dataclass(slots=True)
class Grid:
    draft: TableDraft
    columns: list[GridColumn]

    def batches(self) -> Iterator[list[Any]]:
        """The columns of each batch of rows, ready for COPY. What was given is let go of."""
        for column in self.columns:
            column.cells = []
            column.converted.reverse()
        while self.columns[0].converted:
            yield [column.converted.pop() for column in self.columns]

    def read_as(self, name: str, type: str, format: str = "") -> None:
        """Take a column for this type, whatever that loses; the draft says how much. Notes say what is unclear."""
        column = next(column for column in self.columns if column.draft.name == name)
        if type == column.draft.type and format in ("", column.draft.format):
            return
        draft = column.draft
        draft.notes = []
        if not format and type in inferring.MOMENTS:
            format, draft.notes = inferring.order_of(column.profile, column.cells)
        loss = _convert(column, type, format)
        draft.type, draft.format, draft.lost, draft.lost_examples = type, format, loss.cells, loss.examples


class Source(Protocol):
    """Rows of text. `head` are the first HEAD_ROWS of them."""

    head: list[list[str]]

    def rows(self, after: int) -> Iterator[list[str]]:
        """All but the first `after` rows; at most one of these iterators is in use."""

    def columns(self, after: int, width: int) -> Iterator[list[Cells]]:
        """The same in batches of columns. Raises ArrowInvalid, also on the way, where only `rows` will do."""


def read_grid(source: Source, label: str, spans: Spans | None = None, sheet: str = "") -> Grid:
    """Raises TableEmpty, TooManyColumns, TooLarge and what reading the rows raises."""
    width = max(map(_width, source.head), default=0)
    _refuse_width(width, label)
    if not width:
        raise TableEmpty
    header = find_header([row[:width] for row in source.head], spans or {})
    batches, row_count = _read(source, header.rows, width, label)
    if not row_count:
        raise TableEmpty
    draft = TableDraft("", label, sheet=sheet, row_count=row_count, notes=header.notes)
    columns = _columns(batches, header.labels, draft)
    for column in columns:
        _infer(column)
    draft.columns = [column.draft for column in columns]
    draft.sample = sample_of([column.cells[0] for column in columns])
    return Grid(draft, columns)


def sample_of(columns: Sequence[Cells]) -> list[list[str | None]]:
    shown = [pc.utf8_slice_codeunits(cells.slice(0, SAMPLE_ROWS), 0, SAMPLE_LENGTH).to_pylist() for cells in columns]
    return [list(row) for row in zip(*shown, strict=True)]


# --- Rows to columns --------------------------------------------------------------------------------------------
def _read(source: Source, after: int, width: int, label: str) -> tuple[list[list[Cells]], int]:
    """The quick way if it can be gone to the end."""
    longest = max([width, *map(len, source.head[after:])])
    if longest <= MAX_COLUMNS:
        with suppress(pa.ArrowInvalid):
            return _gather(source.columns(after, longest))
    return _gather(_turned(source.rows(after), width, label))


def _gather(batches: Iterator[list[Cells]]) -> tuple[list[list[Cells]], int]:
    """Batches of columns, each as wide as was known by then, and the number of rows. Empty rows do not count."""
    gathered: list[list[Cells]] = []
    row_count = 0
    for batch in batches:
        columns = _without_empty_rows([_trimmed(cells) for cells in batch])
        row_count += len(columns[0])
        if row_count > MAX_ROWS:
            raise TooLarge(TOO_MANY_ROWS, limit=MAX_ROWS)
        if len(columns[0]):
            gathered.append(columns)
    return gathered, row_count


def _trimmed(cells: Cells) -> Cells:
    """PostgreSQL takes no NUL."""
    if pc.any(pc.match_substring(cells, "\x00")).as_py():
        cells = pc.replace_substring(cells, "\x00", "")
    cells = pc.utf8_trim_whitespace(cells)
    empty = pc.equal(cells, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), cells) if pc.any(empty).as_py() else cells


def _without_empty_rows(columns: list[Cells]) -> list[Cells]:
    empty = pa.scalar(True)
    for cells in columns:
        if not cells.null_count:
            return columns
        empty = pc.and_(empty, pc.is_null(cells))
    return [cells.filter(pc.invert(empty)) for cells in columns] if pc.any(empty).as_py() else columns


def _turned(rows: Iterator[list[str]], width: int, label: str) -> Iterator[list[Cells]]:
    """Rows of any length in batches of columns, which grow more where a row is longer."""
    while batch := list(itertools.islice(rows, max(min(BATCH_ROWS, BATCH_CELLS // width), 100))):
        if max(map(len, batch)) > width:
            width = max(width, *map(_width, batch))
            _refuse_width(width, label)
        even = (row[:width] + [""] * (width - len(row)) if len(row) != width else row for row in batch)
        yield [_array(column) for column in zip(*even, strict=True)]


def _array(cells: Sequence[str]) -> Cells:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:  # half a pair of surrogates is no letter
        return pa.array([cell.encode(errors="ignore").decode() for cell in cells], pa.string())


def _refuse_width(width: int, label: str) -> None:
    if width > MAX_COLUMNS:
        raise TooManyColumns(table=label, columns=width, limit=MAX_COLUMNS)


def _width(row: Sequence[str]) -> int:
    """Up to the last cell that holds something."""
    if not any(row):  # in C: there may be millions of them
        return 0
    return next((place for place in range(len(row), 0, -1) if row[place - 1].strip()), 0)


def _columns(batches: list[list[Cells]], labels: Sequence[str], draft: TableDraft) -> list[GridColumn]:
    """Named, without those that have neither name nor cells."""
    width = len(batches[-1])
    labels = [*labels, *[""] * (width - len(labels))]
    columns = []
    for place in range(width):
        cells = [batch[place] if place < len(batch) else pa.nulls(len(batch[0]), pa.string()) for batch in batches]
        columns.append(cells)
    kept = [place for place in range(width) if labels[place] or any(len(c) > c.null_count for c in columns[place])]
    if any(place >= _named(labels) for place in kept) and _named(labels):
        draft.notes.append(Note(_EXTRA_COLUMNS))
    names = name_columns([labels[place] for place in kept])
    return [
        GridColumn(ColumnDraft(name, label, TEXT), columns[place], Profile())
        for (name, label), place in zip(names, kept, strict=True)
    ]


def _named(labels: Sequence[str]) -> int:
    return next((place for place in range(len(labels), 0, -1) if labels[place - 1]), 0)


# --- Types ------------------------------------------------------------------------------------------------------
def _infer(column: GridColumn) -> None:
    for cells in column.cells:
        column.profile.add(cells)
    inferred = inferring.infer(column.draft.label, column.profile, column.cells)
    loss = _convert(column, inferred.type, inferred.format)
    if loss.cells:  # what has the shape of a date need not be one
        inferred = inferring.unusual(loss, column.profile.cells)
        _convert(column, inferred.type, inferred.format)
    column.draft.type, column.draft.format = inferred.type, inferred.format
    column.draft.notes = inferred.notes


def _convert(column: GridColumn, type: str, format: str) -> Loss:
    loss = Loss()
    column.converted = [inferring.convert(cells, type, format, loss) for cells in column.cells]
    return loss
