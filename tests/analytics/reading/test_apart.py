"""Whatever a file does to what reads it, only the process that reads this one file feels it."""

import os
import signal
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

from analytics.reading import apart
from analytics.reading.apart import reading
from analytics.reading.errors import ReadingFailed, TableUnreadable, TooLarge, TooManyColumns
from knowledge.parsing import apart as parsing_apart
from tests.analytics.reading.files import parquet, workbook
from tests.knowledge.test_parsing_apart import is_alive, wait_until

greeting = parsing_apart._greeting
SALES = "日期,n\n2024-01-05,1\n2024-01-06,2\n".encode()


@pytest.fixture
def reader_that(monkeypatch) -> Callable[[str], None]:
    """Stands for a parser that a hostile file has found a weakness in."""

    def does(step: str) -> None:
        reader = f"import os, signal, time; from analytics.reading import __main__ as reader; {step}; reader.main()"
        monkeypatch.setattr(apart, "_server", apart.Server((sys.executable, "-c", reader)))

    return does


def test_drafts_come_first_and_then_all_rows_in_batches():
    halves = [SALES[:20], SALES[20:]]

    with reading(halves, "sales.csv") as found:
        assert [(draft.name, draft.row_count) for draft in found.drafts] == [("sales", 2)]
        rows = list(found.rows)

    assert [(row.count, row.csv.decode()) for row in rows] == [(2, '"2024-01-05","1"\n"2024-01-06","2"\n')]


def test_rows_say_which_table_they_are_of():
    with reading([workbook(One=[["a"], [1]], Two=[["b"], [2], [3]])], "book.xlsx") as found:
        assert [(rows.table.name, rows.count) for rows in found.rows] == [("one", 1), ("two", 2)]


def test_drafts_alone_need_no_rows():
    with reading([SALES], "sales.csv", only_drafts=True) as found:
        assert (found.drafts[0].columns[0].type, list(found.rows)) == ("date", [])


def test_it_refuses_as_the_reader_does():
    with pytest.raises(TooManyColumns) as refused, reading([b"a," * 2000 + b"a\n1\n"], "wide.csv"):
        pass

    assert refused.value.values["columns"] == 2001


@pytest.mark.parametrize("step", [
    "reader.read_tables = lambda *_: os.kill(os.getpid(), signal.SIGSEGV)",
    "reader.read_tables = lambda *_: time.sleep(60)",
    "reader.rows_frame = lambda _: os._exit(1)",
])  # fmt: skip
def test_a_reader_that_dies_or_hangs_is_a_clear_error(reader_that, step):
    reader_that(step)

    with pytest.raises(ReadingFailed), reading([SALES], "sales.csv", timeout_s=0.5) as found:
        list(found.rows)


def test_a_fault_of_ours_is_told_apart_from_its_owner(reader_that, caplog):
    reader_that("reader.read_tables = lambda *_: 1 / 0")

    with pytest.raises(TableUnreadable), reading([SALES], "sales.csv"):
        pass

    assert "ZeroDivisionError" in caplog.text


def test_a_reader_gets_no_more_than_its_share_of_memory(reader_that):
    reader_that("reader.read_tables = lambda *_: bytearray(3 << 30)")

    with pytest.raises(TableUnreadable) as refused, reading([SALES], "sales.csv"):
        pass

    assert refused.value.code == "file_too_large"


def test_a_small_file_that_unpacks_to_much_is_refused_on_the_way(reader_that):
    reader_that("reader.MAX_UNPACKED_BYTES = 1000")
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int8()), ["the same"])

    with pytest.raises(TooLarge), reading([parquet({"a": same})], "same.parquet") as found:
        list(found.rows)


def test_whoever_stops_listening_ends_the_reader(monkeypatch, reader_that):
    reader_that("reader.rows_frame = lambda _: time.sleep(60)")
    pids = []
    monkeypatch.setattr(parsing_apart, "_greeting", lambda line: pids.append(greeting(line)) or pids[-1])

    with reading([SALES], "sales.csv"):
        assert is_alive(pids[0])

    wait_until(lambda: not is_alive(pids[0]))


def test_a_server_that_died_is_started_again():
    with reading([SALES], "sales.csv"):
        pass
    os.kill(apart._server._process.pid, signal.SIGKILL)
    apart._server._process.wait()

    with reading([SALES], "sales.csv") as found:
        assert found.drafts[0].row_count == 2
