"""Faults that models make are mended by rule; what is no such fault is left alone."""

import time

import pytest

from analytics.asking.mending import mended, nearest
from analytics.catalogue import Catalogue, Column, Table

CATALOGUE = Catalogue(
    "ds",
    (
        Table(
            "orders",
            (
                Column("id", "integer"),
                Column("region", "text", "地区"),
                Column("amount", "numeric", "金额"),
                Column("price", "text"),
                Column("ordered_on", "date", "下单日期"),
                Column("day", "text"),
                Column("customer_id", "integer"),
            ),
            "订单",
        ),
        Table("customers", (Column("id", "integer"), Column("name", "text", synonyms=("姓名",))), "客户"),
    ),
)

MENDED = {
    "a name that is nearly right": (
        "SELECT region, sum(amounts) FROM order GROUP BY 1",
        'SELECT region, SUM("amount") FROM "orders" GROUP BY 1',
    ),
    "what people call it": (
        "SELECT 地区, sum(金额) FROM 订单 GROUP BY 地区",
        'SELECT "region", SUM("amount") FROM "orders" GROUP BY "region"',
    ),
    "a column of the other table": (
        "SELECT o.name FROM orders o JOIN customers c ON c.id = o.customer_id",
        'SELECT "c"."name" FROM orders AS o JOIN customers AS c ON c.id = o.customer_id',
    ),
    "letters of another case": (
        "SELECT Orders.Region FROM Orders",
        "SELECT orders.region FROM orders",
    ),
    "MySQL": (
        "SELECT `region`, IFNULL(sum(`amount`), 0) AS t FROM `orders` "
        "WHERE `ordered_on` >= DATE_SUB(CURDATE(), INTERVAL 30 DAY) GROUP BY `region` HAVING t > 5",
        'SELECT "region", COALESCE(SUM("amount"), 0) AS t FROM "orders" '
        'WHERE "ordered_on" >= (CURRENT_DATE - INTERVAL \'30 DAY\') GROUP BY "region" '
        'HAVING (COALESCE(SUM("amount"), 0)) > 5',
    ),
    "SQL Server": (
        "SELECT TOP 5 [region], YEAR([ordered_on]) FROM [orders]",
        'SELECT "region", EXTRACT(YEAR FROM CAST("ordered_on" AS DATE)) FROM "orders" LIMIT 5',
    ),
    "a text in double quotes": (
        'SELECT count(*) FROM orders WHERE region = "华东"',
        "SELECT COUNT(*) FROM orders WHERE region = '华东'",
    ),
    "numbers that are kept as text": (
        "SELECT sum(price) FROM orders WHERE price > 10 AND price <> 12",
        "SELECT SUM(CAST(NULLIF(TRIM(price), '') AS DECIMAL)) FROM orders "
        "WHERE CAST(NULLIF(TRIM(price), '') AS DECIMAL) > 10 AND price <> '12'",
    ),
    "dates that are kept as text, and text asked of a date": (
        "SELECT count(*) FROM orders WHERE day >= DATE '2024-01-01' AND ordered_on LIKE '2024-01%'",
        "SELECT COUNT(*) FROM orders WHERE CAST(NULLIF(TRIM(day), '') AS DATE) >= CAST('2024-01-01' AS DATE) "
        "AND CAST(ordered_on AS TEXT) LIKE '2024-01%'",
    ),
    "rounding what is not numeric": (
        "SELECT round(avg(id)::float8, 2) FROM orders",
        "SELECT ROUND(CAST(CAST(AVG(id) AS DOUBLE PRECISION) AS DECIMAL), 2) FROM orders",
    ),
}


@pytest.mark.parametrize("fault", MENDED)
def test_a_typical_fault_is_mended(fault: str) -> None:
    wrong, right = MENDED[fault]
    assert right in list(mended(wrong, CATALOGUE)) or right == wrong


def test_nothing_is_made_of_what_is_no_query() -> None:
    for sql in ("DELETE FROM orders", "SELECT 1; SELECT 2", "", "SELECT ((((", "DROP TABLE orders -- SELECT"):
        assert list(mended(sql, CATALOGUE)) == []


def test_of_two_names_as_near_none_is_taken() -> None:
    assert nearest("sale", {1: ("sale_a",), 2: ("sale_b",)}) is None
    assert nearest("Sales", {1: ("sale",), 2: ("sale_b",)}) == 1
    assert nearest("zzz", {1: ("sale",)}) is None


def test_bombs_are_not_looked_at() -> None:
    began = time.process_time()
    for bomb in ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT 1" + " + 1" * 20_000):
        assert list(mended(bomb, CATALOGUE)) == []
    assert time.process_time() - began < 0.2
