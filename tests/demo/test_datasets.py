"""The demo's figures come in as they are meant to, and each of its verified questions has an answer in them."""

import importlib.util
import json

import pytest

from analytics.asker import Asker
from analytics.models import Dataset
from analytics.running import run_sql
from config.demo import seed_dataset
from tests.conftest import Business
from tests.demo.pipeline import DEMO
from tests.knowledge.conftest import work_off

BOOKS = DEMO / "datasets"


@pytest.mark.parametrize(("slug", "rows", "language"), [("tea-sales", 441, "zh"), ("shop-orders", 378, "en")])
def test_each_verified_question_is_answered(acme: Business, slug: str, rows: int, language: str) -> None:
    with acme.scope():
        seed_dataset(BOOKS / slug)
        seed_dataset(BOOKS / slug)
    work_off(acme)

    with acme.scope():
        dataset = Dataset.objects.get()
        pairs = list(dataset.pairs.approved())
        assert dataset.status == "ready"
        assert dataset.tables.get().row_count == rows
    assert {pair.language for pair in pairs} == {language}
    assert len(pairs) == 5
    for pair in pairs:
        result = run_sql(dataset, pair.sql, origin="pair", asker=Asker(acme.id))
        assert result.rows, pair.question
        assert None not in result.rows[0], pair.question


def test_rebuilding_gives_the_same_bytes(tmp_path, monkeypatch) -> None:
    spec = importlib.util.spec_from_file_location("build_datasets", DEMO / "build_datasets.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    monkeypatch.setattr(builder, "DATASETS", tmp_path)

    builder.write("tea-sales.csv", builder.tea_sales(builder.random.Random(17)))
    builder.write("shop-orders.csv", builder.shop_orders(builder.random.Random(29)))

    for path in tmp_path.iterdir():
        assert path.read_bytes() == (BOOKS / path.name).read_bytes()


def test_every_dataset_of_the_demo_is_there() -> None:
    named = [
        slug
        for tenant in json.loads((DEMO / "demo.json").read_text())["tenants"]
        for slug in tenant.get("datasets", ())
    ]
    assert sorted(named) == sorted(path.stem for path in BOOKS.glob("*.csv"))
