"""Where a table begins in its file, what its columns are called, and which files are none."""

import datetime
import time
from decimal import Decimal

import pyarrow as pa
import pytest

from analytics.reading import errors
from analytics.reading.drafts import KnownColumn, KnownTable
from analytics.reading.naming import identifier
from tests.analytics.reading.files import parquet, workbook


def test_titles_above_the_names_are_left_out_and_said(read_one):
    table = read_one("2024年销售报表\n单位：元,,,\n门店,月份,销售额,备注\n北京,1月,80,\n")

    assert (table.labels, table.rows) == (["门店", "月份", "销售额", "备注"], [("北京", "1月", "80", None)])
    assert table.notes == ["2 rows above the column names were left out: 2024年销售报表 单位：元"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("order,Order,user id,a-b\n1,2,3,4\n", ["order_", "order_2", "user_id", "a_b"]),
        ("中文 名,2024,,b\n1,2,3,4\n", ["中文_名", "_2024", "列3", "b"]),
        ("a,a,a 2\n1,2,3\n", ["a", "a_2", "a_2_2"]),
        ("x,,,\n1,2,,\n", ["x", "column_2"]),
        ("1,2\n3,4\n", ["column_1", "column_2"]),
        ("产品,2023,2024\n茶,1.5,2.5\n", ["产品", "_2023", "_2024"]),
        ("Tea,2023\nCoffee,2024\n", ["column_1", "column_2"]),
        ("pg_class,pg_b\n1,2\n", ["_pg_class", "_pg_b"]),
        ("ราคาต่อหน่วย,a__b\n1,2\n", ["ราคาต่อหน่วย", "a_b"]),
        ("😀,b\n1,2\n", ["column_1", "b"]),
        ("Ｆｕｌｌ　Ｗidth,Größe,select\n1,2,3\n", ["full_width", "größe", "select_"]),
        ('"two\nlines",b\n1,2\n', ["two_lines", "b"]),
    ],
)  # fmt: skip
def test_columns_get_names_that_sql_takes_without_quotes(read_one, text, names):
    assert read_one(text).names == names


def test_a_name_fits_into_63_bytes_and_is_not_taken():
    long = identifier("销售额" * 20, {"x"}, "c")

    assert (long, len(long.encode())) == ("销售额" * 7, 63)
    assert len(identifier("销售额" * 20, {long}, "c").encode()) <= 63
    assert identifier("销售额" * 20, {long}, "c") != long


GB = "名称,数\n苹果,1\n香蕉,2\n我们的苹果很好吃,3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
def test_text_in_any_usual_encoding(read_one, encoding):
    table = read_one(GB.encode(encoding))

    assert (table.names, table.rows[0], len(table.rows)) == (["名称", "数"], ("苹果", "1"), 3)


@pytest.mark.parametrize("text", [
    "a,b\r\n1,x\r\n", "a\tb\n1\tx\n", "a;b\n1;x\n", "a|b\n1|x\n", "sep=;\na;b\n1;x\n", "a,b\r1,x\r",
    'a,b\n"1","x"', "a,b\n 1 , x\n\n\n",
])  # fmt: skip
def test_text_cut_in_any_usual_way(read_one, text):
    assert (read_one(text).names, read_one(text).rows) == (["a", "b"], [("1", "x")])


def test_quotes_line_ends_and_commas_within_cells(read_one):
    assert read_one('a,b\n"x, ""y""\nz",1\n').rows == [('x, "y"\nz', "1")]


def test_rows_may_be_shorter_and_longer_than_the_names(read_one):
    table = read_one("a,b\n1,2\n3\n4,5,6,,\n" + "7,8\n" * 60 + "9,9,9,9\n")

    assert table.names == ["a", "b", "column_3", "column_4"]
    assert table.rows[:3] == [("1", "2", None, None), ("3", None, None, None), ("4", "5", "6", None)]
    assert table.rows[-1] == ("9", "9", "9", "9")
    assert table.notes == ["Some rows are longer than the row of column names; what stands there became columns."]


def test_letters_that_postgresql_does_not_take_are_left_out(read_one):
    assert read_one("a,b\nx\x00y,1\n").rows == [("xy", "1")]
    assert read_one(b"a,b\nx\xed\xa0\x80y,1\n").rows == [("xy", "1")]


