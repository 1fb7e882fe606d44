"""What a file is, and the tables in it."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Protocol

from analytics.reading.books import sheets_of
from analytics.reading.csvs import CsvFile
from analytics.reading.drafts import KnownTable, TableDraft
from analytics.reading.errors import FileEncrypted, NoTable, TableEmpty, TooLarge
from analytics.reading.grids import read_grid
from analytics.reading.inferring import Cells
from analytics.reading.limits import MAX_TABLES
from analytics.reading.matching import fit
from analytics.reading.naming import identifier
from analytics.reading.parquets import read_parquet

_ZIP, _PARQUET, _OLE = b"PK\x03\x04", b"PAR1", bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_USUAL_SHEETS = ("sheet1", "工作表1", "table1", "表1")


class ReadTable(Protocol):
    draft: TableDraft

    def batches(self) -> Iterator[Sequence[Cells]]: ...

    def read_as(self, name: str, type: str, format: str = "") -> None: ...


def read_tables(
    data: bytes, filename: str, mode: str = "new", known: Sequence[KnownTable] = (), only: str | None = None
) -> list[ReadTable]:
    """Every table of a file, named so that none takes the name of one in `known` that it does not mean to.

    `mode` as of DatasetFile, or `again`: the table of the sheet `only` is read like the one in `known`.
    Raises a TableUnreadable.
    """
    stem = " ".join(PurePath(filename).stem.split()) or "table"
    tables = _tables(data, stem, only)
    if not tables:
        raise TableEmpty
    taken = {table.name for table in known} if mode == "new" else set()
    for number, table in enumerate(tables, 1):
        table.draft.name = identifier(table.draft.label, taken, f"table_{number}")
        taken.add(table.draft.name)
    fit(tables, mode, known)
    return tables


def _tables(data: bytes, stem: str, only: str | None) -> list[ReadTable]:
    if data.startswith(_PARQUET):
        return [read_parquet(data, stem)]
    if data.startswith(_ZIP):
        return _of_book(data, stem, only)
    if data.startswith(_OLE):
        raise FileEncrypted if _ENCRYPTED_PACKAGE in data else NoTable
    return [read_grid(CsvFile(data), stem)]


def _of_book(data: bytes, stem: str, only: str | None) -> list[ReadTable]:
    tables: list[ReadTable] = []
    for sheet in sheets_of(data, only):
        try:
            tables.append(read_grid(sheet, sheet.name, sheet.spans, sheet.name))
        except TableEmpty:
            continue
        if len(tables) > MAX_TABLES:
            raise TooLarge
    if len(tables) == 1 and tables[0].draft.label.lower().replace(" ", "") in _USUAL_SHEETS:
        tables[0].draft.label = stem
    return tables
