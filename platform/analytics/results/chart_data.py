"""The data of a chart: one record per mark, few enough to be read."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics.results.cells import exact
from analytics.results.formats import EXACT, shown_value
from analytics.results.shapes import Field, moment_of, order_of

MAX_BARS = 20
MAX_SERIES = 8
MAX_POINTS = 1000
MAX_MAGNITUDE = 300
# What runs along its axis, so that its parts have an order.
_RUNS = frozenset({"line", "area"})
# Names that Vega and JavaScript take as they are. Another column's field is called by its place.
_SIMPLE = re.compile(r"[^\W\d_][\w ]*")
# Vega-Lite writes titles into expressions, as keys of an object; what could end a key there, or is one already, is not.
_IN_TITLES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"\\]+")
_KEYS = frozenset(
    {"constructor", "toString", "toLocaleString", "valueOf", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"}
)
MAX_TITLE = 120
_WORDS = {
    "zh": {"measure": "指标", "number": "数值", "top": "显示最大的 {shown} 项，共 {all} 项"}
    | {"latest": "显示最后 {shown} 个点，共 {all} 个", "some": "均匀取 {shown} 个点，共 {all} 个"}
    | {"series": "显示最大的 {shown} 个系列，共 {all} 个"},
    "en": {"measure": "measure", "number": "value", "top": "The {shown} largest of {all}"}
    | {"latest": "The last {shown} points of {all}", "some": "Every {step}th of {all} points"}
    | {"series": "The {shown} largest series of {all}"},
}


@dataclass(frozen=True, slots=True)
class ChartData:
    """`x`, `y` and `series` name fields of the records in `values`. `note` says what was left out, "" if nothing."""

    values: list[dict[str, Any]]
    x: str
    y: str
    series: str
    x_title: str
    y_title: str
    series_title: str
    x_is_time: bool
    x_label: str  # the field of a time in words, "" where x is none
    place_count: int
    label_width: int  # of the widest label, in halves of an em
    note: str


@dataclass(frozen=True, slots=True)
class _Mark:
    x: Any
    label: str
    y: Decimal
    series: str


def chart_data(
    kind: str, x: Field, y: Sequence[Field], series: Field | None, *, row_count: int, language: str
) -> ChartData:
    """Pure. Rows whose number or time is unknown are no marks."""
    words = _WORDS[language]
    x_is_time = _is_on_time(kind, x)
    folded = len(y) > 1
    marks = list(_marks(kind, x, y, series, row_count, language))
    notes: list[str] = []
    if folded or series:
        marks = _largest_series(marks, notes, words)
    marks = _few(kind, x, marks, notes, words)
    names = _Names()
    x_name, y_name = names.of(x), names.of(y[0]) if not folded else names.own(words["number"])
    series_name = names.own(words["measure"]) if folded else names.of(series) if series else ""
    x_label = names.own("label") if x_is_time else ""
    places = dict.fromkeys(str(mark.x) for mark in marks)
    return ChartData(
        values=[
            {x_name: mark.x, y_name: _json_number(mark.y)}
            | ({series_name: mark.series} if series_name else {})
            | ({x_label: mark.label} if x_label else {})
            for mark in marks
        ],
        x=x_name,
        y=y_name,
        series=series_name,
        x_title=titled(x.name),
        y_title=words["number"] if folded else titled(y[0].name),
        series_title=words["measure"] if folded else titled(series.name) if series else "",
        x_is_time=x_is_time,
        x_label=x_label,
        place_count=len(places),
        label_width=max(map(_width, places), default=0),
        note=("；" if language == "zh" else "; ").join(notes),
    )


def _marks(
    kind: str, x: Field, y: Sequence[Field], series: Field | None, row_count: int, language: str
) -> Iterator[_Mark]:
    for row in range(row_count) if kind == "scatter" else _in_order(x, row_count):
        place, label = _place(kind, x, row), shown_value(x, x.values[row], language)
        for field in y:
            number = _number_at(field, row)
            if number is None or (place is None and _needs_place(kind, x)):
                continue
            name = field.name if len(y) > 1 else shown_value(series, series.values[row], language) if series else ""
            yield _Mark(label if place is None else place, label, number, name)


def titled(name: str) -> str:
    """A column's name as a title, which Vega-Lite takes for code in places."""
    text = _IN_TITLES.sub(" ", name)
    text = text if len(text) <= MAX_TITLE else text[: MAX_TITLE - 1] + "…"
    return f" {text}" if text in _KEYS or text.startswith("__") else text


