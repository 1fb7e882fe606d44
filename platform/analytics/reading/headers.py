"""Where the names of a table's columns stand, and what they are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from analytics.reading.drafts import Note
from analytics.reading.naming import identifier
from analytics.reading.shapes import is_value
from analytics.reading.texts import gettext_noop

# Rows in which the names are looked for.
HEAD_ROWS = 50
MAX_LABEL = 300

_NO_NAMES = gettext_noop("No column names were found, so the columns were numbered.")
_SKIPPED = gettext_noop("%(rows)d rows above the column names were left out: %(text)s")
_YEAR_OR_DAY = re.compile(r"(?:19|20)\d{2}(?:[-/.年]\d{1,2}月?)?|\d{1,2}")
_CHINESE = re.compile("[\u4e00-\u9fff]")

Row = Sequence[str]
# By row: (first, last) of the columns that one cell covers.
Spans = Mapping[int, Sequence[tuple[int, int]]]


@dataclass(slots=True)
class Header:
    """`rows` of the head are above the data; `labels` may be longer or shorter than these are wide."""

    rows: int
    labels: list[str]
    notes: list[Note] = field(default_factory=list)


def find_header(head: Sequence[Row], spans: Spans) -> Header:
    """The column names, in one row or more, below titles and above the data. Empty names stay empty."""
    filled = [spread(row, spans.get(index, ())) for index, row in enumerate(head)]
    usual = median([_count(row) for row in filled if _count(row)] or [0])
    first = next((index for index, row in enumerate(filled) if not _is_title(head[index], row, usual)), 0)
    notes = _skipped(head[:first])
    below = filled[first + 1 :]
    if not filled or not (spans.get(first) or _names_columns(filled[first], below, usual)):
        return Header(first, [], [*notes, Note(_NO_NAMES)])
    last = first
    while last + 1 < len(filled) and _goes_on(spans.get(last, ()), filled[last + 1]):
        last += 1
    return Header(last + 1, _joined(filled[first : last + 1]), notes)


def spread(row: Row, spans: Sequence[tuple[int, int]]) -> list[str]:
    """A cell that covers several columns names each of them."""
    cells = list(row)
    for begin, end in spans:
        if begin < len(cells):
            cells.extend([""] * (end + 1 - len(cells)))
            cells[begin : end + 1] = [cells[begin]] * (end + 1 - begin)
    return cells


def _count(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _is_title(row: Row, filled: Row, usual: float) -> bool:
    """One thing is said in it, or little in a wide table."""
    return usual >= 2 and (_count(row) <= 1 or (usual >= 4 and _count(filled) * 2 <= usual))


def _names_columns(row: Row, below: Sequence[Row], usual: float) -> bool:
    values = [column for column, cell in enumerate(row) if is_value(cell)]
    if not values:
        return bool(below) or usual > 1
    # Years and days may name columns too, above other kinds of values.
    names = [row[column].strip() for column in values]
    return (
        len(values) < _count(row)
        and len(set(names)) == len(names)
        and all(_YEAR_OR_DAY.fullmatch(name) for name in names)
        and not all(_looks_alike(row[column].strip(), column, below) for column in values)
    )


def _looks_alike(name: str, column: int, below: Sequence[Row]) -> bool:
    cells = [row[column].strip() for row in below if column < len(row) and row[column].strip()]
    return all(_YEAR_OR_DAY.fullmatch(cell) and len(cell) == len(name) for cell in cells)


def _goes_on(spans: Sequence[tuple[int, int]], following: Row) -> bool:
    """Below a name that covers several columns stand the names of each."""
    is_group = any(end > begin for begin, end in spans)
    return is_group and not any(is_value(cell) and not _YEAR_OR_DAY.fullmatch(cell.strip()) for cell in following)


def _joined(rows: Sequence[Row]) -> list[str]:
    """ "2024" above "Q1" is "2024 Q1"."""
    labels = []
    for column in range(max(map(len, rows))):
        parts = [" ".join(row[column].split()) for row in rows if column < len(row)]
        labels.append(" ".join(dict.fromkeys(part for part in parts if part))[:MAX_LABEL])
    return labels


def _skipped(titles: Sequence[Row]) -> list[Note]:
    text = " ".join(cell.strip() for row in titles for cell in row if cell.strip())
    return [Note(_SKIPPED, {"rows": len(titles), "text": text[:MAX_LABEL]})] if text else []


def name_columns(labels: Sequence[str]) -> list[tuple[str, str]]:
    """(name, label) of each: none is empty, none is there twice."""
    is_chinese = any(map(_CHINESE.search, labels))
    names: dict[str, str] = {}
    seen: set[str] = set()
    for number, label in enumerate(labels, 1):
        label = label.strip() or (f"列{number}" if is_chinese else f"Column {number}")
        label = _numbered(label, seen)
        seen.add(label)
        names[identifier(label, names, f"column_{number}")] = label
    return list(names.items())


def _numbered(label: str, seen: set[str]) -> str:
    number, free = 1, label
    while free in seen:
        number += 1
        free = f"{label} {number}"
    return free
