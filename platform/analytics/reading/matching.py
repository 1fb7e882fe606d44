"""Fitting what a file holds to the tables that a dataset has already."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

from analytics.reading.drafts import ColumnDraft, KnownColumn, KnownTable, Note, TableDraft
from analytics.reading.errors import ColumnsDiffer
from analytics.reading.inferring import quoted
from analytics.reading.texts import gettext_noop as _


class Fitting(Protocol):
    draft: TableDraft

    def read_as(self, name: str, type: str, format: str = "") -> None: ...


def fit(tables: Sequence[Fitting], mode: str, known: Sequence[KnownTable]) -> None:
    """Read columns as a person said before. With mode `append` every table goes to one that is known.

    With `again` the first one goes there, whatever that loses.

    Raises ColumnsDiffer for rows that cannot be appended.
    """
    if mode == "append":
        for table in tables:
            _append(table, _meant(table.draft, len(tables), known))
    elif mode == "again":
        _read_like(tables[0], known[0])
    else:
        by_name = {table.name: table for table in known}
        for table in tables:
            if before := by_name.get(table.draft.name) if mode == "replace" else None:
                table.draft.target = before.name
                _keep_what_was_said(table, before)


def _keep_what_was_said(table: Fitting, before: KnownTable) -> None:
    names = {column.name for column in table.draft.columns}
    for column in before.columns:
        if column.is_said and column.name in names:
            table.read_as(column.name, column.type, column.format)


def _meant(draft: TableDraft, count: int, known: Sequence[KnownTable]) -> KnownTable:
    """The table of the same name, else the one with the same columns, else the only one."""
    if by_name := next((table for table in known if table.name == draft.name), None):
        return by_name
    columns = {column.name for column in draft.columns}
    alike = [table for table in known if {column.name for column in table.columns} == columns]
    if len(alike) == 1:
        return alike[0]
    if len(known) == 1 and count == 1:
        return known[0]
    raise _differ([Note(_("no table is called «%(name)s»"), {"name": draft.label})])


def _append(table: Fitting, target: KnownTable) -> None:
    differences = list(_differences(*_read_like(table, target)))
    if differences:
        raise _differ(differences)


def _read_like(table: Fitting, target: KnownTable) -> tuple[dict[str, KnownColumn], dict[str, ColumnDraft]]:
    """The columns of the target, and those of the table, which now has the target's types where the names agree."""
    wanted = {column.name: column for column in target.columns}
    found = {column.name: column for column in table.draft.columns}
    by_label = {column.label.casefold(): column for column in target.columns}
    for column in table.draft.columns:
        if column.name not in wanted and (meant := by_label.get(column.label.casefold())) and meant.name not in found:
            column.name = meant.name
    found = {column.name: column for column in table.draft.columns}
    for name in wanted.keys() & found.keys():
        table.read_as(name, wanted[name].type, wanted[name].format)
    table.draft.target = target.name
    return wanted, found


def _differ(differences: Sequence[Note]) -> ColumnsDiffer:
    return ColumnsDiffer(differences=[asdict(difference) for difference in differences])


def _differences(wanted: dict[str, KnownColumn], found: dict[str, ColumnDraft]) -> Iterator[Note]:
    if missing := [column.label for name, column in wanted.items() if name not in found]:
        yield Note(_("the file lacks %(columns)s"), {"columns": quoted(missing)})
    if new := [column.label for name, column in found.items() if name not in wanted]:
        yield Note(_("the table lacks %(columns)s"), {"columns": quoted(new)})
    for column in found.values():
        if column.lost:
            values = {"cells": column.lost, "column": column.label, "type": column.type}
            text = _("%(cells)d cells of «%(column)s» are no %(type)s, such as %(examples)s")
            yield Note(text, {**values, "examples": quoted(column.lost_examples)})
