"""Which chart shows a result: by rule from its columns, or as somebody chose, as a Vega-Lite v6 specification.

Of a choice from outside only the kind and the names of columns are taken, never a part of a specification. The data
are inline, the fields of it named so that Vega has nothing to escape; their titles are the columns' own names.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.results.cells import Cell, ResultColumn
from analytics.results.chart_data import ChartData, chart_data, titled
from analytics.results.formats import D3_TIMES
from analytics.results.shapes import Field, Shape, shape_of
from tenants.errors import Invalid

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
KINDS = ("bar", "grouped", "stacked", "line", "area", "scatter", "pie")
MAX_SLICES = 12
# Columns of more than these are a list to be read.
MAX_CHARTED_COLUMNS = 6
MAX_MEASURES = 5
# Measures whose greatest values are further apart than this do not share an axis.
MAX_SPREAD = 50
MAX_GROUPS, MAX_GROUPED = 8, 4
# In halves of an em: labels wider than this stand beside their bars, not below.
MAX_LABEL_WIDTH = 12
MAX_UPRIGHT_BARS = 12
WIDTH, HEIGHT = 640, 320
# Times of more than these get Vega's own ticks.
MAX_TICKED = 60
_ASKED = (
    ("pie", re.compile(r"饼[状形]?图|环形图|\b(?:pie|donut|doughnut)\b", re.I)),
    ("stacked", re.compile(r"堆[叠积]|\bstacked\b", re.I)),
    ("scatter", re.compile(r"散点|\bscatter", re.I)),
    ("area", re.compile(r"面积图|\barea chart\b", re.I)),
    ("line", re.compile(r"折线|曲线图|\bline (?:chart|graph|plot)\b", re.I)),
    ("bar", re.compile(r"柱[状形]?图|条形图|\b(?:bar|column) (?:chart|graph|plot)\b", re.I)),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is drawn against what. `y` are columns of numbers; several become series, and then `series` is None."""

    kind: str
    x: Field
    y: tuple[Field, ...]
    series: Field | None = None


class ChartImpossible(Invalid):
    default_detail = _("This result cannot be drawn like that.")


def chart_for(
    columns: Sequence[ResultColumn], rows: Sequence[Sequence[Cell]], language: str, *, question: str = ""
) -> dict[str, Any] | None:
    """The chart of a result, or None where a table says it better. A kind that the question names is taken if it fits.

    `language`: "zh" or "en".
    """
    if len(rows) < 2 or len(columns) > MAX_CHARTED_COLUMNS:
        return None
    shape = shape_of(columns, rows)
    choice = _by_rule(shape)
    if choice is None:
        return None
    for kind, words in _ASKED:
        if words.search(question):
            try:
                return _spec(_checked(Choice(kind, choice.x, choice.y, choice.series)), shape, language)
            except ChartImpossible:
                break
    return _spec(choice, shape, language)


def chart_of(
    columns: Sequence[ResultColumn],
    rows: Sequence[Sequence[Cell]],
    language: str,
    *,
    kind: str,
    x: str,
    y: str | Sequence[str],
    series: str | None = None,
) -> dict[str, Any]:
    """The chart that a person or a model chose, by names of columns. Raises ChartImpossible, which names the field."""
    if kind not in KINDS:
        raise ChartImpossible.field("kind", _("Choose one of: %(kinds)s.") % {"kinds": ", ".join(KINDS)})
    shape = shape_of(columns, rows)
    named = [y] if isinstance(y, str) else list(y)
    fields = tuple(_named(shape, name, "y") for name in dict.fromkeys(named))
    choice = Choice(kind, _named(shape, x, "x"), fields, _named(shape, series, "series") if series else None)
    return _spec(_checked(choice), shape, language)


def _named(shape: Shape, name: str, where: str) -> Field:
    field = next((field for field in shape.fields if field.name == name), None)
    if field is None:
        raise ChartImpossible.field(where, _("The result has no column «%(name)s».") % {"name": name})
    return field


