"""Which chart a result gets, and that whoever chooses another gets nothing else into it."""

import json
import re
from datetime import date, timedelta

import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.results.cells import StoredColumn, to_rows
from analytics.results.charts import KINDS, ChartImpossible, chart_for, chart_of

CITIES = ["北京", "上海", "广州", "深圳"]


def columns(**types):
    return [StoredColumn(name, type_) for name, type_ in types.items()]


def days(count, step=1):
    return [(date(2025, 1, 1) + timedelta(days=step * n)).isoformat() for n in range(count)]


def drawn(spec):
    """The spec as Vega takes it: what is no Vega-Lite fails here."""
    warnings = vl_convert.vegalite_to_vega(spec, vl_version="6.4")
    assert warnings["marks"]
    return spec


def svg(spec):
    return vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])


def kind(spec):
    return spec and spec["usermeta"]["kind"]


SHAPES = [
    (
        "a month each",
        columns(month="date", sales="decimal"),
        [[f"2025-{m:02}-01", m * 10] for m in range(1, 13)],
        "line",
    ),
    ("月份为文字", columns(月份="text", 销售额="decimal"), [[f"2025-{m:02}", m * 10] for m in range(1, 13)], "line"),
    ("a year each", columns(year="integer", sales="decimal"), [[y, y * 10] for y in range(2020, 2026)], "line"),
    ("each city", columns(城市="text", 销售额="decimal"), [[c, n * 7] for n, c in enumerate(CITIES)], "bar"),
    ("yes and no", columns(paid="boolean", n="integer"), [[True, 5], [False, 7], [None, 1]], "bar"),
    ("parts of a whole", columns(plan="text", share="decimal"), [["a", 0.5], ["b", 0.3], ["c", 0.2]], "bar"),
    ("orders of an id", columns(customer_id="integer", orders="integer"), [[n, n % 5] for n in range(1, 9)], "bar"),
    (
        "two measures",
        columns(city="text", online="integer", shop="integer"),
        [[c, n + 1, n + 3] for n, c in enumerate(CITIES)],
        "grouped",
    ),
    (
        "measures of other sizes",
        columns(city="text", orders="integer", revenue="decimal"),
        [[c, n + 1, (n + 3) * 10_000] for n, c in enumerate(CITIES)],
        "bar",
    ),
    (
        "cities by channel",
        columns(city="text", channel="text", n="integer"),
        [[c, k, len(c + k)] for c in CITIES for k in ("线上", "线下")],
        "grouped",
    ),
    (
        "many cities by channel",
        columns(city="text", channel="text", n="integer"),
        [[f"c{c}", k, c] for c in range(15) for k in ("线上", "线下")],
        "stacked",
    ),
    (
        "losses are not stacked",
        columns(city="text", channel="text", n="integer"),
        [[f"c{c}", k, -c] for c in range(15) for k in ("线上", "线下")],
        "grouped",
    ),
    (
        "days by city",
        columns(day="date", city="text", n="integer"),
        [[d, c, len(c)] for d in days(9) for c in CITIES],
        "line",
    ),
    (
        "months of years",
        columns(year="integer", month="integer", n="integer"),
        [[y, m, y * m] for y in (2024, 2025) for m in range(1, 13)],
        "line",
    ),
    ("age and spend", columns(weight="integer", spend="float"), [[n, n * 1.5] for n in range(30)], "scatter"),
    ("one number", columns(total="integer"), [[5]], None),
    ("one row", columns(city="text", total="integer"), [["北京", 5]], None),
    ("nothing", columns(city="text", total="integer"), [], None),
    ("no numbers", columns(city="text", name="text"), [["北京", "x"], ["上海", "y"]], None),
    ("a list", columns(city="text", total="integer"), [["北京", 5], ["北京", 7]], None),
    ("unknown numbers", columns(city="text", total="integer"), [["北京", None], ["上海", None]], None),
    ("a wide table", columns(**{f"c{n}": "integer" for n in range(7)}), [[n] * 7 for n in range(5)], None),
    ("json", columns(data="json", n="integer"), [[{"a": 1}, 1], [{"a": 2}, 2]], None),
]


@pytest.mark.parametrize(("columns_", "rows", "expected"), [shape[1:] for shape in SHAPES], ids=[s[0] for s in SHAPES])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_shape_of_a_result_decides_its_chart(columns_, rows, expected, language):
    spec = chart_for(columns_, rows, language)

    assert kind(spec) == expected
    if spec:
        drawn(spec)
        json.dumps(spec, allow_nan=False)


