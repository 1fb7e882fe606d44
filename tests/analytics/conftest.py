"""Acme's figures: a dataset whose tables are real, in a schema of their own, read by a role of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from analytics.asker import Asker
from analytics.datasets.schemas import as_owner, make_schema
from analytics.models import Dataset
from tests.conftest import Business

# {"orders": ([("id", "integer"), ("amount", "numeric(10,2)")], [(1, "9.50")])}
Tables = Mapping[str, tuple[Sequence[tuple[str, str]], Sequence[Sequence[Any]]]]

SHOP: Tables = {
    "customers": (
        [("id", "integer"), ("name", "text"), ("city", "text"), ("joined_on", "date")],
        [
            (1, "林晓", "杭州", "2024-03-01"),
            (2, "Ada Brown", "London", "2024-07-15"),
            (3, "陈立", "成都", "2025-01-20"),
        ],
    ),
    "orders": (
        [
            ("id", "integer"),
            ("customer_id", "integer"),
            ("ordered_on", "date"),
            ("product", "text"),
            ("quantity", "integer"),
            ("amount", "numeric(10,2)"),
            ("note", "text"),
        ],
        [
            (1, 1, "2025-01-05", "龙井茶", 2, "176.00", None),
            (2, 1, "2025-02-11", "茶杯", 1, "39.50", "gift"),
            (3, 2, "2025-02-14", "Earl Grey", 3, "54.00", None),
            (4, 3, "2025-03-02", "龙井茶", 1, "88.00", "加急"),
            (5, 2, "2025-03-09", "Teapot", 1, "120.00", None),
            (6, 3, "2025-03-30", "茶杯", 4, "158.00", None),
        ],
    ),
}
LABELS = {
    "customers": "客户",
    "orders": "订单",
    "city": "城市",
    "ordered_on": "下单日期",
    "product": "商品",
    "quantity": "数量",
    "amount": "金额",
}


def make_dataset(
    business: Business, tables: Tables, *, name: str = "Shop", labels: Mapping[str, str] = LABELS
) -> Dataset:
    """A ready dataset of files with these tables: rows in its schema, and what is known of them in the catalogue."""
    with business.scope():
        dataset = Dataset(name=name, kind=Dataset.Kind.FILES, status=Dataset.Status.READY)
        make_schema(dataset)
        dataset.save()
        for position, (table_name, (columns, rows)) in enumerate(tables.items()):
            fill_table(dataset, table_name, columns, rows)
            table = dataset.tables.create(
                name=table_name, label=labels.get(table_name, ""), row_count=len(rows), position=position
            )
            for place, (column_name, kind) in enumerate(columns):
                label = labels.get(column_name, "")
                table.columns.create(name=column_name, label=label, type=kind, position=place)
    return dataset


def fill_table(dataset: Dataset, name: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """Make a table in the dataset's schema and put the rows in."""
    place = Identifier(dataset.schema_name, name)
    with as_owner() as owner:
        kinds = SQL(", ").join(SQL("{} {}").format(Identifier(column), SQL(kind)) for column, kind in columns)
        owner.execute(SQL("CREATE TABLE {} ({})").format(place, kinds))
        values = SQL(", ").join(SQL("%s") for _ in columns)
        with owner.cursor() as cursor:
            cursor.executemany(SQL("INSERT INTO {} VALUES ({})").format(place, values), rows)


@pytest.fixture(scope="session")
def build_dataset() -> Callable[..., Dataset]:
    """`make_dataset`, as a fixture."""
    return make_dataset


@pytest.fixture
def shop(acme: Business) -> Dataset:
    """Acme's customers and orders."""
    return make_dataset(acme, SHOP)


@pytest.fixture
def alice(acme: Business) -> Asker:
    """Who asks at Acme, by its key."""
    return Asker(acme.id, language="en")