def _checked(choice: Choice) -> Choice:
    """The choice, with the kind that its series make of it. Raises ChartImpossible."""
    if not 1 <= len(choice.y) <= MAX_MEASURES:
        raise ChartImpossible.field("y", _("Choose one to %(most)d columns of numbers.") % {"most": MAX_MEASURES})
    for field in choice.y:
        if field.type not in ("integer", "decimal", "float"):
            raise ChartImpossible.field("y", _("«%(name)s» holds no numbers.") % {"name": field.name})
    if choice.x.role == "other" or (choice.series and choice.series.role in ("other", "number")):
        where = "x" if choice.x.role == "other" else "series"
        raise ChartImpossible.field(where, _("This column cannot be an axis."))
    if choice.series and len(choice.y) > 1:
        raise ChartImpossible.field("series", _("Several columns of numbers are series already."))
    if choice.kind == "scatter" and not (choice.x.role in ("number", "time") and len(choice.y) == 1):
        raise ChartImpossible.field("x", _("A scatter plot needs numbers or times on both axes."))
    if choice.kind == "pie":
        _check_pie(choice)
    if choice.kind in ("stacked", "area") and any(number < 0 for field in choice.y for number in _numbers(field)):
        raise ChartImpossible.field("kind", _("What is below zero cannot be stacked."))
    has_series = bool(choice.series) or len(choice.y) > 1
    if choice.kind in ("grouped", "stacked") and not has_series:
        raise ChartImpossible.field("series", _("This kind of chart needs a series, or several columns of numbers."))
    if choice.kind != "scatter" and not _tells_apart(choice):
        raise ChartImpossible.field("x", _("Several rows share a place in this chart; choose a series, too."))
    return Choice("grouped", choice.x, choice.y, choice.series) if choice.kind == "bar" and has_series else choice


def _check_pie(choice: Choice) -> None:
    if choice.series or len(choice.y) > 1:
        raise ChartImpossible.field("series", _("A pie has no series."))
    if len(choice.x.values) > MAX_SLICES:
        raise ChartImpossible.field("kind", _("A pie has at most %(most)d slices.") % {"most": MAX_SLICES})
    if any(number < 0 for number in _numbers(choice.y[0])):
        raise ChartImpossible.field("kind", _("A pie has no slices below zero."))


def _numbers(field: Field) -> list[Any]:
    """Those of a column of numbers, also where its name makes it a year or an id."""
    return [value for value in field.known if not isinstance(value, str)]


def _tells_apart(choice: Choice) -> bool:
    parts = [choice.x.values] + ([choice.series.values] if choice.series else [])
    places = [tuple(map(str, place)) for place in zip(*parts, strict=True)]
    return len(set(places)) == len(places)


def _by_rule(shape: Shape) -> Choice | None:
    """Times, then periods, then names, against what numbers there are."""
    numbers = tuple(field for field in shape.numbers if len(field.known) > 1)
    if not numbers:
        return None
    times, periods, categories = shape.of("time"), shape.of("period"), shape.of("category")
    if times:
        return _over_time(times[0], (*categories, *periods), numbers)
    if periods:
        finest, *coarser = sorted(periods, key=lambda field: field.fineness)
        return _over_time(finest, (*reversed(coarser), *categories), numbers)
    if categories:
        return _over_names(shape, categories, numbers)
    if len(numbers) == 2 and shape.row_count > 2:
        return Choice("scatter", numbers[0], numbers[1:])
    return None


def _over_time(time: Field, others: Sequence[Field], numbers: tuple[Field, ...]) -> Choice | None:
    if time.is_unique:
        return Choice("line", time, _comparable(numbers))
    for other in others:
        choice = Choice("line", time, numbers[:1], other)
        if _tells_apart(choice):
            return choice
    return Choice("scatter", time, numbers[:1]) if time.role == "time" and not others else None


