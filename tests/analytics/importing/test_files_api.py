"""Files of tables over the API, and columns corrected without losing anything."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analytics.models import DatasetFileSource
from tests.analytics.reading.files import with_broken_sheet, workbook
from tests.knowledge.conftest import work_off

CODES = "编号,下单日,金额\n007,01/02/2024,1.5\n8,03/04/2024,x\n9,05/06/2024,2\n10,05/06/2024,2\n11,05/06/2024,2\n"


@pytest.fixture
def api(cabinet):
    return cabinet.business.api


@pytest.fixture
def path(cabinet):
    return f"/api/v1/analytics/datasets/{cabinet.dataset.pk}/"


def upload(api, path, *files, **fields):
    uploads = [SimpleUploadedFile(name, data.encode()) for name, data in files]
    return api.upload(f"{path}files/", **{"files[]": uploads}, **fields)


def test_files_are_taken_in_and_followed(cabinet, api, path):
    taken = upload(api, path, ("codes.csv", CODES), ("bad.csv", "\n"))

    assert taken.status_code == 202, taken.content
    assert [(file["name"], file["status"]) for file in taken.json()] == [("codes.csv", "queued"), ("bad.csv", "queued")]
    assert taken.json()[1]["queue"]["position"] == 2
    work_off(cabinet.business)
    bad, good = api.get(f"{path}files/").json()["results"]
    assert (good["status"], good["progress"]) == ("ready", {"done": 5, "total": 5})
    assert (bad["status"], bad["error"]["code"]) == ("failed", "document_empty")
    [table] = api.get(f"{path}files/{good['id']}/").json()["tables"]
    assert (table["name"], table["sample"][0]) == ("codes", ["007", "01/02/2024", "1.5"])
    assert "day or with the month" in table["columns"][1]["notes"][0]


def test_what_is_wrong_is_said_in_the_language_of_whoever_asks(cabinet, api, path):
    file = cabinet.keep("wide.csv", ",".join(f"c{n}" for n in range(1700)) + "\n1\n")

    chinese = api.client.get(f"{path}files/{file.pk}/", headers={"Accept-Language": "zh-hans"}).json()

    assert "1700" in chinese["error"]["detail"]
    assert "列" in chinese["error"]["detail"]


@pytest.mark.parametrize(
    ("files", "fields", "status", "code"),
    [
        ([], {}, 422, "invalid"),
        ([("a.csv", "a\n1\n")], {"mode": "merge"}, 422, "invalid"),
        ([("a.csv", "")], {}, 422, "file_broken"),
        ([("a.pdf", "%PDF-1.7")], {}, 415, "unsupported_media_type"),
        ([(f"{n}.csv", "a\n1\n") for n in range(21)], {}, 422, "invalid"),
        ([("good.csv", "a\n1\n"), ("a.pdf", "%PDF-1.7")], {}, 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_file_of_tables_is_refused_at_once_and_nothing_is_kept(api, path, files, fields, status, code):
    refused = upload(api, path, *files, **fields)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert api.get(f"{path}files/").json()["results"] == []


def test_a_column_is_corrected_and_back_again(cabinet, api, path):
    cabinet.keep("codes.csv", CODES)
    version = cabinet.fresh_version()
    column = f"{path}tables/codes/columns/金额/"

    assert api.patch(column, {"type": "numeric", "dry_run": True}).json() == {"lost": 1, "rows": 5, "examples": ["x"]}
    refused = api.patch(column, {"type": "decimal"})
    assert (refused.status_code, refused.json()["code"], refused.json()["lost"]) == (409, "values_lost", 1)
    assert cabinet.types("codes")["金额"] == "text"

    taken = api.patch(column, {"type": "decimal", "force": True})
    assert (taken.status_code, taken.json()["change"]["status"]) == (202, "queued")
    assert api.patch(column, {"type": "bigint", "force": True}).status_code == 409
    work_off(cabinet.business)

    assert cabinet.ask("SELECT sum(金额), count(*) FILTER (WHERE 金额 IS NULL) FROM codes") == [(pytest.approx(7.5), 1)]
    assert api.get(column).json()["change"] == {"type": "numeric", "format": "", "status": "done", "error": None}
    assert cabinet.fresh_version() > version

    assert api.patch(column, {"type": "text"}).status_code == 202
    work_off(cabinet.business)
    assert cabinet.ask("SELECT 金额 FROM codes WHERE 金额 = 'x'") == [("x",)]


def test_to_correct_a_column_no_other_sheet_is_opened(cabinet, api, path):
    book = workbook(Plan=[["n"], [1]], Notes=[], Codes=[["code", "n"], ["007", 1], ["8", 2]])
    file = cabinet.keep("book.xlsx", book)
    with cabinet.business.scope():
        kept = DatasetFileSource.objects.filter(file=file)
        assert kept.update(data=with_broken_sheet(book, 1)) == 1
    assert cabinet.keep("again.xlsx", with_broken_sheet(book, 1)).error_code == "file_broken"
    column = f"{path}tables/codes/columns/code/"

    assert api.patch(column, {"type": "bigint", "dry_run": True}).json() == {"lost": 0, "rows": 2, "examples": []}
    assert api.patch(column, {"type": "bigint"}).status_code == 202
    work_off(cabinet.business)

    assert cabinet.ask("SELECT sum(code) FROM codes") == [(15,)]
    assert cabinet.tables() == {"plan": 1, "codes": 2}


def test_a_date_that_could_be_two_is_read_as_a_person_says(cabinet, api, path):
    cabinet.keep("codes.csv", CODES)
    column = f"{path}tables/codes/columns/下单日/"

    unclear = api.patch(column, {"type": "date"})
    assert (unclear.status_code, unclear.json()["errors"][0]["field"]) == (422, "format")

    assert api.patch(column, {"type": "date", "format": "mdy"}).status_code == 202
    work_off(cabinet.business)
    assert cabinet.ask("SELECT min(下单日) FROM codes") == [(datetime.date(2024, 1, 2),)]


def test_what_was_said_of_a_column_holds_for_later_files(cabinet, api, path):
    cabinet.keep("codes.csv", CODES)
    cabinet.keep("codes.csv", "编号,下单日,金额\n012,01/02/2024,7\n", "append")
    assert api.patch(f"{path}tables/codes/columns/编号/", {"type": "bigint"}).status_code == 202
    work_off(cabinet.business)
    assert cabinet.ask("SELECT sum(编号), count(*) FROM codes") == [(7 + 8 + 9 + 10 + 11 + 12, 6)]

    cabinet.keep("codes.csv", CODES, "replace")

    assert cabinet.types("codes")["编号"] == "bigint"
    assert cabinet.tables() == {"codes": 5}


def test_a_column_is_called_what_its_people_call_it(cabinet, api, path):
    cabinet.keep("codes.csv", CODES)

    renamed = api.patch(f"{path}tables/codes/columns/编号/", {"label": "Number"})

    assert (renamed.status_code, renamed.json()["label"]) == (200, "Number")
    assert cabinet.types("codes")["编号"] == "text"


def test_mallory_finds_nothing_of_acmes_files(cabinet, globex, path):
    file = cabinet.keep("codes.csv", CODES)
    mallory = globex.api

    assert mallory.get(f"{path}files/").status_code == 404
    assert mallory.get(f"{path}files/{file.pk}/").status_code == 404
    assert mallory.post(f"{path}files/{file.pk}/retry/").status_code == 404
    assert upload(mallory, path, ("x.csv", "a\n1\n")).status_code == 404
    assert mallory.get(f"{path}tables/codes/columns/编号/").status_code == 404
    assert mallory.patch(f"{path}tables/codes/columns/编号/", {"type": "bigint"}).status_code == 404
    assert cabinet.tables() == {"codes": 5}
