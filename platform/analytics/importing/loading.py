"""Rows into tables of a dataset's schema, all in one transaction: whoever asks meanwhile sees what was there before.

A table that is new or replaced is filled beside the old one and takes its place at the end; rows to append go straight
to their table, where nobody sees them yet. A failure, or a worker that dies, leaves nothing behind.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any

import psycopg
from psycopg.errors import DataError, LockNotAvailable, ProgramLimitExceeded
from psycopg.sql import SQL, Composed, Identifier

from analytics.datasets.schemas import as_owner
from analytics.importing.errors import RowTooWide, ValueRefused
from analytics.models import Dataset
from analytics.reading.apart import Reading
from analytics.reading.converting import TYPES
from analytics.reading.drafts import TableDraft
from jobs.handlers import Again

# Another import of the same dataset is waited for this long; then the job goes to the end of the line.
WAIT_FOR_TURN_MS = 20_000
# Queries that wait behind our lock are held up for no longer than this; then they run, and we try again.
LOCK_TIMEOUT_MS = 1_000
LOCK_TRIES = 90
_UNTIL_NEXT_TRY_S = 0.3

Step = Callable[[int], None]


@dataclass(slots=True)
class Load:
    """A table as it was filled. `stands_in` is the name of the table that is to be renamed, or "" for appended rows."""

    draft: TableDraft
    stands_in: str = ""
    row_count: int = 0


@dataclass(slots=True)
class Loader:
    """The open transaction, and what was loaded in it, by the name of the table."""

    owner: psycopg.Connection[Any]
    schema: str
    loads: dict[str, Load] = field(default_factory=dict)

    def take(self, reading: Reading, is_appending: bool, step: Step) -> None:
        """Copy all rows. `step` is told now and then how many came since. Raises RowTooWide, ValueRefused."""
        for _name, batches in groupby(reading.rows, key=lambda rows: rows.table.name):
            first = next(batches)
            draft = first.table
            load = self._load(draft, is_appending)
            place = Identifier(self.schema, load.stands_in or draft.target)
            try:
                with self.owner.cursor() as cursor, cursor.copy(_copy(place, draft, bool(load.stands_in))) as copy:
                    for rows in chain([first], batches):
                        copy.write(rows.csv)
                        load.row_count += rows.count
                        step(rows.count)
            except ProgramLimitExceeded:
                raise RowTooWide(table=draft.label) from None
            except DataError as error:
                why = error.diag.message_primary or ""
                raise ValueRefused(table=draft.label, why=why) from error

    def _load(self, draft: TableDraft, is_appending: bool) -> Load:
        name = draft.target or draft.name
        if name not in self.loads:
            self.loads[name] = load = Load(draft)
            if not is_appending:
                load.stands_in = f"_loading_{len(self.loads)}"  # no name of ours begins like this (see naming)
                self.owner.execute(_create(Identifier(self.schema, load.stands_in), draft))
        return self.loads[name]

    def put_in_place(self) -> None:
        """Let the new tables be the ones that are seen, once this transaction ends. Waits for queries that run."""
        new = {name: load for name, load in self.loads.items() if load.stands_in}
        for load in new.values():
            self.owner.execute(SQL("ANALYZE {}").format(Identifier(self.schema, load.stands_in)))
        self._lock([name for name in new if self._exists(name)])
        for name, load in new.items():
            self.owner.execute(SQL("DROP TABLE IF EXISTS {}").format(Identifier(self.schema, name)))
            renamed = SQL("ALTER TABLE {} RENAME TO {}")
            self.owner.execute(renamed.format(Identifier(self.schema, load.stands_in), Identifier(name)))

    def _exists(self, name: str) -> bool:
        found = self.owner.execute(
            "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s", [self.schema, name]
        )
        return found.fetchone() is not None

    def _lock(self, names: list[str]) -> None:
        """Raises Again where somebody holds one of them for longer than any query may run."""
        if not names:
            return
        places = SQL(", ").join(Identifier(self.schema, name) for name in names)
        for _try in range(LOCK_TRIES):
            try:
                with self.owner.transaction():
                    self.owner.execute(SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
                    self.owner.execute(SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(places))
                return
            except LockNotAvailable:
                time.sleep(_UNTIL_NEXT_TRY_S)
        raise Again


@contextmanager
def loading(dataset: Dataset) -> Iterator[Loader]:
    """A transaction that fills tables of the dataset, one import at a time. Raises Again if another one takes long."""
    with as_owner() as owner:
        try:
            owner.execute(SQL("SET LOCAL lock_timeout = {}").format(WAIT_FOR_TURN_MS))
            owner.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [dataset.schema_name])
        except LockNotAvailable:
            raise Again from None
        yield Loader(owner, dataset.schema_name)


def _create(place: Identifier, draft: TableDraft) -> Composed:
    columns = [SQL("{} {}").format(Identifier(column.name), _type(column.type)) for column in draft.columns]
    return SQL("CREATE TABLE {} ({})").format(place, SQL(", ").join(columns))


def _type(name: str) -> SQL:
    """Only what we know: the drafts come from a process that has read a stranger's file."""
    return SQL(TYPES[TYPES.index(name)])


def _copy(place: Identifier, draft: TableDraft, is_new: bool) -> Composed:
    columns = SQL(", ").join(Identifier(column.name) for column in draft.columns)
    # Frozen rows need not be written again by the first query and the first vacuum.
    frozen = SQL(", FREEZE" if is_new else "")
    return SQL("COPY {} ({}) FROM STDIN (FORMAT csv{})").format(place, columns, frozen)
