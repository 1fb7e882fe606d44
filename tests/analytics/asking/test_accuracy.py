"""What comes of everything but the model: right SQL gives right results, and most of the usual faults are put right."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from psycopg.sql import SQL, Identifier

from analytics.datasets.schemas import as_owner
from analytics.models import Dataset, Join
from analytics.results.cells import to_rows
from tests.analytics.asking import faults, figures
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI, RecordedRequest

# Each asks some fifty questions; on a machine that does much else they take a while.
pytestmark = pytest.mark.timeout(300)

LEAST_REPAIRED = 0.85
LEAST_MENDED = 0.7


@pytest.fixture(scope="module")
def desks(open_business: Callable[..., Business], build_dataset: Callable[..., Dataset]) -> dict[str, Desk]:
    business = open_business("Acme")
    staff = build_dataset(business, figures.STAFF, name="Staff", labels=figures.STAFF_LABELS)
    trade = build_dataset(business, figures.TRADE, name="Trade", labels={})
    _join(business, trade, "orders.customer_id", "customers.id")
    _join(business, trade, "orders.product_id", "products.id")
    _join(business, staff, "employees.department_id", "departments.id")
    _join(business, staff, "leaves.employee_id", "employees.id")
    connections.close_all()
    return {"trade": Desk(business, trade), "staff": Desk(business, staff)}


def _join(business: Business, dataset: Dataset, left: str, right: str) -> None:
    def column(place: str) -> Any:
        table, name = place.split(".")
        return dataset.tables.get(name=table).columns.get(name=name)

    with business.scope():
        Join.objects.create(dataset=dataset, left_column=column(left), right_column=column(right), status="approved")


def expected(desk: Desk, sql: str) -> list[list[Any]]:
    """What the SQL gives, run past all of ours."""
    with as_owner() as owner, owner.transaction():
        owner.execute(SQL("SET LOCAL search_path = {}").format(Identifier(desk.dataset.schema_name)))
        return to_rows(owner.execute(sql).fetchall())


@pytest.mark.parametrize(("name", "asked"), [("trade", figures.ABOUT_TRADE), ("staff", figures.ABOUT_STAFF)])
def test_right_sql_gives_right_results(
    desks: dict[str, Desk], scripted_llm: FakeOpenAI, name: str, asked: list[tuple[str, str]]
) -> None:
    desk, gold = desks[name], dict(asked)
    scripted_llm.will_answer_with(
        lambda request: sql_reply(gold[json.loads(request.messages[1]["content"])["question"]]), times=None
    )
    for question, sql in asked:
        answer = desk.ask(question)
        assert answer["status"] == "ready", (question, answer["error"], answer["attempts"])
        assert answer["rows"] == expected(desk, sql), question
        assert answer["explanation"], question
        assert answer["summary"], question
    assert len(scripted_llm.chat_requests) == len(asked) >= 22


def test_most_faults_are_put_right(desks: dict[str, Desk], scripted_llm: FakeOpenAI) -> None:
    sent: dict[str, str] = {}

    def write_or_repair(request: RecordedRequest) -> str:
        if len(request.messages) > 2:
            return faults.repair(request)
        return sql_reply(sent[json.loads(request.messages[1]["content"])["question"]])

    scripted_llm.will_answer_with(write_or_repair, times=None)
    right, mended, all_of, lost = Counter[str](), 0, Counter[str](), []
    for name, gold, wrong in (
        ("trade", dict(figures.ABOUT_TRADE), faults.ABOUT_TRADE),
        ("staff", dict(figures.ABOUT_STAFF), faults.ABOUT_STAFF),
    ):
        desk = desks[name]
        for number, (question, kind, sql) in enumerate(wrong):
            asked = f"{question} [{number}]"
            sent[asked] = sql
            before = len(scripted_llm.chat_requests)
            answer = desk.ask(asked)
            all_of[kind] += 1
            if answer["status"] == "ready" and _same(answer["rows"], expected(desk, gold[question])):
                right[kind] += 1
                mended += len(scripted_llm.chat_requests) == before + 1
            else:
                lost.append((sql, answer["attempts"]))
    total = all_of.total()
    report = ", ".join(f"{kind} {right[kind]}/{count}" for kind, count in all_of.items())
    print(f"\nput right: {right.total()}/{total} ({report}); by rule alone {mended}/{total}")
    assert right.total() / total >= LEAST_REPAIRED, lost
    assert mended / total >= LEAST_MENDED, lost


def _same(rows: list[list[Any]], others: list[list[Any]]) -> bool:
    """In whatever order, and whether a month is a date or its text."""
    return sorted([str(cell)[:10] for cell in row] for row in rows) == sorted(
        [str(cell)[:10] for cell in row] for row in others
    )