def test_bars_stand_as_the_query_sorted_them_under_the_names_of_the_columns():
    spec = chart_for(columns(城市="text", 销售额="decimal"), [["上海", 3], ["北京", 9]], "zh")

    assert spec["data"]["values"] == [{"城市": "上海", "销售额": 3}, {"城市": "北京", "销售额": 9}]
    assert spec["encoding"]["x"] | {"axis": None} == {
        "field": "城市",
        "type": "ordinal",
        "title": "城市",
        "sort": None,
        "axis": None,
    }
    assert spec["encoding"]["y"]["field"] == "销售额"
    assert spec["title"]["text"] == "销售额（按城市）"


def test_long_names_stand_beside_their_bars():
    spec = chart_for(columns(name="text", n="integer"), [["A customer with a name", 1], ["Another", 2]], "en")

    assert spec["encoding"]["y"]["field"] == "name"
    assert spec["encoding"]["x"]["field"] == "n"


@pytest.mark.parametrize(("language", "note"), [("zh", "显示最大的 20 项，共 50 项"), ("en", "The 20 largest of 50")])
def test_of_too_many_bars_the_largest_are_drawn_and_it_says_so(language, note):
    spec = chart_for(columns(name="text", n="integer"), [[f"n{n}", n] for n in range(50)], language)

    assert [each["n"] for each in spec["data"]["values"]] == list(range(30, 50))
    assert spec["title"]["subtitle"] == spec["usermeta"]["note"] == note


def test_of_too_many_series_and_points_some_are_drawn_and_it_says_so():
    lines = chart_for(
        columns(day="date", shop="text", n="integer"), [[d, f"s{s}", s] for d in days(200) for s in range(12)], "en"
    )
    dots = chart_for(columns(weight="float", height="float"), [[n, n] for n in range(2500)], "en")

    assert len({each["shop"] for each in lines["data"]["values"]}) == 8
    assert lines["usermeta"]["note"] == "The 8 largest series of 12; The last 125 points of 200"
    assert len(dots["data"]["values"]) == 834
    assert dots["usermeta"]["note"] == "Every 3th of 2500 points"


def test_several_measures_become_one_series():
    spec = chart_for(columns(月="integer", 收入="decimal", 支出="decimal"), [[2, 5, 4], [1, 3, 2]], "zh")

    assert spec["data"]["values"] == [
        {"月": "1", "数值": 3, "指标": "收入"},
        {"月": "1", "数值": 2, "指标": "支出"},
        {"月": "2", "数值": 5, "指标": "收入"},
        {"月": "2", "数值": 4, "指标": "支出"},
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_time_is_the_day_it_was_wherever_it_is_looked_at(language):
    spec = chart_for(columns(day="date", n="integer"), [[d, 1] for d in days(3)], language)

    assert [each["day"] for each in spec["data"]["values"]] == [f"2025-01-0{n}T00:00:00Z" for n in (1, 2, 3)]
    assert spec["encoding"]["x"]["scale"] == {"type": "utc"}
    assert ("2025年1月1日" if language == "zh" else "2025-01-01") in svg(spec)


def test_a_month_is_named_once_on_its_axis():
    months = [["2025-01-01", 176], ["2025-02-01", 303], ["2025-03-01", 278]]

    spec = drawn(chart_for(columns(month="date", sold="integer"), months, "en"))

    assert svg(spec).count(">2025-01<") == 1
    assert svg(spec).count(">2025-03<") == 1


def test_large_numbers_are_read_as_people_of_the_language_read_them():
    rows = [["a", 120_000_000], ["b", 500_000_000]]

    assert ">5亿<" in svg(chart_for(columns(c="text", n="integer"), rows, "zh"))
    assert ">500M<" in svg(chart_for(columns(c="text", n="integer"), rows, "en"))


@pytest.mark.parametrize(
    "name",
    [
        "a.b",
        "a[0]",
        "a\\.b",
        "it's",
        'say "x"',
        "__proto__",
        "constructor",
        "",
        " ",
        "datum",
        "x y",
        "n\nm",
        'x\\": alert(1), "y',
        "\u2028",
        "<b>",
        "1",
        "值.[]",
    ],
)
def test_any_name_of_a_column_can_be_drawn(name):
    spec = drawn(chart_for([StoredColumn(name, "text"), StoredColumn(name, "integer")], [["a", 1], ["b", 3]], "en"))
    picture = svg(spec)

    assert ">a<" in picture
    assert ">3" in picture
    assert spec["encoding"]["x"]["title"].strip() == re.sub(r'[\n\\"]+', " ", name).strip()
    assert spec["usermeta"]["x"] == name
    assert "<b>" not in picture


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("各城市销售额，用饼图", "pie"),
        ("sales by city as a pie", "pie"),
        ("各城市销售额折线图", "line"),
        ("sales by city, stacked", "bar"),
        ("各城市销售额", "bar"),
    ],
)
def test_the_kind_that_is_asked_for_is_drawn_where_it_can_be(question, expected):
    rows = [[c, n + 1] for n, c in enumerate(CITIES)]

    assert kind(drawn(chart_for(columns(城市="text", 销售额="decimal"), rows, "zh", question=question))) == expected


