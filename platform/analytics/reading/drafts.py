"""What was found in a file, as plain values: shown for correction, kept as JSON, and made into tables."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Note:
    """Something a person should know. `text` is a sentence for gettext with places for `values`."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ColumnDraft:
    name: str
    label: str
    type: str  # as PostgreSQL's format_type writes it
    format: str = ""  # how the file writes it: `dmy`, `%`, `¥`, …
    # Values that this type cannot take and that become NULL: only where a person asked for the type.
    lost: int = 0
    lost_examples: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


@dataclass(slots=True)
class TableDraft:
    name: str
    label: str
    sheet: str = ""
    columns: list[ColumnDraft] = field(default_factory=list)
    row_count: int = 0
    notes: list[Note] = field(default_factory=list)
    # The first rows as the file has them, cut to a readable length.
    sample: list[list[str | None]] = field(default_factory=list)
    # The table of the dataset that these rows go to, or "" for one of its own.
    target: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def draft_of(told: dict[str, Any]) -> TableDraft:
    """The reverse of `as_json`."""
    columns = [
        ColumnDraft(**{**column, "notes": [Note(**note) for note in column["notes"]]}) for column in told["columns"]
    ]
    return TableDraft(**{**told, "columns": columns, "notes": [Note(**note) for note in told["notes"]]})


@dataclass(slots=True)
class KnownColumn:
    name: str
    label: str
    type: str
    format: str = ""
    # A person has said so: it is kept when the file is read again.
    is_said: bool = False


@dataclass(slots=True)
class KnownTable:
    """A table that the dataset has already."""

    name: str
    label: str
    columns: list[KnownColumn]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def known_of(told: dict[str, Any]) -> KnownTable:
    return KnownTable(told["name"], told["label"], [KnownColumn(**column) for column in told["columns"]])