def _over_names(shape: Shape, categories: Sequence[Field], numbers: tuple[Field, ...]) -> Choice | None:
    if label := shape.label:
        if len(numbers) == 2 and shape.row_count > 20:
            return Choice("scatter", numbers[0], numbers[1:])
        measures = _comparable(numbers)
        return Choice("grouped" if len(measures) > 1 else "bar", label, measures)
    pairs = [(a, b) for i, a in enumerate(categories) for b in categories[i + 1 :]]
    for pair in pairs:
        few, many = sorted(pair, key=lambda field: len(set(map(str, field.values))))
        kind = "grouped" if _is_small(few, many) or any(n < 0 for n in numbers[0].known) else "stacked"
        choice = Choice(kind, many, numbers[:1], few)
        if _tells_apart(choice):
            return choice
    return None


def _is_small(few: Field, many: Field) -> bool:
    return len(set(few.values)) <= MAX_GROUPED and len(set(many.values)) <= MAX_GROUPS


def _comparable(numbers: tuple[Field, ...]) -> tuple[Field, ...]:
    """The first measure and those that can be read on its axis."""

    def size(field: Field) -> Any:
        return max(number.copy_abs() for number in field.known)

    first = size(numbers[0])

    def is_near(field: Field) -> bool:
        both = first and size(field)
        return (
            bool(both) and field.is_ratio == numbers[0].is_ratio and 1 / MAX_SPREAD <= size(field) / first <= MAX_SPREAD
        )

    return tuple(field for field in numbers if field is numbers[0] or is_near(field))[:MAX_MEASURES]


def _spec(choice: Choice, shape: Shape, language: str) -> dict[str, Any]:
    data = chart_data(choice.kind, choice.x, choice.y, choice.series, row_count=shape.row_count, language=language)
    x, y = _axis_x(choice, data, language), _number(data.y, data.y_title, language)
    mark, encoding = _DRAWN[choice.kind](choice, data, x, y)
    encoding["tooltip"] = [_tip(encoding[part], data) for part in ("x", "y", "theta", "color") if part in encoding]
    title = {"text": titled(_title(choice, language)), "anchor": "start"}
    return {
        "$schema": SCHEMA,
        "title": title | ({"subtitle": data.note} if data.note else {}),
        "data": {"values": data.values},
        "mark": mark,
        "encoding": encoding,
        "usermeta": {
            "kind": choice.kind,
            "x": choice.x.name,
            "y": [field.name for field in choice.y],
            "series": choice.series.name if choice.series else None,
            "note": data.note,
        },
    } | _size(choice, data, encoding)


