"""Which tables a question is about, over a company of 60 tables and in both languages."""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import pytest

from analytics.catalogue import Catalogue, Column, Join, Metric, Table
from analytics.meaning.linking import Linked, Vectors, centred, link_by, text_of
from analytics.meaning.values import said_in
from llm.embedding import bundled
from llm.types import Matrix
from tests.analytics.meaning.company import company, questions

WANTED = 0.95
TOP = 5


def link(catalogue: Catalogue, question: str) -> Linked:
    return next(linked(catalogue, [question]))


def linked(catalogue: Catalogue, asked: list[str]) -> Iterator[Linked]:
    cards = card_vectors(catalogue)
    for question, vector in zip(asked, bundled().embed_queries(asked), strict=True):
        yield link_by(catalogue, question, values=said_in(catalogue, question), vectors=partial(Vectors, vector, cards))


@cache
def card_vectors(catalogue: Catalogue) -> Matrix:
    return centred(bundled().embed_passages([text_of(table) for table in catalogue.tables]))


@pytest.mark.parametrize("part", ["dev", "held_out"])
def test_the_right_tables_are_among_the_first_five(part):
    asked = questions(part)
    found = linked(company(), [question for question, _ in asked])
    missed = []
    for (question, needed), about in zip(asked, found, strict=True):
        assert about.readings == (), question  # none of these questions is open
        if not needed <= {table.name for table, _ in about.tables[:TOP]}:
            missed.append(question)
    assert len(missed) <= (1 - WANTED) * len(asked), missed


def test_a_value_that_two_columns_have_is_asked_about():
    (reading,) = link(company(), "上海有多少人").readings
    assert reading.said == "上海"
    assert set(reading.choices) == {("customers", "city"), ("members", "city")}


def test_a_column_that_two_tables_have_is_asked_about():
    (reading,) = link(company(), "How many by status?").readings
    assert reading.said == "status"
    assert set(reading.choices) == {("leads", "status"), ("payments", "status")}


@pytest.mark.parametrize("question", ["上海的会员有多少", "How many payments by status?"])
def test_who_says_which_is_not_asked(question):
    assert link(company(), question).readings == ()


SHOP = Catalogue(
    "shop",
    (
        Table("t1", (Column("c1", "numeric", "金额"), Column("c2", "text", "商品")), "销售"),
        Table("t2", (Column("c1", "text", "客户名称"), Column("c2", "text", "地址", synonyms=("门牌",))), "客户"),
        Table("between", (Column("t1", "bigint"), Column("t2", "bigint"))),
        Table("t3", (Column("x", "integer"), Column("y", "integer")), description="meter readings of the power grid"),
    ),
    metrics=(Metric("客单价", "t1", "avg(c1)", synonyms=("basket size",)),),
    joins=(Join(("between", "t1"), ("t1", "c1")), Join(("between", "t2"), ("t2", "c1"))),
)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("客单价是多少", "t1"),
        ("What is the basket size?", "t1"),
        ("门牌", "t2"),
        ("meter readings", "t3"),
        ("sales", "t1"),
    ],
)
def test_metrics_synonyms_and_descriptions_count_as_names(question, first):
    assert link(SHOP, question).tables[0][0].name == first


def test_a_table_between_two_others_comes_with_them():
    assert {table.name for table, _ in link(SHOP, "每个客户的销售").tables[:3]} == {"t1", "t2", "between"}


def test_the_column_that_is_named_comes_first():
    table, column, _ = link(SHOP, "各客户的地址").columns[0]
    assert (table.name, column.name) == ("t2", "c2")


@pytest.mark.parametrize("question", ["", "？！", "x" * 50_000, "啊" * 50_000, "\x00\ud800", "'; DROP TABLE t1; --"])
def test_odd_questions_do_no_harm(question):
    linked = link_by(SHOP, question, values=(), vectors=lambda: Vectors(np.zeros(4), np.zeros((4, 4))))
    assert len(linked.tables) == len(SHOP.tables)


def test_no_tables_are_no_trouble():
    assert link_by(Catalogue("x", ()), "?", values=()).tables == ()


@pytest.mark.parametrize(
    ("question", "is_open"),
    [
        ("How many payments by status?", False),
        ("How many by status?", True),  # two tables have it
        ("供应商有多少家", False),
        ("How many payments by status in Quito?", False),  # no table knows the town, and it matters little
        ("Quito Lima Bogota payments", True),
    ],
)
def test_vectors_are_asked_for_only_where_words_leave_it_open(question, is_open):
    asked = []
    link_by(company(), question, values=said_in(company(), question), vectors=lambda: asked.append(question))
    assert bool(asked) == is_open
