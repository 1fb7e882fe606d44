"""The type of a column, from all of its cells."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from analytics.reading import converting, shapes
from analytics.reading.converting import (
    BIGINT,
    BOOL,
    DATE,
    INTERVAL,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    converter,
    is_nothing,
)
from analytics.reading.drafts import Note
from analytics.reading.shapes import SHAPES
from analytics.reading.texts import gettext_noop

Cells = Any  # an Arrow array of strings; pyarrow has no types of its own

# A column is called mixed, and its odd cells are counted, if at least this share of it is of one kind.
MOSTLY = 0.8
MOMENTS = (DATE, TIMESTAMP, TIMESTAMPTZ)
EXAMPLES = 3
EXAMPLE_LENGTH = 60
# So many cells of text that are also most of the column: the rest need not be looked at.
SURELY_TEXT = 2_000

_MIXED = gettext_noop(
    "Read as text: %(odd)d of %(cells)d cells are not like the others, such as %(examples)s. Correct them in the file "
    "and upload it again, or set the type, and these cells become empty."
)
_UNCLEAR_DAY = gettext_noop(
    "Read as text: these dates may begin with the day or with the month. Set the type and say which."
)
_UNUSUAL = gettext_noop("Read as text: %(odd)d of %(cells)d cells are no possible value, such as %(examples)s.")
_CODE = gettext_noop("Read as text: these are numbers that name something, such as a telephone number.")
_LEADING_ZEROS = gettext_noop("Read as text, so that zeros at the beginning are kept.")
_PERCENT = gettext_noop("Per cent are kept as fractions: 12% is 0.12.")
_SCALED = gettext_noop("万 and 亿 are written out: 1.5万 is 15000.")


@dataclass(slots=True)
class Inferred:
    type: str = TEXT
    format: str = ""
    notes: list[Note] = field(default_factory=list)


class Profile:
    """How many cells of a column have which shape. Fed with its cells batch by batch."""

    def __init__(self) -> None:
        self.shapes: Counter[str] = Counter()
        self.text = 0
        self.examples: list[str] = []  # of text
        self.shortest, self.longest = 10**9, 0
        self._likely = list(SHAPES)
        self._is_surely_text = False

    @property
    def cells(self) -> int:
        return self.shapes.total() + self.text

    def add(self, cells: Cells) -> None:
        rest = cells.drop_null()
        if not len(rest):
            return
        lengths = pc.min_max(pc.utf8_length(rest)).as_py()
        self.shortest, self.longest = min(self.shortest, lengths["min"]), max(self.longest, lengths["max"])
        if self._is_surely_text:
            self.text += len(rest)
            return
        for shape in list(self._likely):
            rest = self._without(shape, rest)
            if not len(rest):
                return
        self.text += len(rest)
        self._is_surely_text = self.text > max(SURELY_TEXT, self.shapes.total())
        if len(self.examples) < EXAMPLES:
            self.examples += [
                cell[:EXAMPLE_LENGTH] for cell in rest.slice(0, EXAMPLES - len(self.examples)).to_pylist()
            ]

    def _without(self, shape: str, cells: Cells) -> Cells:
        """The cells that have another shape; these are counted. What a column has it will have again."""
        has_it = pc.match_substring_regex(cells, SHAPES[shape])
        if not (count := pc.sum(has_it).as_py()):
            return cells
        if shape not in self.shapes:
            self._likely.remove(shape)
            self._likely.insert(0, shape)
        self.shapes[shape] += count
        return cells.filter(pc.invert(has_it))


def infer(label: str, profile: Profile, batches: Sequence[Cells]) -> Inferred:
    """The type that all cells have; text if they have none in common, with a note where that is a surprise."""
    found = set(profile.shapes) - {"nothing"}
    if not found:
        return Inferred()
    if profile.text:
        return _mixed(profile)
    for kind in (_codes, _numbers, _moments, _others):
        if (inferred := kind(label, profile, found, batches)) is not None:
            return inferred
    return _mixed(profile)


def _mixed(profile: Profile) -> Inferred:
    counts = profile.shapes.copy()
    counts.pop("nothing", None)
    families = Counter[str]()
    for shape, count in counts.items():
        families[_family(shape)] += count
    odd = profile.cells - profile.shapes["nothing"] - families.most_common(1)[0][1]
    cells = odd + families.most_common(1)[0][1]
    if not odd or odd > (1 - MOSTLY) * cells:
        return Inferred()
    values = {"odd": odd, "cells": cells, "examples": quoted(profile.examples) or families.most_common()[-1][0]}
    return Inferred(notes=[Note(_MIXED, values)])


def _family(shape: str) -> str:
    if shape in shapes.NUMBERS | shapes.MONEY:
        return "number"
    return "date" if shape in shapes.DATES | shapes.TIMESTAMPS | shapes.ZONED else shape


def quoted(examples: Iterable[str]) -> str:
    return ", ".join(f"«{example[:EXAMPLE_LENGTH]}»" for example in examples)


def _codes(label: str, profile: Profile, found: set[str], batches: Sequence[Cells]) -> Inferred | None:
    if "leading zeros" in found and found <= {"leading zeros", "integer", "long integer"}:
        return Inferred(notes=[Note(_LEADING_ZEROS)])
    if not found <= {"integer", "long integer"}:
        return None
    if shapes.names_a_day(label) and _all(batches, shapes.COMPACT_DAY):
        return Inferred(DATE, "yyyymmdd")
    is_of_one_length = profile.shortest == profile.longest and profile.longest in shapes.CODE_DIGITS
    if is_of_one_length or shapes.names_codes(label) or _all(batches, shapes.MOBILE):
        return Inferred(notes=[Note(_CODE)])
    return None


def _numbers(label: str, profile: Profile, found: set[str], batches: Sequence[Cells]) -> Inferred | None:
    if found == {"integer"}:
        return Inferred(BIGINT)
    money = found & shapes.MONEY
    if found <= shapes.NUMBERS | money and len(money) < 2:
        notes = [Note(_SCALED)] if "万" in found else []
        return Inferred(NUMERIC, "".join(money) or ("万" if "万" in found else ""), notes)
    if found == {"%"}:
        return Inferred(NUMERIC, "%", [Note(_PERCENT)])
    if "1.234,5" in found and found <= {"1.234,5", "integer"}:
        return Inferred(NUMERIC, "1.234,5")
    return None


def _moments(label: str, profile: Profile, found: set[str], batches: Sequence[Cells]) -> Inferred | None:
    if found <= shapes.DATES:
        type = DATE
    elif found <= shapes.DATES | shapes.TIMESTAMPS:
        type = TIMESTAMP
    elif found <= shapes.ZONED:
        type = TIMESTAMPTZ
    else:
        return None
    if not any(shape.startswith("x/x/y") for shape in found):
        return Inferred(type, "dmy" if any(shape.startswith("d.m.y") for shape in found) else "")
    order, notes = order_of(profile, batches)
    return Inferred(type, order) if order else Inferred(notes=notes)


def order_of(profile: Profile, batches: Sequence[Cells]) -> tuple[str, list[Note]]:
    """`dmy` or `mdy`, or a note if the cells do not say. Neither where nothing depends on it."""
    if not any(shape.startswith("x/x/y") for shape in profile.shapes):
        return "", []
    is_day_first, is_month_first = (_any(batches, pattern) for pattern in (shapes.DAY_FIRST, shapes.MONTH_FIRST))
    if is_day_first == is_month_first:
        return "", [Note(_UNCLEAR_DAY)]
    return ("dmy" if is_day_first else "mdy"), []


def _others(label: str, profile: Profile, found: set[str], batches: Sequence[Cells]) -> Inferred | None:
    if found == {"boolean"}:
        return Inferred(BOOL)
    if found == {"time"}:
        return Inferred(TIME)
    return Inferred(INTERVAL) if found == {"time", "interval"} or found == {"interval"} else None


def _any(batches: Sequence[Cells], pattern: str) -> bool:
    return any(pc.any(pc.match_substring_regex(cells, pattern)).as_py() for cells in batches)


def _all(batches: Sequence[Cells], pattern: str) -> bool:
    """Of the cells that hold anything."""
    return all(pc.all(pc.match_substring_regex(cells, pattern)).as_py() is not False for cells in batches)


# --- Converting -------------------------------------------------------------------------------------------------
# What PostgreSQL reads as it stands. Calendars are looked at by Arrow.
_READY = {
    BIGINT: r"^-?(?:0|[1-9]\d{0,17})$",
    NUMERIC: r"^-?(?:0|[1-9]\d{0,200})(?:\.\d{1,200})?$",
    DATE: r"^[12]\d{3}-\d{2}-\d{2}$",
    TIMESTAMP: r"^[12]\d{3}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?$",
    TIME: r"^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$",
}
_CALENDAR = {DATE: pa.date32(), TIMESTAMP: pa.timestamp("us")}


@dataclass(slots=True)
class Loss:
    """Cells that a type cannot take."""

    cells: int = 0
    examples: list[str] = field(default_factory=list)


def convert(cells: Cells, type: str, format: str, loss: Loss) -> Cells:
    """The cells as PostgreSQL reads them, and NULL for those that say so. What else became NULL is added to `loss`."""
    if type == TEXT:
        never = pc.match_substring_regex(cells, shapes.NEVER_TEXT)
        return pc.if_else(never, pa.scalar(None, pa.string()), cells) if pc.any(never).as_py() else cells
    if _is_ready(cells, type):
        return cells
    encoded = cells.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    to = converter(type, format)
    values = [to(word) for word in words]
    _count_lost(encoded, words, values, loss)
    return pa.array(values, pa.string()).take(encoded.indices)


def _is_ready(cells: Cells, type: str) -> bool:
    pattern = _READY.get(type)
    if pattern is None or not _all([cells], pattern):
        return False
    if type not in _CALENDAR:
        return True
    try:
        cells.cast(_CALENDAR[type])
    except pa.ArrowInvalid:
        return False
    return True


def _count_lost(encoded: Any, words: Sequence[str], values: Sequence[str | None], loss: Loss) -> None:
    lost = {
        place
        for place, (word, value) in enumerate(zip(words, values, strict=True))
        if value is None and not is_nothing(word)
    }
    if lost:
        loss.cells += pc.sum(pc.is_in(encoded.indices, pa.array(sorted(lost), encoded.indices.type))).as_py()
        loss.examples = (loss.examples + [words[place] for place in sorted(lost)])[:EXAMPLES]


def unusual(loss: Loss, cells: int) -> Inferred:
    """Of a column whose cells look like dates and are none, as the 31st of February."""
    return Inferred(notes=[Note(_UNUSUAL, {"odd": loss.cells, "cells": cells, "examples": quoted(loss.examples)})])


__all__ = ["Cells", "Inferred", "Loss", "Profile", "convert", "converting", "infer", "order_of", "quoted", "unusual"]
