"""Alice takes a result home: every cell is what it was, and none becomes a formula."""

import csv
import io
import zipfile
from datetime import date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from analytics.results.cells import StoredColumn, to_rows
from analytics.results.exports import csv_of, xlsx_of

COLUMNS = [
    StoredColumn("城市", "text"),
    StoredColumn("销售额", "decimal"),
    StoredColumn("day", "date"),
    StoredColumn("at", "timestamp"),
    StoredColumn("paid", "boolean"),
]
ROWS = to_rows(
    [
        ("北京", Decimal("-1234.50"), date(2026, 1, 31), datetime(2026, 1, 31, 8, 30), True),
        ('He said "no", twice', None, None, None, False),
    ]
)
HOSTILE = [
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\u3000=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\ufeff=1",
    "\u200b=1",
    '=HYPERLINK("http://evil.example","免费")',
    "x;=1+1",
    'a"\n=1',
]


def csv_text(columns, rows):
    return b"".join(csv_of(columns, rows)).decode()


def sheet(columns, rows, **kwargs):
    return load_workbook(io.BytesIO(xlsx_of(columns, rows, **kwargs))).get_sheet_by_index(0).to_python()


def test_excel_reads_the_chinese_of_a_csv_file_and_the_numbers_as_they_were():
    assert csv_text(COLUMNS, ROWS) == (
        "\ufeff城市,销售额,day,at,paid\r\n"
        '北京,-1234.5,2026-01-31,"2026-01-31 08:30:00",true\r\n'
        '"He said ""no"", twice",,,,false\r\n'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_csv_file_holds_no_formula(text):
    [[header], [cell]] = csv.reader(
        io.StringIO(csv_text([StoredColumn(text, "text")], [[text]]).removeprefix("\ufeff"))
    )

    assert header == cell
    assert cell == text if text.startswith(("x", "a")) else cell == f"'{text}"


@pytest.mark.parametrize("text", HOSTILE)
def test_other_separators_cannot_cut_a_formula_out_of_a_cell(text):
    line = csv_text([StoredColumn("n", "text")], [[f"x;{text}"], [f"x\t{text}"]])

    for separator in ";\t":
        assert not any(
            cell.startswith(("=", "+", "-", "@"))
            for row in csv.reader(line.splitlines(), delimiter=separator)
            for cell in row
        )


@pytest.mark.parametrize(("cell", "type_"), [(-5, "integer"), (-1.5, "float"), ("-99999999999999999.5", "decimal")])
def test_a_negative_number_is_no_formula(cell, type_):
    assert csv_text([StoredColumn("n", type_)], [[cell]]) == f"\ufeffn\r\n{cell}\r\n"
    assert csv_text([StoredColumn("n", "text")], [[str(cell)]]) == f"\ufeffn\r\n{cell}\r\n"


def test_a_number_that_is_none_is_kept_harmless_too():
    assert csv_text([StoredColumn("n", "decimal")], [["=1+1"], ["-Infinity"]]) == "\ufeffn\r\n'=1+1\r\n'-Infinity\r\n"


def test_a_long_result_comes_in_pieces():
    pieces = list(csv_of([StoredColumn("n", "text")], (["x" * 1000] for _ in range(1000))))

    assert len(pieces) > 10
    assert max(map(len, pieces)) < 70_000
    assert b"".join(pieces).count(b"\r\n") == 1001


def test_a_sheet_keeps_the_types():
    assert sheet(COLUMNS, ROWS) == [
        ["城市", "销售额", "day", "at", "paid"],
        ["北京", -1234.5, date(2026, 1, 31), datetime(2026, 1, 31, 8, 30), True],
        ['He said "no", twice', "", "", "", False],
    ]


@pytest.mark.parametrize("text", [*HOSTILE, "http://evil.example", "_x0041_", "\x01", "中文😀"])
def test_a_sheet_holds_texts_and_neither_formulas_nor_links(text):
    file = xlsx_of([StoredColumn(text, "text")], [[text]])

    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        page = parts.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in page
        assert "hyperlink" not in page.lower().replace("=hyperlink(", "")
        assert not any("rels" in name and "sheet1" in name for name in parts.namelist())
    assert sheet([StoredColumn("n", "text")], [[text]])[1][0].strip("\r\n ") == text.replace("\r", "\n").strip("\r\n ")


@pytest.mark.parametrize(
    ("cell", "type_", "shown"),
    [
        (123456789012345, "integer", 123456789012345.0),
        (1234567890123456, "integer", "1234567890123456"),
        ("12345678901234567890", "integer", "12345678901234567890"),
        ("12345678901234.56", "decimal", "12345678901234.56"),
        ("33.3333333333333333", "decimal", pytest.approx(33.3333333333333333, rel=1e-15)),
        (0.1, "decimal", 0.1),
        ("NaN", "float", "NaN"),
        ("0044-03-15 BC", "date", "0044-03-15 BC"),
        ("1899-12-31", "date", "1899-12-31"),
        ("08:30:00", "time", time(8, 30)),
        ({"城": 1}, "json", '{"城": 1}'),
    ],
)
def test_a_sheet_shows_every_digit(cell, type_, shown):
    assert sheet([StoredColumn("n", type_)], [[cell]])[1][0] == shown


def test_a_text_that_is_longer_than_excel_takes_is_cut_and_says_so():
    [_, [cell]] = sheet([StoredColumn("n", "text")], [["字" * 40_000]])

    assert len(cell) == 32_767
    assert cell.endswith("…")


@pytest.mark.parametrize("name", ["", "History", "[a]:*?/\\'", "销售" * 40])
def test_any_name_of_a_sheet_will_do(name):
    assert sheet([StoredColumn("n", "integer")], [[1]], sheet=name) == [["n"], [1.0]]


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), min_size=1))
def test_any_text_comes_back_from_csv(texts):
    lines = csv_text([StoredColumn("n", "text")], [[text] for text in texts]).removeprefix("\ufeff")
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(lines, newline=""))][1:]

    assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in texts]
