"""Datasets through the API: from files, deleted without a trace, within a tenant's limits, and nobody else's."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from analytics.datasets.jobs import sweep_orphans
from analytics.datasets.schemas import make_schema
from analytics.models import Dataset, SqlRun
from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business
from tests.knowledge.conftest import work_off

PATH = "/api/v1/analytics/datasets/"
SALES = "日期,商品,金额\n2025-01-05,龙井茶,176.00\n2025-02-11,茶杯,39.50\n".encode()


def upload(business: Business, *, name: str = "销售", data: bytes = SALES, **headers: str) -> Any:
    file = SimpleUploadedFile("sales.csv", data, content_type="text/csv")
    return business.api.upload(PATH, headers=headers, name=name, **{"files[]": file})


def schemas() -> set[str]:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace UNION SELECT rolname FROM pg_roles")
        return {name for (name,) in cursor.fetchall()}


def test_a_file_becomes_a_table_with_its_chinese_headers(acme: Business):
    answer = upload(acme)

    assert answer.status_code == 202, answer.content
    assert answer.json()["status"] == "importing"
    assert answer.json()["queue"] == {"position": 1, "eta_s": None}
    work_off(acme)
    dataset = acme.api.get(f"{PATH}{answer.json()['id']}/").json()
    assert (dataset["name"], dataset["kind"], dataset["status"], dataset["error"]) == ("销售", "files", "ready", None)
    (table,) = dataset["tables"]
    assert table["row_count"] == 2
    assert [(column["label"], column["type"]) for column in table["columns"]] == [
        ("日期", "date"),
        ("商品", "text"),
        ("金额", "numeric"),
    ]


def test_the_list_holds_the_built_in_dataset(acme: Business):
    shop = make_dataset(acme, SHOP)

    listed = acme.api.get(PATH).json()["results"]

    assert {(each["kind"], each["status"]) for each in listed} == {("files", "ready"), ("conversations", "ready")}
    assert next(each for each in listed if each["id"] == str(shop.pk))["table_count"] == 2
    assert acme.api.get(PATH).json()["results"] == listed


def test_samples_of_what_is_personal_are_not_shown(acme: Business):
    shop = make_dataset(acme, SHOP)
    with acme.scope():
        customers = shop.tables.get(name="customers")
        customers.columns.filter(name="name").update(samples=["林晓"], pii="name")
        customers.columns.filter(name="city").update(samples=["杭州"])
        customers.columns.filter(name="id").update(samples=["1"], samples_off=True)

    tables = acme.api.get(f"{PATH}{shop.pk}/").json()["tables"]

    samples = {column["name"]: column["samples"] for column in tables[0]["columns"]}
    assert samples == {"id": [], "name": [], "city": ["杭州"], "joined_on": []}


def test_sent_twice_with_one_key_it_is_made_once(acme: Business):
    first = upload(acme, **{"Idempotency-Key": "a"})
    again = upload(acme, **{"Idempotency-Key": "a"})
    other = upload(acme, data=SALES + b"2025-03-01,x,1\n", **{"Idempotency-Key": "a"})

    assert again.json()["id"] == first.json()["id"]
    assert again["Idempotent-Replayed"] == "true"
    assert other.status_code == 409


def test_nothing_is_left_of_a_deleted_dataset(acme: Business):
    shop = make_dataset(acme, SHOP)
    with acme.scope():
        SqlRun.objects.create(dataset=shop, origin="written", sql_given="SELECT 1", verdict="ok")

    assert acme.api.delete(f"{PATH}{shop.pk}/").status_code == 204

    assert acme.api.get(f"{PATH}{shop.pk}/").status_code == 404
    assert shop.schema_name not in schemas()
    with acme.scope():
        assert not SqlRun.objects.exists()


def test_the_built_in_dataset_stays(acme: Business):
    (built_in,) = acme.api.get(PATH).json()["results"]

    assert acme.api.delete(f"{PATH}{built_in['id']}/").status_code == 409
    assert acme.api.get(PATH).json()["results"] == [built_in]


def test_the_built_in_dataset_goes_by_its_name_too(acme: Business):
    shown = acme.api.get(f"{PATH}conversations/").json()

    assert shown["kind"] == "conversations"
    assert [table["name"] for table in shown["tables"]][:2] == ["conversations", "messages"]
    assert acme.api.get(f"{PATH}nothing/").status_code == 404


def test_a_name_may_change(acme: Business):
    shop = make_dataset(acme, SHOP)

    assert acme.api.patch(f"{PATH}{shop.pk}/", {"name": " 茶叶店 "}).json()["name"] == "茶叶店"
    assert acme.api.patch(f"{PATH}{shop.pk}/", {"name": " "}).status_code == 422


@pytest.mark.parametrize(("setting", "most"), [("ANALYTICS_MAX_DATASETS", 0), ("ANALYTICS_MAX_BYTES", len(SALES) - 1)])
def test_a_tenant_keeps_no_more_than_it_may(acme: Business, settings: Any, setting: str, most: int):
    setattr(settings, setting, most)

    answer = upload(acme)

    assert answer.status_code == 422, answer.content
    with acme.scope():
        assert not Dataset.objects.exists()


def test_a_call_that_fails_leaves_a_schema_that_is_swept(acme: Business):
    """The schema is made in a transaction of its own; when the caller's is undone, it is nobody's."""
    with acme.scope():
        lost = Dataset(name="Lost", kind="files")
        make_schema(lost)
    kept = make_dataset(acme, SHOP)

    assert lost.schema_name not in sweep_orphans()
    swept = sweep_orphans(now=datetime.now(UTC) + timedelta(hours=2))

    assert lost.schema_name in swept
    assert lost.schema_name not in schemas()
    assert kept.schema_name in schemas()


def test_nothing_is_left_of_a_deleted_tenant(acme: Business):
    shop = make_dataset(acme, SHOP)
    (built_in,) = acme.api.get(PATH).json()["results"][:1]
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM tenants_tenant WHERE id = %s", [acme.id])

    sweep_orphans(now=datetime.now(UTC) + timedelta(hours=2))

    assert not {shop.schema_name, f"ds_{built_in['id'].replace('-', '')}"} & schemas()


def test_mallory_finds_nothing_of_acmes(acme: Business, globex: Business):
    shop = make_dataset(acme, SHOP)

    for path in (f"{PATH}{shop.pk}/", f"{PATH}{uuid4()}/"):
        assert globex.api.get(path).status_code == 404
        assert globex.api.patch(path, {"name": "Mine"}).status_code == 404
        assert globex.api.delete(path).status_code == 404
        assert globex.api.post(f"{path}refresh/").status_code == 404
    assert [each["kind"] for each in globex.api.get(PATH).json()["results"]] == ["conversations"]
    assert shop.schema_name in schemas()


def test_a_key_needs_the_scope(open_business: Any):
    business = open_business("Acme", ("chat",))

    assert business.api.get(PATH).status_code == 403
    assert upload(business).status_code == 403