def _line(choice: Choice, data: ChartData, x: dict[str, Any], y: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    mark = {"type": choice.kind, "point": choice.kind == "line" and len(data.values) <= 120}
    return mark, {"x": x, "y": y, **_coloured(data)}


def _scatter(choice: Choice, data: ChartData, x: dict[str, Any], y: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return {"type": "point", "filled": True, "opacity": 0.6}, {"x": x, "y": y, **_coloured(data)}


def _pie(choice: Choice, data: ChartData, x: dict[str, Any], y: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    slices = {"field": data.x, "type": "nominal", "title": data.x_title, "sort": None}
    return {"type": "arc"}, {"theta": y | {"stack": True, "axis": None}, "color": slices, "order": None}


def _bars(choice: Choice, data: ChartData, x: dict[str, Any], y: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    lying = choice.x.role == "category" and (
        data.label_width > MAX_LABEL_WIDTH or (data.place_count > MAX_UPRIGHT_BARS and choice.kind != "grouped")
    )
    names, lengths, offset = ("y", "x", "yOffset") if lying else ("x", "y", "xOffset")
    if lying:
        x = x | {"axis": {"labelLimit": 220, "labelAngle": 0}}
    encoding = {names: x, lengths: y, **_coloured(data)}
    if choice.kind == "grouped" and data.series:
        encoding[offset] = {"field": data.series, "type": "nominal", "sort": None}
    return {"type": "bar"}, encoding


_DRAWN: dict[str, Callable[..., tuple[Any, dict[str, Any]]]] = {
    "bar": _bars,
    "grouped": _bars,
    "stacked": _bars,
    "line": _line,
    "area": _line,
    "scatter": _scatter,
    "pie": _pie,
}


def _axis_x(choice: Choice, data: ChartData, language: str) -> dict[str, Any]:
    if data.x_is_time:
        # Vega takes a moment for one of the reader's own zone unless it is told otherwise.
        axis: dict[str, Any] = {"format": D3_TIMES[language][choice.x.grain], "labelOverlap": True, "grid": False}
        if data.place_count <= MAX_TICKED:
            # Else Vega sets ticks between them too, each with the name of the same month.
            axis["values"] = list(dict.fromkeys(value[data.x] for value in data.values))
        return {"field": data.x, "type": "temporal", "title": data.x_title, "scale": {"type": "utc"}, "axis": axis}
    if choice.kind == "scatter":
        return _number(data.x, data.x_title, language) | {"scale": {"zero": False}}
    labels = {"labelAngle": 0} if data.label_width * data.place_count < 90 else {"labelAngle": -45}
    axis = {"labelLimit": 160, "labelOverlap": choice.kind in ("line", "area"), **labels}
    return {"field": data.x, "type": "ordinal", "title": data.x_title, "sort": None, "axis": axis}


def _number(field: str, title: str, language: str) -> dict[str, Any]:
    axis = {"labelExpr": _SHORT[language], "labelOverlap": True}
    return {"field": field, "type": "quantitative", "title": title, "axis": axis}


def _short(steps: Sequence[tuple[str, str]]) -> str:
    """A label of an axis: 12K, 3M; 1.2万, 3亿. An expression of ours, of nothing but the axis's own value."""
    expression = "format(datum.value, ',~r')"
    for limit, word in steps:
        expression = f"abs(datum.value) >= {limit} ? format(datum.value / {limit}, ',~r') + '{word}' : {expression}"
    return expression


_SHORT = {
    "en": _short([("1e3", "K"), ("1e6", "M"), ("1e9", "B"), ("1e12", "T")]),
    "zh": _short([("1e4", "万"), ("1e8", "亿"), ("1e12", "万亿")]),
}


def _coloured(data: ChartData) -> dict[str, Any]:
    if not data.series:
        return {}
    return {"color": {"field": data.series, "type": "nominal", "title": data.series_title, "sort": None}}


def _tip(part: dict[str, Any], data: ChartData) -> dict[str, Any]:
    if part["type"] == "temporal":
        return {"field": data.x_label, "type": "nominal", "title": part["title"]}
    tip = {"field": part["field"], "type": part["type"], "title": part["title"]}
    return tip | ({"format": ",.12~r"} if part["type"] == "quantitative" else {})


def _title(choice: Choice, language: str) -> str:
    measures = ("、" if language == "zh" else ", ").join(field.name for field in choice.y)
    if choice.kind == "scatter":
        return f"{choice.x.name}与{measures}" if language == "zh" else f"{measures} and {choice.x.name}"
    by = [choice.x.name] + ([choice.series.name] if choice.series else [])
    return f"{measures}（按{'、'.join(by)}）" if language == "zh" else f"{measures} by {' and '.join(by)}"


def _size(choice: Choice, data: ChartData, encoding: dict[str, Any]) -> dict[str, Any]:
    if "yOffset" in encoding:
        return {"width": WIDTH, "height": {"step": 14}}
    if encoding.get("y", {}).get("type") == "ordinal":
        return {"width": WIDTH, "height": {"step": 24}}
    return {"width": WIDTH, "height": HEIGHT}
