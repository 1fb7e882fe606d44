"""Files become tables that can be asked about, all of a file at once or nothing of it."""

import datetime
from decimal import Decimal

import psycopg
import pytest

from analytics.importing import loading, running
from analytics.importing.stopping import retry_file, stop_file
from analytics.models import DatasetFile, DatasetFileSource
from jobs.models import Job
from jobs.running import run
from tests.analytics.reading.files import workbook
from tests.knowledge.conftest import work_off

JANUARY = '日期,门店,销售额\n2024/1/5,北京,"¥1,234.50"\n2024年1月6日,上海,¥80\n'
FEBRUARY = "日期,门店,销售额\n2024-02-01,广州,¥7\n"


def test_a_file_becomes_a_table_that_its_dataset_can_read(cabinet):
    file = cabinet.keep("一月.csv", JANUARY)

    assert (file.status, file.progress) == ("ready", {"done": 2, "total": 2})
    assert cabinet.ask("SELECT 日期, 门店, 销售额 FROM 一月 ORDER BY 1") == [
        (datetime.date(2024, 1, 5), "北京", Decimal("1234.50")),
        (datetime.date(2024, 1, 6), "上海", Decimal("80")),
    ]
    assert cabinet.tables() == {"一月": 2}
    assert cabinet.types("一月") == {"日期": "date", "门店": "text", "销售额": "numeric"}
    assert cabinet.dataset.status == "ready"
    assert cabinet.dataset.version > 1
    with cabinet.business.scope():
        assert set(cabinet.dataset.tables.get().columns.get(name="门店").samples) == {"北京", "上海"}


def test_a_table_shows_samples_before_it_is_looked_at_and_none_that_are_personal(cabinet, monkeypatch):
    monkeypatch.setattr("analytics.importing.running.post_profile", lambda dataset: None)

    cabinet.keep("staff.csv", "office,mail,pay\nLeeds,carol@acme.example,10\nLeeds,dave@acme.example,12\n")

    with cabinet.business.scope():
        columns = {column.name: column for column in cabinet.dataset.tables.get().columns.all()}
    assert columns["office"].samples == ["Leeds"]
    assert columns["pay"].samples == ["10", "12"]
    assert columns["mail"].pii == "email"
    assert "carol" not in str(columns["mail"].samples)


def test_every_sheet_is_a_table(cabinet):
    file = cabinet.keep(
        "book.xlsx", workbook(Shops=[["id", "city"], [1, "北京"]], 订单=[["id", "shop"], [7, 1], [8, 1]])
    )

    assert file.status == "ready"
    assert cabinet.tables() == {"shops": 1, "订单": 2}
    assert cabinet.ask("SELECT city, count(*) FROM shops JOIN 订单 ON shop = shops.id GROUP BY 1") == [("北京", 2)]


def test_a_new_upload_replaces_and_another_appends(cabinet):
    cabinet.keep("sales.csv", JANUARY)
    with cabinet.business.scope():
        cabinet.dataset.tables.get().columns.filter(name="门店").update(description="The shop", synonyms=["店铺"])

    cabinet.keep("sales.csv", FEBRUARY, "replace")
    cabinet.keep("more.csv", "门店,销售额,日期\n深圳,¥1,2024-03-01\n", "append")

    assert cabinet.ask("SELECT 门店 FROM sales ORDER BY 日期") == [("广州",), ("深圳",)]
    assert cabinet.tables() == {"sales": 2}
    with cabinet.business.scope():
        shop = cabinet.dataset.tables.get().columns.get(name="门店")
        kept = set(DatasetFileSource.objects.values_list("file__name", flat=True))
    assert (shop.description, shop.synonyms) == ("The shop", ["店铺"])
    assert kept == {"sales.csv", "more.csv"}