# --- Workbooks --------------------------------------------------------------------------------------------------
def test_a_sheet_keeps_its_types_and_what_its_formulas_show(read_one):
    def write(book, sheet):
        money = book.add_format({"num_format": "¥#,##0.00"})
        spans = book.add_format({"num_format": "[h]:mm:ss"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, ["day", "at", "took", "price", "code", "sum", "ok", "error"])
        for row in (1, 2):
            sheet.write_datetime(row, 0, datetime.datetime(2024, 1, row))
            sheet.write_datetime(row, 1, datetime.datetime(2024, 1, row, 3, 4), moment)
            sheet.write_number(row, 2, 1.25, spans)
            sheet.write_number(row, 3, 0.1, money)
            sheet.write_string(row, 4, "007")
            sheet.write_formula(row, 5, "=1+1", None, 2)
            sheet.write_boolean(row, 6, True)
            sheet.write_formula(row, 7, "=1/0", None, "#DIV/0!" if row == 1 else 5)

    table = read_one(workbook(write), "book.xlsx")

    assert table.draft.name == "book"
    assert table.rows[0] == ("2024-01-01", "2024-01-01 03:04:00", "30:00:00", "0.1", "007", "2", "true", None)
    assert table.types == [
        "date", "timestamp without time zone", "interval", "numeric", "text", "bigint", "boolean", "bigint",
    ]  # fmt: skip


def test_merged_cells_name_what_they_cover_and_count_in_each_row(read_one):
    def write(book, sheet):
        sheet.merge_range("B1:F1", "年度报表")
        sheet.merge_range("B2:B3", "地区")
        sheet.merge_range("C2:D2", "2024")
        sheet.merge_range("E2:F2", "2025")
        sheet.write_row("C3", ["一季度", "二季度", "一季度", "二季度"])
        sheet.merge_range("B4:B5", "华北")
        sheet.write("B6", "华南")
        for row in (3, 4, 5):
            sheet.write_row(row, 2, [row, row, row, row])

    table = read_one(workbook(write), "a.xlsx")

    assert table.labels == ["地区", "2024 一季度", "2024 二季度", "2025 一季度", "2025 二季度"]
    assert [row[0] for row in table.rows] == ["华北", "华北", "华南"]


def test_sheets_that_are_hidden_or_empty_are_no_tables(read):
    def write(book, _sheet):
        book.add_worksheet("empty")
        hidden = book.add_worksheet("hidden")
        hidden.write_row(0, 0, ["a"])
        hidden.write_row(1, 0, [1])
        hidden.hide()

    tables = read(workbook(write, One=[["a"], [1]], 二=[["b"], [2]]), "book.xlsx")

    assert [(table.draft.name, table.draft.sheet) for table in tables] == [("one", "One"), ("二", "二")]


# --- Parquet ----------------------------------------------------------------------------------------------------
def test_parquet_says_its_types_itself(read_one):
    utc = datetime.UTC
    table = read_one(
        parquet(
            {
                "编号": [1, None],
                "u": pa.array([2**64 - 1, 1], pa.uint64()),
                "f": [0.1, float("nan")],
                "d": [Decimal("1.10"), None],
                "b": [True, False],
                "day": [datetime.date(2024, 1, 1)] * 2,
                "at": pa.array([datetime.datetime(2024, 1, 1, 3)] * 2, pa.timestamp("ns")),
                "tz": pa.array([datetime.datetime(2024, 1, 1, 3, tzinfo=utc)] * 2, pa.timestamp("ms", "Asia/Shanghai")),
                "t": [datetime.time(1, 2)] * 2,
                "took": [datetime.timedelta(seconds=1)] * 2,
                "s": ["a\0b", ""],
                "c": pa.array(["x", "y"]).dictionary_encode(),
                "l": [[1], None],
                "bytes": [b"x", b"y"],
            }
        ),
        "a.parquet",
    )

    assert table.rows[0] == (
        "1", "18446744073709551615", "0.1", "1.10", "true", "2024-01-01", "2024-01-01 03:00:00.000000",
        "2024-01-01 03:00:00.000000+00", "01:02:00.000000", "1000000 microseconds", "ab", "x", "[1]",
    )  # fmt: skip
    assert table.rows[1][0] is None
    assert table.rows[1][10] == ""
    assert table.types == [
        "bigint", "numeric", "double precision", "numeric", "boolean", "date", "timestamp without time zone",
        "timestamp with time zone", "time without time zone", "interval", "text", "text", "jsonb",
    ]  # fmt: skip
    assert table.notes == ["Columns of bytes or of kinds unknown here were left out: bytes"]


# --- What is no table -------------------------------------------------------------------------------------------
WIDE = ",".join(f"c{number}" for number in range(5000)) + "\n" + "1," * 4999 + "1\n"


@pytest.mark.parametrize(
    ("data", "name", "error"),
    [
        (b"", "a.csv", errors.TableEmpty),
        (b" \n\n", "a.csv", errors.TableEmpty),
        (b"a,b\n", "a.csv", errors.TableEmpty),
        (b"a,b\n,\n", "a.csv", errors.TableEmpty),
        (bytes(range(8)) * 100, "a.csv", errors.NoTable),
        (WIDE.encode(), "a.csv", errors.TooManyColumns),
        (("a\n1\n" + "1," * 5000 + "1\n").encode(), "a.csv", errors.TooManyColumns),
        (workbook(s=[[f"c{number}" for number in range(1601)], [1] * 1601]), "a.xlsx", errors.TooManyColumns),
        (parquet({f"c{number}": [1] for number in range(1601)}), "a.parquet", errors.TooManyColumns),
        (parquet({"a": pa.array([], pa.int64())}), "a.parquet", errors.TableEmpty),
        (b"PAR1" + bytes(100) + b"PAR1", "a.parquet", errors.TableUnreadable),
        (parquet({"a": ["x" * 100] * 100})[:-200], "a.parquet", errors.TableUnreadable),
        (b"PK\x03\x04" + bytes(100), "a.xlsx", errors.TableUnreadable),
        (workbook(s=[["a"], [1]])[:-300], "a.xlsx", errors.TableUnreadable),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100), "a.xls", errors.NoTable),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "a.xlsx",
            errors.FileEncrypted,
        ),
        (b'a,b\n1,"x\n' + b"y\n" * 600_000, "a.csv", errors.TableUnreadable),
    ],
    ids=range(17),
)
def test_a_file_that_is_no_table_says_what_to_do(read, data, name, error):
    with pytest.raises(error) as refused:
        read(data, name)

    assert type(refused.value) is error
    assert len(str(refused.value.detail)) > 40


