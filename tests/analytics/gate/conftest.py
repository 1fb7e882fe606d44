from collections.abc import Callable

import pytest

from analytics.catalogue import Catalogue, Column, Table
from analytics.errors import SqlRejected
from analytics.gate import check

TABLES = {
    "customers": "id name city email joined_on",
    "orders": "id customer_id ordered_on created_at product_id quantity amount status note tags details",
    "products": "id name category price",
    "employees": "id name manager_id salary",
    "订单": "订单号 城市 下单日期 金额 状态 单价(元) 数量",
}
BOOKS = Catalogue(
    "acme",
    tuple(Table(name, tuple(Column(column, "text") for column in columns.split())) for name, columns in TABLES.items()),
)


def verdict(sql: str) -> str:
    """What the gate says: the rule that refuses, or "ok"."""
    try:
        check(sql, BOOKS)
    except SqlRejected as rejected:
        return rejected.rule
    return "ok"


@pytest.fixture(scope="session")
def judged() -> Callable[[str], str]:
    return verdict
