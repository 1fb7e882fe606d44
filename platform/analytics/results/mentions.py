"""Where a text names rows and columns of a result, so that the digits in their names are not taken for its numbers."""

import calendar
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from analytics.results.formats import clipped, needs_name, shown_label, shown_value
from analytics.results.shapes import Field, Shape, moment_of

# What stands in a text instead of a name. Neither is a letter of any text.
LABEL = "\ue000"
COLUMN = "\ue001"
_PLACEHOLDERS = re.compile(f"[{LABEL}{COLUMN}]")
_MONTH = re.compile(r"(\d{4})[-/.年](\d{1,2})月?")
_MONTHS = list(calendar.month_name)[1:]


@dataclass(frozen=True, slots=True)
class Mention:
    """`rows` that a label names; of a column all of them."""

    field: Field
    rows: frozenset[int]
    is_label: bool


def mentions_in(text: str, shape: Shape) -> tuple[str, list[Mention]]:
    """The text with one placeholder for each name, and what the placeholders stand for, in order. Longest names win."""
    text = _PLACEHOLDERS.sub(" ", text)
    lowered = text.lower()
    names = {name: mention for name, mention in _names(shape).items() if name.lower() in lowered}
    if not names:
        return text, []
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile("|".join(map(_whole, longest_first)))
    found: list[Mention] = []

    def replaced(match: re.Match[str]) -> str:
        mention = names[match[0]]
        found.append(mention)
        return LABEL if mention.is_label else COLUMN

    return pattern.sub(replaced, text), found


def _names(shape: Shape) -> dict[str, Mention]:
    columns = {
        clipped(field.name): Mention(field, frozenset(range(shape.row_count)), is_label=False)
        for field in reversed(shape.fields)
        if any(letter.isalpha() for letter in field.name)
    }
    rows: dict[tuple[str, int], set[int]] = defaultdict(set)
    for field in shape.of("time", "period", "category"):
        is_of_one_year = _is_of_one_year(field)
        for row, value in enumerate(field.values):
            for name in _labels(field, value, is_of_one_year):
                rows[name, field.position].add(row)
    labels = {
        name: Mention(shape.fields[position], frozenset(those), is_label=True)
        for (name, position), those in rows.items()
        if name
    }
    return columns | labels


def _labels(field: Field, value: Any, is_of_one_year: bool) -> Iterator[str]:
    for language in ("zh", "en"):
        shown = shown_value(field, value, language)
        yield clipped(shown_label(field, value, language))
        if not needs_name(shown):
            yield shown
    if isinstance(value, date):
        moment = moment_of(value)
        yield from _dates(moment.year, moment.month, moment.day if field.grain == "day" else None, is_of_one_year)
    elif field.role == "period":
        shown = shown_value(field, value, "en")
        if month := _MONTH.fullmatch(shown):
            yield from _dates(int(month[1]), int(month[2]), None, is_of_one_year)
        if re.fullmatch(r"(?:19|20|21)\d\d", shown):
            yield from (f"{shown}年", f"in {shown}", f"from {shown}", f"to {shown}", f"at {shown}", f"of {shown}")


def _dates(year: int, month: int, day: int | None, is_of_one_year: bool) -> Iterator[str]:
    """How else a month or a day is written."""
    name = _MONTHS[month - 1]
    end = "" if day is None else f"{day}日"
    yield from (f"{year}年{month}月{end}", f"{year}年{month:02}月{end}")
    for month_name in (name, name[:3]):
        yield f"{month_name} {year}" if day is None else f"{month_name} {day}, {year}"
        if is_of_one_year and name != "May":
            yield month_name if day is None else f"{month_name} {day}"
    yield f"{year:04}-{month:02}" if day is None else f"{year:04}-{month:02}-{day:02}"
    if is_of_one_year:
        yield f"{month}月{end}"


def _is_of_one_year(field: Field) -> bool:
    return len({str(value)[:4] for value in field.known}) == 1


def _whole(name: str) -> str:
    """The name where it is no part of a longer word or number."""
    before = (
        r"(?<![A-Za-z0-9_.])" if name[0].isascii() and name[0].isalnum() else r"(?<!\d)" if name[0].isdigit() else ""
    )
    after = r"(?![A-Za-z0-9_]|[.,]\d)" if name[-1].isascii() and name[-1].isalnum() else ""
    return f"{before}{re.escape(name)}{after}"