def test_a_row_of_millions_of_cells_is_refused_at_once(read):
    began = time.process_time()
    with pytest.raises(errors.TooManyColumns):
        read("," * 3_000_000 + "x\n")
    with pytest.raises(errors.TableEmpty):
        read("," * 3_000_000)

    assert time.process_time() - began < 5


def test_a_quotation_mark_that_is_never_closed_is_found(read):
    with pytest.raises(errors.TableUnreadable) as refused:
        read('a,b\n1,x\n2,"y\n' + "3,z\n" * 300_000)

    assert "line 3" in str(refused.value.detail)


# --- Fitting what is there ----------------------------------------------------------------------------------------
SALES = KnownTable("sales", "Sales", [KnownColumn("日期", "日期", "date", "dmy"), KnownColumn("n", "n", "numeric")])


def test_appended_rows_are_read_as_their_table_is(read_one):
    table = read_one("n,日期\n1,01/02/2024\n", "sales.csv", mode="append", known=[SALES])

    assert (table.draft.target, table.types, table.rows) == ("sales", ["numeric", "date"], [("1", "2024-02-01")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n\n1\n", "the file lacks «日期»"),
        ("n,日期,extra\n1,2024-01-01,2\n", "the table lacks «extra»"),
        ("n,日期\nx,2024-01-01\n", "1 cells of «n» are no numeric, such as «x»"),
    ],
)
def test_other_columns_are_told_one_by_one(read, text, said):
    with pytest.raises(errors.ColumnsDiffer) as refused:
        read(text, "sales.csv", mode="append", known=[SALES])

    assert said in str(refused.value.detail)
