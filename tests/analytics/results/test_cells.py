"""What PostgreSQL answers, as JSON that loses no digit."""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.results.cells import from_cell, to_cell, to_rows

SHANGHAI = timezone(timedelta(hours=8))
CELLS = [
    (None, None),
    (True, True),
    (7, 7),
    (2**53 - 1, 2**53 - 1),
    (2**53, "9007199254740992"),
    (-(10**100), str(-(10**100))),
    (Decimal("12.50"), 12.5),
    (Decimal("300.00"), 300),
    (Decimal("1E+3"), 1000),
    (Decimal("-0.00"), 0),
    (Decimal("33.3333333333333333"), "33.3333333333333333"),
    (Decimal("123456789012345678.90"), "123456789012345678.9"),
    (Decimal("1e400"), "1" + "0" * 400),
    (Decimal("NaN"), "NaN"),
    (Decimal("-Infinity"), "-Infinity"),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (0.1, 0.1),
    (date(2026, 1, 31), "2026-01-31"),
    (datetime(2026, 1, 31, 8, 30), "2026-01-31T08:30:00"),
    (datetime(2026, 1, 31, 8, 30, tzinfo=SHANGHAI), "2026-01-31T00:30:00Z"),
    (time(8, 30), "08:30:00"),
    (timedelta(days=1, hours=2, seconds=1.5), "P1DT2H1.5S"),
    (timedelta(minutes=-90), "-PT1H30M"),
    (timedelta(), "PT0S"),
    (b"hi", "\\x6869"),
    pytest.param(memoryview(b"hi"), "\\x6869", id="memoryview"),
    ({"城市": [1, Decimal("2.50"), None]}, {"城市": [1, 2.5, None]}),
    ([date(2026, 1, 1)], ["2026-01-01"]),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ("北京\x00\ud800", "北京\ufffd\ufffd"),
    ("=1+1", "=1+1"),
]


@pytest.mark.parametrize(("value", "cell"), CELLS, ids=lambda each: repr(each)[:30])
def test_a_value_becomes_json_that_says_all_of_it(value, cell):
    assert to_cell(value) == cell
    assert type(to_cell(value)) is type(cell)
    assert json.loads(json.dumps(to_cell(value), allow_nan=False)) == cell
    assert to_cell(cell) == cell


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.decimals(allow_nan=False, allow_infinity=False)
)
def test_no_digit_of_a_decimal_is_lost_in_javascript(number):
    """JSON.parse reads a number as the double that Python's float is."""
    cell = json.loads(json.dumps(to_cell(number)), parse_int=float)

    assert (Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)) == number
    assert from_cell(to_cell(number), "decimal") == number


@given(st.integers() | st.integers(2**53 - 3, 2**53 + 3))
def test_no_digit_of_an_integer_is_lost_in_javascript(number):
    cell = json.loads(json.dumps(to_cell(number)), parse_int=float)

    assert int(cell) == number
    assert from_cell(to_cell(number), "integer") == number


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (date(2026, 1, 31), "date"),
        (datetime(2026, 1, 31, 8, 30, 0, 125), "timestamp"),
        (datetime(2026, 1, 31, 8, 30, tzinfo=UTC), "timestamp"),
        (time(23, 59, 59, 1), "time"),
        (True, "boolean"),
        (None, "decimal"),
        ("Carol", "text"),
        ([1, 2], "json"),
        (1.5, "float"),
    ],
)
def test_a_cell_becomes_the_value_again(value, type_):
    assert from_cell(to_cell(value), type_) == value


@pytest.mark.parametrize(
    ("cell", "type_"), [("infinity", "date"), ("0044-03-15 BC", "date"), ("P1M", "interval"), ("x", "decimal")]
)
def test_a_cell_that_python_has_no_value_for_stays_as_it_is(cell, type_):
    assert from_cell(cell, type_) == cell


def test_rows_become_lists():
    assert to_rows([("北京", Decimal("1.10")), ("上海", None)]) == [["北京", 1.1], ["上海", None]]