class _Names:
    """Fields that Vega need not be told how to read, each for one column."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, field: Field) -> str:
        simple = _SIMPLE.fullmatch(field.name) and field.name not in _KEYS
        return self.own(field.name if simple else f"column {field.position + 1}")

    def own(self, name: str) -> str:
        while name in self._given:
            name += " 2"
        self._given.add(name)
        return name


def _in_order(x: Field, row_count: int) -> list[int]:
    """Times, periods and numbers run forward; names stay as the query put them."""
    if x.role not in ("time", "period", "number"):
        return list(range(row_count))
    known = [row for row in range(row_count) if x.values[row] is not None]
    unknown = [row for row in range(row_count) if x.values[row] is None]
    return sorted(known, key=lambda row: order_of(x.values[row])) + unknown


def _number_at(field: Field, row: int) -> Decimal | None:
    """None also for what no double holds."""
    value = field.values[row]
    number = exact(value)
    return number if number is not None and number.adjusted() < MAX_MAGNITUDE else None


def _place(kind: str, x: Field, row: int) -> Any:
    """A moment or a number on an axis of them, else None: then the place is the label."""
    value = x.values[row]
    if value is not None and _is_on_time(kind, x):
        return moment_of(value).isoformat() + "Z"
    return _json_number(value) if kind == "scatter" and isinstance(value, Decimal) else None


def _needs_place(kind: str, x: Field) -> bool:
    return kind == "scatter" or _is_on_time(kind, x)


def _is_on_time(kind: str, x: Field) -> bool:
    return x.role == "time" and kind in _RUNS | {"scatter"}


def _largest_series(marks: list[_Mark], notes: list[str], words: dict[str, str]) -> list[_Mark]:
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for mark in marks:
        sizes[mark.series] = EXACT.add(sizes[mark.series], mark.y.copy_abs())
    if len(sizes) <= MAX_SERIES:
        return marks
    notes.append(words["series"].format(shown=MAX_SERIES, all=len(sizes)))
    kept = set(sorted(sizes, key=lambda name: sizes[name], reverse=True)[:MAX_SERIES])
    return [mark for mark in marks if mark.series in kept]


def _few(kind: str, x: Field, marks: list[_Mark], notes: list[str], words: dict[str, str]) -> list[_Mark]:
    places: dict[Any, Decimal] = defaultdict(Decimal)
    for mark in marks:
        places[mark.x] = EXACT.add(places[mark.x], mark.y.copy_abs())
    if kind == "scatter":
        step = -(-len(marks) // MAX_POINTS)
        if step > 1:
            notes.append(words["some"].format(shown=len(marks[::step]), all=len(marks), step=step))
        return marks[:: max(step, 1)]
    is_run = kind in _RUNS or x.role in ("time", "period")
    most = MAX_POINTS // max(len({mark.series for mark in marks}), 1) if is_run else MAX_BARS
    if len(places) <= most:
        return marks
    notes.append(words["latest" if is_run else "top"].format(shown=most, all=len(places)))
    ranked = list(places) if is_run else sorted(places, key=lambda place: places[place])
    kept = set(ranked[-most:])
    return [mark for mark in marks if mark.x in kept]


def _json_number(number: Decimal) -> int | float:
    """As a mark has it: a double's digits are more than any screen's."""
    whole = int(number) if number == number.to_integral_value() and number.adjusted() < 15 else None
    return float(number) if whole is None else whole


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
