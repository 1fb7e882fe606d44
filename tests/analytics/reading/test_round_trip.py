"""Whatever values a table has, they come back from every kind of file that it is written to."""

import csv
import io
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.reading.csvs import BLOCK_BYTES
from analytics.reading.files import read_tables
from tests.analytics.reading.conftest import _copied
from tests.analytics.reading.files import parquet, workbook

# A word that is no number, no date and no token for nothing, with anything else in it.
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]) | st.sampled_from('\n ",;|\t')
WORDS = st.text(LETTERS, max_size=20).map(lambda text: f"q{text}q")
INTEGERS = st.integers(-(2**62), 2**62).filter(lambda number: abs(number) < 10**14)
DECIMALS = st.decimals(-(10**9), 10**9, allow_nan=False, places=2)
DATES = st.dates().map(lambda day: day.isoformat())
BOOLEANS = st.booleans()


@st.composite
def tables(draw):
    """(kind of each column, rows)"""
    kinds = draw(st.lists(st.sampled_from([WORDS, INTEGERS, DECIMALS, DATES, BOOLEANS]), min_size=1, max_size=5))
    return draw(st.lists(st.tuples(*[st.none() | kind for kind in kinds]), min_size=1, max_size=8))


def names(rows):
    return [f"col_{letter}" for letter in string.ascii_lowercase[: len(rows[0])]]


def with_numbers(rows):
    """A first column that is never empty: an empty row is none."""
    return [(number, *row) for number, row in enumerate(rows, 1)]


def expected(rows):
    return [tuple(_text(value) for value in row) for row in rows]


def _text(value):
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_back(data, name):
    [table] = read_tables(data, name)
    rows = [row for batch in table.batches() for row in _copied(batch)]
    assert table.draft.row_count == len(rows)
    return rows


@settings(max_examples=60, deadline=None)
@given(tables(), st.sampled_from(",\t;|"), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_csv(rows, delimiter, encoding):
    rows = with_numbers(rows)
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC).writerows([names(rows), *expected(rows)])

    assert read_back(text.getvalue().encode(encoding), "a.csv") == expected(rows)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_xlsx(rows):
    rows = with_numbers([[str(value) if type(value).__name__ == "Decimal" else value for value in row] for row in rows])

    assert read_back(workbook(Sheet1=[names(rows), *rows]), "a.xlsx") == expected(rows)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_parquet(rows):
    rows = with_numbers(rows)
    columns = dict(zip(names(rows), map(list, zip(*rows, strict=True)), strict=True))

    assert read_back(parquet(columns), "a.parquet") == expected(rows)


def test_cells_across_blocks_and_cells_as_long_as_blocks():
    rows = [(str(number), f"q{number % 7}" * 30_000) for number in range(BLOCK_BYTES // 40_000)]
    text = "n,text\n" + "".join(f"{number},{word}\n" for number, word in rows)

    assert read_back(text.encode(), "a.csv") == rows
