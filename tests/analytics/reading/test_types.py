"""The type of a column comes from all of its cells, and text is what is left when they do not agree."""

import pytest

NUMBERS = ["bigint", "numeric", "double precision"]


@pytest.mark.parametrize(
    ("cells", "type", "values"),
    [
        (["1", "-2", "+3", ""], "bigint", ["1", "-2", "3", None]),
        (["9223372036854775807", "1"], "numeric", ["9223372036854775807", "1"]),
        (["1" * 100, "2"], "numeric", ["1" * 100, "2"]),
        (["1" * 1001, "2"], "text", ["1" * 1001, "2"]),
        (["1.50", "2", ".5"], "numeric", ["1.50", "2", ".5"]),
        (["1,234", "12", "1,234,567.8"], "numeric", ["1234", "12", "1234567.8"]),
        (["1,5", "2,75", "1.234,5"], "numeric", ["1.5", "2.75", "1234.5"]),
        (["¥1,234.50", "￥80", "3元", "-¥2", "(¥4)"], "numeric", ["1234.50", "80", "3", "-2", "-4"]),
        (["$1", "US$2.5", "3 USD"], "numeric", ["1", "2.5", "3"]),
        (["€5", "6€"], "numeric", ["5", "6"]),
        (["$1", "€1"], "text", ["$1", "€1"]),
        (["12%", "3.5％", "-1%"], "numeric", ["0.12", "0.035", "-0.01"]),
        (["12%", "5"], "text", ["12%", "5"]),
        (["1.5万", "2亿", "8000", "3万元"], "numeric", ["15000", "200000000", "8000", "30000"]),
        (["1.5万", "many"], "text", ["1.5万", "many"]),
        (["(3)", "4"], "numeric", ["-3", "4"]),
        (["1e3", "2.5E-2"], "numeric", ["1e3", "2.5E-2"]),
        (["true", "FALSE", "yes"], "boolean", ["true", "false", "true"]),
        (["是", "否", ""], "boolean", ["true", "false", None]),
        (["1", "0"], "bigint", ["1", "0"]),
        (["2024-01-05", "2024/1/6", "2024年1月7日", "2024.1.8"], "date", [f"2024-01-0{day}" for day in range(5, 9)]),
        (["05.01.2024", "6.1.2024"], "date", ["2024-01-05", "2024-01-06"]),
        (["13/01/2024", "02/01/2024"], "date", ["2024-01-13", "2024-01-02"]),
        (["01/13/2024", "1/2/2024"], "date", ["2024-01-13", "2024-01-02"]),
        (["01/02/2024", "03/04/2024"], "text", ["01/02/2024", "03/04/2024"]),
        (["13/01/2024", "01/13/2024"], "text", ["13/01/2024", "01/13/2024"]),
        (["5 Jan 2024", "January 6, 2024"], "date", ["2024-01-05", "2024-01-06"]),
        (["2024-02-30", "2024-02-01"], "text", ["2024-02-30", "2024-02-01"]),
        (["2024-01-05 10:00:01", "2024-01-05T10:00:02"], "timestamp without time zone", None),
        (["2024-01-05 1:02 PM", "2024-01-05"], "timestamp without time zone",
         ["2024-01-05 13:02:00", "2024-01-05 00:00:00"]),
        (["2024-01-05T10:00:00Z", "2024-01-05 10:00+08:00"], "timestamp with time zone",
         ["2024-01-05 10:00:00+00:00", "2024-01-05 02:00:00+00:00"]),
        (["2024-01-05 10:00", "2024-01-05T10:00:00Z"], "text", None),
        (["10:30", "23:59:01"], "time without time zone", ["10:30:00", "23:59:01"]),
        (["26:30:00", "01:00:00"], "interval", ["26:30:00", "01:00:00"]),
        (["007", "8"], "text", ["007", "8"]),
        (["13812345678", "13912345678"], "text", ["13812345678", "13912345678"]),
        (["110101199003071234", "110101199003071235"], "text", ["110101199003071234", "110101199003071235"]),
        (["11010119900307123X", "110101199003071235"], "text", ["11010119900307123X", "110101199003071235"]),
        (["１２", "３"], "text", ["１２", "３"]),
        (["1", "N/A", "-", "无", "null", "#DIV/0!"], "bigint", ["1", None, None, None, None, None]),
        (["NA", "None", "NULL", "\\N", "#N/A", "x"], "text", ["NA", "None", None, None, None, "x"]),
        (["", ""], "text", [None, None]),
        (["N/A", "-"], "text", ["N/A", "-"]),
    ],
)  # fmt: skip
def test_a_type_that_all_cells_have(column, cells, type, values):
    read = column(*cells)

    assert read.types == [type]
    if values is not None:
        assert [row[0] for row in read.rows] == values


@pytest.mark.parametrize(
    ("label", "cells", "type"),
    [
        ("电话", ["123456", "123457"], "text"),
        ("Phone number", ["5550100", "5550101"], "text"),
        ("zip_code", ["90210", "10001"], "text"),
        ("电话费", ["12", "13"], "text"),
        ("id", ["1", "2"], "bigint"),
        ("日期", ["20240105", "20240131"], "date"),
        ("order date", ["20240105", "20241301"], "bigint"),
        ("amount", ["20240105", "20240131"], "bigint"),
    ],
)
def test_the_name_of_a_column_helps_where_digits_alone_do_not_say(column, label, cells, type):
    assert column(*cells, label=label).types == [type]


def test_all_rows_count_not_only_the_first(column):
    cells = [str(number) for number in range(60_000)]

    assert column(*cells).types == ["bigint"]
    mixed = column(*cells, "soon", "n/a", "later")

    assert mixed.types == ["text"]
    assert mixed.notes == [
        "Read as text: 2 of 60002 cells are not like the others, such as «soon», «later». Correct them in the file and "
        "upload it again, or set the type, and these cells become empty."
    ]
    assert [row[0] for row in mixed.rows[-4:]] == ["59999", "soon", "n/a", "later"]


def test_what_is_meant_as_text_has_no_note(column):
    assert column("12 Main Street", "7", "Elm Street").notes == []


@pytest.mark.parametrize(
    ("type", "cells", "values", "lost"),
    [
        ("bigint", ["1", "2.0", "2.5", "x", "9" * 30], ["1", "2", None, None, None], 3),
        ("numeric", ["1", "¥2", "x"], ["1", "2", None], 1),
        ("double precision", ["1.5", "1e400", "x"], ["1.5", None, None], 2),
        ("boolean", ["1", "0", "yes", "maybe"], ["true", "false", "true", None], 1),
        ("date", ["2024-01-05", "2024-01-05 00:00", "2024-01-05 10:00"], ["2024-01-05", "2024-01-05", None], 1),
        ("timestamp with time zone", ["2024-01-05", "0001-01-01 00:00+14:00"], ["2024-01-05 00:00:00+00:00", None], 1),
        ("jsonb", ['{"a": 1}', "[", '"\\u0000"'], ['{"a": 1}', None, None], 2),
        ("text", ["1", "2"], ["1", "2"], 0),
    ],
)
def test_a_type_that_a_person_asks_for_says_what_it_loses(type, cells, values, lost):
    import pyarrow as pa

    from analytics.reading.inferring import Loss, convert

    loss = Loss()
    assert convert(pa.array(cells), type, "", loss).to_pylist() == values
    assert loss.cells == lost