def test_a_new_table_takes_no_other_ones_name(cabinet):
    cabinet.keep("sales.csv", JANUARY)
    cabinet.keep("Sales.csv", FEBRUARY)

    assert cabinet.tables() == {"sales": 2, "sales_2": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("日期,门店\n2024-01-01,x\n", "lacks «销售额»"),
        ("日期,门店,销售额,备注\n2024-01-01,x,¥1,y\n", "lacks «备注»"),
        ("日期,门店,销售额\n2024-01-01,x,soon\n", "1 cells of «销售额» are no numeric, such as «soon»"),
    ],
)
def test_rows_with_other_columns_are_not_appended(cabinet, text, said):
    cabinet.keep("sales.csv", JANUARY)
    version = cabinet.fresh_version()

    file = cabinet.keep("sales.csv", text, "append")

    assert (file.status, file.error_code) == ("failed", "columns_differ")
    assert said in file.error_detail
    assert (cabinet.tables(), cabinet.fresh_version()) == ({"sales": 2}, version)


def test_whoever_asks_meanwhile_sees_the_old_rows_or_the_new_ones(cabinet, monkeypatch):
    cabinet.keep("sales.csv", JANUARY)
    counted = []

    def count_and_put(loader):
        counted.append(cabinet.ask("SELECT count(*) FROM sales"))
        put_in_place(loader)

    put_in_place = loading.Loader.put_in_place
    monkeypatch.setattr(loading.Loader, "put_in_place", count_and_put)
    cabinet.keep("sales.csv", FEBRUARY, "replace")

    assert (counted, cabinet.ask("SELECT count(*) FROM sales")) == ([[(2,)]], [(1,)])


def test_a_query_that_runs_ends_as_it_began(cabinet, monkeypatch):
    cabinet.keep("sales.csv", JANUARY)
    reader = cabinet.login()
    reader.execute("SELECT count(*) FROM sales")
    monkeypatch.setattr(loading, "LOCK_TIMEOUT_MS", 20)
    seen = []

    def look_and_end(_seconds):
        seen.append(reader.execute("SELECT count(*) FROM sales").fetchone())
        reader.close()

    monkeypatch.setattr(loading.time, "sleep", look_and_end)
    file = cabinet.keep("sales.csv", FEBRUARY, "replace")

    assert (seen, file.status) == ([(2,)], "ready")
    assert cabinet.ask("SELECT count(*) FROM sales") == [(1,)]


def test_a_worker_that_dies_in_the_middle_leaves_the_old_rows(cabinet, monkeypatch):
    cabinet.keep("sales.csv", JANUARY)
    file = cabinet.put("sales.csv", FEBRUARY, "replace")
    with monkeypatch.context() as patch:
        patch.setattr(running, "record", end_the_process)
        with cabinet.business.scope():
            job = Job.objects.get(subject_id=file.pk)
        with pytest.raises(SystemExit):
            run(tenant_id=cabinet.business.id, job_id=job.pk, worker="test")
    assert cabinet.ask("SELECT count(*) FROM sales") == [(2,)]

    work_off(cabinet.business)

    assert cabinet.fresh(file).status == "ready"
    assert cabinet.ask("SELECT count(*) FROM sales") == [(1,)]


def end_the_process(*_args):
    raise SystemExit


def test_a_connection_that_is_cut_leaves_the_old_rows(cabinet, monkeypatch):
    cabinet.keep("sales.csv", JANUARY)

    def cut(loader):
        with psycopg.connect(**loader.owner.info.get_parameters(), password=loader.owner.info.password) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [loader.owner.info.backend_pid])
        put_in_place(loader)

    put_in_place = loading.Loader.put_in_place
    with monkeypatch.context() as patch:
        patch.setattr(loading.Loader, "put_in_place", cut)
        file = cabinet.put("sales.csv", FEBRUARY, "replace")
        with cabinet.business.scope():
            job = Job.objects.get(subject_id=file.pk)
        run(tenant_id=cabinet.business.id, job_id=job.pk, worker="test")

    with cabinet.business.scope():
        job.refresh_from_db()
    assert (job.status, cabinet.ask("SELECT count(*) FROM sales")) == ("queued", [(2,)])


