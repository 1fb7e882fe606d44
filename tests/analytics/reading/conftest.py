"""Files read as the process apart would read them, without that process."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils.translation import override

from analytics.reading.__main__ import rows_frame
from analytics.reading.drafts import TableDraft
from analytics.reading.files import read_tables
from analytics.reading.texts import told


@dataclass
class Table:
    draft: TableDraft
    rows: list[tuple[str | None, ...]]

    @property
    def types(self) -> list[str]:
        return [column.type for column in self.draft.columns]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.draft.columns]

    @property
    def labels(self) -> list[str]:
        return [column.label for column in self.draft.columns]

    @property
    def notes(self) -> list[str]:
        notes = [*self.draft.notes, *(note for column in self.draft.columns for note in column.notes)]
        with override("en"):
            return [told(note.text, note.values) for note in notes]


@pytest.fixture
def read() -> Callable[..., list[Table]]:
    """All tables of a file, with their rows as PostgreSQL would get them."""

    def read_all(data: bytes | str, name: str = "sales.csv", **options: Any) -> list[Table]:
        tables = read_tables(data.encode() if isinstance(data, str) else data, name, **options)
        return [Table(table.draft, [row for batch in table.batches() for row in _copied(batch)]) for table in tables]

    return read_all


@pytest.fixture
def read_one(read) -> Callable[..., Table]:
    def read_it(data: bytes | str, name: str = "sales.csv", **options: Any) -> Table:
        [table] = read(data, name, **options)
        return table

    return read_it


@pytest.fixture
def column(read_one) -> Callable[..., Table]:
    """A table of one named column and a number beside it, which keeps empty cells from being empty rows."""

    def read_it(*cells: str, label: str = "x") -> Table:
        written = io.StringIO()
        csv.writer(written).writerows([[label, "n"], *[[cell, number] for number, cell in enumerate(cells)]])
        table = read_one(written.getvalue())
        table.draft.columns.pop()
        table.rows = [row[:1] for row in table.rows]
        return table

    return read_it


def _copied(batch: list[Any]) -> list[tuple[str | None, ...]]:
    """What COPY makes of the CSV: nothing is NULL, and "" an empty text."""
    text = rows_frame(batch)[9:].decode()
    rows, row, cell, place = [], [], "", 0
    while place < len(text):
        if text[place] == '"':
            end = place + 1
            while text[end] != '"' or text[end + 1] == '"':
                end += 2 if text[end] == '"' else 1
            cell, place = text[place + 1 : end].replace('""', '"'), end + 1
            row.append(cell)
        else:
            row.append(None)
        if text[place] == "\n":
            rows.append(tuple(row))
            row = []
        place += 1
    return rows
