"""A Parquet file says its types itself. It is read batch by batch, twice where a person asked for another type."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics.reading import inferring
from analytics.reading.converting import (
    BIGINT,
    BOOL,
    DATE,
    DOUBLE,
    INTERVAL,
    JSON,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
)
from analytics.reading.drafts import ColumnDraft, Note, TableDraft
from analytics.reading.errors import TableEmpty, TableUnreadable, TooLarge, TooManyColumns
from analytics.reading.grids import BATCH_CELLS, BATCH_ROWS, SAMPLE_ROWS, TOO_MANY_ROWS, sample_of
from analytics.reading.headers import name_columns
from analytics.reading.inferring import Cells, Loss
from analytics.reading.limits import MAX_COLUMNS, MAX_ROWS
from analytics.reading.texts import gettext_noop

_LEFT_OUT = gettext_noop("Columns of bytes or of kinds unknown here were left out: %(columns)s")
_BROKEN = (pa.ArrowException, OSError, ValueError)

ToText = Callable[[Any], Cells]


@dataclass(slots=True)
class ParquetColumn:
    """`place` counts the file's columns, also those left out. `loss` is set where a person said the type."""

    draft: ColumnDraft
    place: int
    to_text: ToText
    loss: Loss | None = None


@dataclass(slots=True)
class ParquetTable:
    draft: TableDraft
    file: pq.ParquetFile
    columns: list[ParquetColumn] = field(default_factory=list)

    def batches(self) -> Iterator[list[Cells]]:
        """Raises TableUnreadable for a file that is damaged further on."""
        rows = max(min(BATCH_ROWS, BATCH_CELLS // len(self.columns)), 100)
        try:
            for batch in self.file.iter_batches(batch_size=rows, use_threads=False):
                yield [_read(column, batch) for column in self.columns]
        except _BROKEN as error:
            raise TableUnreadable from error

    def read_as(self, name: str, type: str, format: str = "") -> None:
        """As of a Grid."""
        column = next(column for column in self.columns if column.draft.name == name)
        if type == column.draft.type:
            return
        column.loss = Loss()
        column.draft.type, column.draft.format = type, format
        for _batch in self.batches():
            pass
        column.draft.lost, column.draft.lost_examples = column.loss.cells, column.loss.examples


def read_parquet(data: bytes, label: str) -> ParquetTable:
    """Raises TableUnreadable, TableEmpty, TooManyColumns, TooLarge."""
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        schema, row_count = file.schema_arrow, file.metadata.num_rows
    except _BROKEN as error:
        raise TableUnreadable from error
    if len(schema) > MAX_COLUMNS:
        raise TooManyColumns(table=label, columns=len(schema), limit=MAX_COLUMNS)
    if row_count > MAX_ROWS:
        raise TooLarge(TOO_MANY_ROWS, limit=MAX_ROWS)
    table = ParquetTable(TableDraft("", label, row_count=row_count), file)
    left_out = []
    for place, (name, column_label) in enumerate(name_columns(schema.names)):
        kind = _kind(schema.field(place).type)
        if kind is None:
            left_out.append(column_label)
        else:
            table.columns.append(ParquetColumn(ColumnDraft(name, column_label, kind[0]), place, kind[1]))
    if not row_count or not table.columns:
        raise TableEmpty
    if left_out:
        table.draft.notes.append(Note(_LEFT_OUT, {"columns": ", ".join(left_out)}))
    table.draft.columns = [column.draft for column in table.columns]
    first = next(table.batches())
    table.draft.sample = sample_of([cells.slice(0, SAMPLE_ROWS) for cells in first])
    return table


def _read(column: ParquetColumn, batch: pa.RecordBatch) -> Cells:
    cells = column.to_text(batch.column(column.place))
    if column.loss is None:
        return cells
    return inferring.convert(cells, column.draft.type, column.draft.format, column.loss)


def _kind(type: pa.DataType) -> tuple[str, ToText] | None:
    """Its type in PostgreSQL and what writes it as text, or None for what cannot be told there."""
    of = pa.types
    if of.is_dictionary(type):
        inner = _kind(type.value_type)
        return inner and (inner[0], lambda cells: inner[1](cells.dictionary_decode()))
    for is_kind, kind in (
        (of.is_boolean, (BOOL, _cast)),
        (of.is_uint64, (NUMERIC, _cast)),
        (of.is_integer, (BIGINT, _cast)),
        (of.is_float16, (DOUBLE, lambda cells: _cast(cells.cast(pa.float32())))),
        (of.is_floating, (DOUBLE, _cast)),
        (of.is_decimal, (NUMERIC, _cast)),
        (of.is_date, (DATE, lambda cells: _cast(cells.cast(pa.date32())))),
        (of.is_time, (TIME, lambda cells: _cast(cells.cast(pa.time64("us"), safe=False)))),
        (of.is_timestamp, (TIMESTAMPTZ, _utc) if getattr(type, "tz", None) else (TIMESTAMP, _moment)),
        (of.is_duration, (INTERVAL, _span)),
        (of.is_string, (TEXT, _clean)),
        (of.is_large_string, (TEXT, lambda cells: _clean(cells.cast(pa.string())))),
        (of.is_string_view, (TEXT, lambda cells: _clean(cells.cast(pa.string())))),
        (of.is_null, (TEXT, _cast)),
        (of.is_nested, (JSON, _json)),
    ):
        if is_kind(type):
            return kind
    return None


def _cast(cells: Any) -> Cells:
    return cells.cast(pa.string())


def _moment(cells: Any) -> Cells:
    return _cast(cells.cast(pa.timestamp("us"), safe=False))


def _utc(cells: Any) -> Cells:
    plain = _moment(cells.cast(pa.timestamp("us", "UTC"), safe=False).view(pa.timestamp("us")))
    return pc.binary_join_element_wise(plain, "+00", "")


def _span(cells: Any) -> Cells:
    microseconds = _cast(cells.cast(pa.duration("us"), safe=False).cast(pa.int64()))
    return pc.binary_join_element_wise(microseconds, "microseconds", " ")


def _clean(cells: Any) -> Cells:
    """PostgreSQL takes no NUL."""
    return pc.replace_substring(cells, "\x00", "") if pc.any(pc.match_substring(cells, "\x00")).as_py() else cells


def _json(cells: Any) -> Cells:
    texts = [
        None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in cells.to_pylist()
    ]
    return pa.array([text and text.replace("\\u0000", "") for text in texts], pa.string())