def test_an_import_that_is_stopped_changes_nothing(cabinet, monkeypatch):
    file = cabinet.put("sales.csv", JANUARY)

    def stop_first(loader):
        with cabinet.business.scope():
            stop_file(DatasetFile.objects.get(pk=file.pk))
        put_in_place(loader)

    put_in_place = loading.Loader.put_in_place
    with monkeypatch.context() as patch:
        patch.setattr(loading.Loader, "put_in_place", stop_first)
        with cabinet.business.scope():
            job = Job.objects.get(subject_id=file.pk)
        run(tenant_id=cabinet.business.id, job_id=job.pk, worker="test")
    assert (cabinet.fresh(file).status, cabinet.tables()) == ("cancelled", {})

    with cabinet.business.scope():
        retry_file(file)
    cabinet.keep("other.csv", "a\n1\n")
    assert (cabinet.fresh(file).status, cabinet.tables()) == ("ready", {"sales": 2, "other": 1})


def test_a_bad_file_says_why_and_the_dataset_too_if_it_has_no_other(cabinet):
    file = cabinet.keep("wide.csv", ",".join(f"c{n}" for n in range(5000)) + "\n1\n")

    assert (file.status, file.error_code) == ("failed", "too_many_columns")
    assert "5000 columns" in file.error_detail
    assert (cabinet.dataset.status, cabinet.dataset.error_code) == ("failed", "too_many_columns")

    better = cabinet.put("sales.csv", JANUARY)
    assert (cabinet.fresh(better).status, cabinet.dataset.status) == ("queued", "importing")
    work_off(cabinet.business)
    assert cabinet.fresh(better).status == "ready"
    assert (cabinet.dataset.status, cabinet.dataset.error_code) == ("ready", "")


def test_a_row_too_wide_for_postgresql_is_refused_with_what_to_do(cabinet):
    names = [f"c{n}" for n in range(1600)]
    file = cabinet.keep("wide.csv", ",".join(names) + "\n" + ",".join(["123456"] * 1600) + "\n")

    assert (file.status, file.error_code) == ("failed", "too_many_columns")
    assert "wider than PostgreSQL can store" in file.error_detail
    assert cabinet.tables() == {}


def test_globexs_table_of_the_same_name_is_not_touched(cabinet, globex, open_cabinet):
    hers = open_cabinet(globex)
    hers.keep("sales.csv", FEBRUARY)
    cabinet.keep("sales.csv", JANUARY)

    cabinet.keep("sales.csv", "other\n1\n", "replace")

    assert (cabinet.ask("SELECT other FROM sales"), cabinet.types("sales")) == ([(1,)], {"other": "bigint"})
    assert (hers.ask("SELECT 门店 FROM sales"), hers.tables()) == ([("广州",)], {"sales": 1})
    assert list(hers.types("sales")) == ["日期", "门店", "销售额"]
    with globex.scope():
        assert DatasetFileSource.objects.count() == 1


def test_imports_of_one_dataset_take_turns(cabinet, monkeypatch):
    file = cabinet.put("sales.csv", JANUARY)
    with cabinet.business.scope():
        job = Job.objects.get(subject_id=file.pk)
    monkeypatch.setattr(loading, "WAIT_FOR_TURN_MS", 20)

    with psycopg.connect(**owner_parameters()) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [cabinet.dataset.schema_name])
        run(tenant_id=cabinet.business.id, job_id=job.pk, worker="test")
        with cabinet.business.scope():
            job.refresh_from_db()
        assert (job.status, job.attempts, cabinet.tables()) == ("queued", 0, {})

    work_off(cabinet.business)
    assert (cabinet.fresh(file).status, cabinet.tables()) == ("ready", {"sales": 2})


def owner_parameters():
    with loading.as_owner() as owner:
        return {**owner.info.get_parameters(), "password": owner.info.password}


def test_a_file_that_is_in_is_not_taken_in_twice(cabinet, monkeypatch):
    cabinet.keep("sales.csv", JANUARY)
    file = cabinet.put("sales.csv", FEBRUARY, "append")
    with monkeypatch.context() as patch:  # the worker dies between the commit and the end of its job
        patch.setattr(running, "post_profile", end_the_process)
        with cabinet.business.scope():
            job = Job.objects.get(subject_id=file.pk)
        with pytest.raises(SystemExit):
            run(tenant_id=cabinet.business.id, job_id=job.pk, worker="test")

    work_off(cabinet.business)

    assert cabinet.tables() == {"sales": 3}
    assert cabinet.ask("SELECT count(*) FROM sales") == [(3,)]