RESULT = columns(city="text", channel="text", month="date", orders="integer", sales="decimal", data="json")
ROWS = to_rows([c, k, date(2025, m, 1), m, m * 1.5, {}] for c in CITIES[:2] for k in ("web", "shop") for m in (1, 2, 3))


@pytest.mark.parametrize(
    ("choice", "rows"),
    [
        ({"kind": "line", "x": "month", "y": "sales", "series": "channel"}, ROWS[:6]),
        ({"kind": "area", "x": "month", "y": ["sales", "orders"]}, ROWS[:3]),
        ({"kind": "stacked", "x": "month", "y": "sales", "series": "channel"}, ROWS[:6]),
        ({"kind": "bar", "x": "month", "y": "orders"}, ROWS[:3]),
        ({"kind": "scatter", "x": "orders", "y": "sales"}, ROWS),
        ({"kind": "scatter", "x": "month", "y": "sales", "series": "city"}, ROWS),
        ({"kind": "pie", "x": "month", "y": "sales"}, ROWS[:3]),
        ({"kind": "line", "x": "orders", "y": "sales"}, ROWS[:3]),
    ],
)
def test_alice_chooses_another_chart(choice, rows):
    spec = drawn(chart_of(RESULT, rows, "zh", **choice))

    assert kind(spec) == choice["kind"]
    assert spec["usermeta"]["x"] == choice["x"]


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"kind": "geoshape", "x": "city", "y": "sales"}, "kind"),
        ({"kind": "", "x": "city", "y": "sales"}, "kind"),
        ({"kind": "bar", "x": "nobody", "y": "sales"}, "x"),
        ({"kind": "bar", "x": "city", "y": "channel"}, "y"),
        ({"kind": "bar", "x": "city", "y": []}, "y"),
        ({"kind": "bar", "x": "data", "y": "sales"}, "x"),
        ({"kind": "bar", "x": "city", "y": "sales", "series": "data"}, "series"),
        ({"kind": "bar", "x": "city", "y": "sales"}, "x"),
        ({"kind": "stacked", "x": "month", "y": "sales"}, "series"),
        ({"kind": "scatter", "x": "city", "y": "sales"}, "x"),
        ({"kind": "bar", "x": "city", "y": ["sales", "orders"], "series": "channel"}, "series"),
        ({"kind": "bar", "x": "datum['sales']", "y": "sales"}, "x"),
        ({"kind": "pie", "x": "city", "y": "sales", "series": "channel"}, "series"),
    ],
)
def test_a_choice_that_does_not_fit_the_columns_is_refused(choice, field):
    with pytest.raises(ChartImpossible) as refusal:
        chart_of(RESULT, ROWS, "en", **choice)

    assert refusal.value.errors[0]["field"] == field


CELLS = {
    "text": st.text(max_size=6)
    | st.sampled_from(["a", "北京", "http://evil.example/", "{signal: 1}", "</text><script>"]),
    "integer": st.integers() | st.integers(1, 12),
    "decimal": st.decimals(allow_nan=True, allow_infinity=True),
    "float": st.floats(),
    "date": st.dates(),
    "timestamp": st.datetimes(),
    "boolean": st.booleans(),
    "json": st.just({"url": "http://evil.example/"}),
}


@st.composite
def results(draw):
    types = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4))
    names = draw(st.lists(st.text(max_size=5), min_size=len(types), max_size=len(types)))
    row = st.tuples(*(st.none() | CELLS[type_] for type_ in types))
    rows = draw(st.lists(row, max_size=8))
    return [StoredColumn(*pair) for pair in zip(names, types, strict=True)], to_rows(rows)


@settings(max_examples=40, deadline=None)
@given(results(), st.sampled_from(["zh", "en"]), st.sampled_from(KINDS))
def test_whatever_a_result_holds_its_chart_is_vega_lite_and_only_ours(result, language, asked):
    columns_, rows = result
    specs = [chart_for(columns_, rows, language)]
    for x in columns_:
        for y in columns_:
            try:
                specs.append(chart_of(columns_, rows, language, kind=asked, x=x.name, y=y.name))
            except ChartImpossible:
                continue
    for spec in filter(None, specs[:3]):
        assert svg(spec)
        bones = json.dumps({**spec, "data": None, "title": None, "usermeta": None}, allow_nan=False)
        assert not re.search(r'"(url|href|signal|expr|transform|params)"', bones)


def test_what_a_cell_says_is_shown_and_never_run():
    rows = [["</text><script>alert(1)</script>", 1], ["{signal: 'x'}", 2], ["javascript:alert(1)", 3]]
    picture = svg(chart_for(columns(name="text", n="integer"), rows, "en"))

    assert "<script" not in picture
    assert "&lt;script&gt;" in picture
    assert "href" not in picture.replace("xmlns:xlink", "")
