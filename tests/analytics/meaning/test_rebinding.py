"""A verified question answers another that differs in names, numbers and periods, and no other."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import yaml

from analytics.catalogue import Catalogue, Column, Metric, Table
from analytics.gate import check
from analytics.meaning.linking import Found
from analytics.meaning.rebinding import rebind
from analytics.meaning.values import said_in

TODAY = date(2026, 11, 22)
SHOP = Catalogue(
    "shop",
    (
        Table(
            "orders",
            (
                Column("id", "bigint"),
                Column("customer_id", "bigint"),
                Column("city", "text", "城市", samples=("上海", "北京", "London", "Paris")),
                Column("product", "text", "商品", samples=("龙井茶", "茶杯", "Teapot", "Earl Grey")),
                Column("status", "text", "状态", samples=("已完成", "已取消", "paid", "cancelled")),
                Column("amount", "numeric(10,2)", "金额", synonyms=("销售额", "revenue", "sales")),
                Column("quantity", "integer", "数量"),
                Column("ordered_on", "date", "下单日期"),
                Column("paid_at", "timestamp without time zone", "付款时间"),
            ),
            "订单",
        ),
        Table(
            "customers",
            (
                Column("id", "bigint"),
                Column("name", "text", "客户名称", samples=("Globex", "Initech")),
                Column("level", "text", "等级", samples=("VIP", "普通")),
            ),
            "客户",
        ),
    ),
    metrics=(Metric("客单价", "orders", "avg(amount)"),),
)
CASES = yaml.safe_load((Path(__file__).parent / "rebinding.yaml").read_text(encoding="utf-8"))
ANSWERED = [tuple(case[key] for key in ("known", "sql", "question", "expected")) for case in CASES["answered"]]
TRAPS = [(case["known"], case["sql"], question) for case in CASES["traps"] for question in case["questions"]]
CITY = ("上海的销售额是多少", "SELECT sum(amount) FROM orders WHERE city = '上海'")


@dataclass
class Pair:
    question: str
    sql: str


def answer(known: str, sql: str, question: str, today: date = TODAY) -> str | None:
    """The SQL without quotes and line ends, after the gate."""
    bound = rebind(Pair(known, sql), question, SHOP, said_in(SHOP, question), today=today)
    if bound is None:
        return None
    check(bound, SHOP)
    return " ".join(bound.replace('"', "").split())


@pytest.mark.parametrize(("known", "sql", "question", "expected"), ANSWERED, ids=[case[2] for case in ANSWERED])
def test_names_numbers_and_periods_are_put_in(known, sql, question, expected):
    bound = answer(known, sql, question)
    assert bound is not None
    assert expected in bound


@pytest.mark.parametrize(("known", "sql", "question"), TRAPS, ids=[case[2][:40] for case in TRAPS])
def test_what_is_not_accounted_for_is_not_answered(known, sql, question):
    assert answer(known, sql, question) is None


def test_the_same_question_is_answered_as_it_was():
    assert answer(*CITY, "上海的销售额，是多少？") == "SELECT sum(amount) FROM orders WHERE city = '上海'"


def test_a_question_of_any_length_is_refused_at_once():
    assert answer(*CITY, "上海" * 50_000) is None


def test_a_value_is_only_ever_a_string():
    hostile = "x' OR 1=1 --"
    bound = rebind(
        Pair(*CITY), f"{hostile}的销售额是多少", SHOP, [Found("orders", "city", hostile, 1.0, hostile)], today=TODAY
    )
    assert bound is not None
    assert "city\" = 'x'' OR 1=1 --'" in bound


def test_a_pattern_takes_a_value_as_it_is():
    known = Pair("Revenue of Teapot", "SELECT sum(amount) FROM orders WHERE product LIKE '%Teapot%'")
    bound = rebind(
        known, "Revenue of 100%_pure", SHOP, [Found("orders", "product", "100%_pure", 1.0, "100%_pure")], today=TODAY
    )
    assert bound is not None
    assert r"'%100\%\_pure%'" in bound


@pytest.mark.parametrize("sql", ["", "SELECT", "DROP TABLE orders", "SELECT 1; SELECT 2", "(" * 5000])
def test_sql_that_is_none_is_not_answered_by(sql):
    assert rebind(Pair("上海的销售额", sql), "北京的销售额", SHOP, said_in(SHOP, "北京的销售额"), today=TODAY) is None
