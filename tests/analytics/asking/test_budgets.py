"""Where Acme's budget is spent no model is asked; what was verified is answered all the same."""

from decimal import Decimal
from typing import Any

import pytest

from analytics.models import Question
from jobs.models import Job
from llm.budgets import this_month
from llm.models import Budget, LedgerEntry, Route
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.fakes.openai_server import CHAT_MODEL, FakeOpenAI
from tests.knowledge.conftest import work_off

COUNTED = "SELECT count(*) AS orders FROM orders"
ASKED = "How many orders are there?"
FAR = "Which customer is the most loyal?"


@pytest.fixture
def priced(desk: Desk, fake_openai: FakeOpenAI) -> FakeOpenAI:
    """A model for 100 dollars per million tokens: a question may cost about a dollar."""
    with desk.business.scope():
        Route(
            slug="main", name="Main", base_url=fake_openai.base_url, chat_model=CHAT_MODEL, is_default=True,
            price_input=Decimal(100), price_output=Decimal(100),
        ).save()  # fmt: skip
    return fake_openai


def purse(desk: Desk, amount: str, spent: str = "0", **fields: Any) -> Budget:
    with desk.business.scope():
        row: Budget = Budget.objects.create(
            amount=Decimal(amount), spent=Decimal(spent), month=this_month(), at_end="stop", **fields
        )
        return row


@pytest.mark.parametrize(
    ("question", "words"), [(FAR, "Ask Alice for more."), ("哪个城市的客户最忠诚？", "请找爱丽丝加一点预算。")]
)
def test_a_question_for_a_model_is_refused_politely(desk: Desk, priced: FakeOpenAI, question: str, words: str) -> None:
    purse(desk, "5", spent="5", text_en="Ask Alice for more.", text_zh="请找爱丽丝加一点预算。")
    desk.teach(ASKED, COUNTED)

    refused = desk.post(question)

    assert refused.status_code == 402
    assert (refused.json()["code"], refused.json()["detail"]) == ("budget_exhausted", words)
    assert priced.chat_requests == []
    with desk.business.scope():
        assert not Question.objects.exists()
        assert not Job.objects.exists()


def test_verified_questions_are_answered_without_money(desk: Desk, priced: FakeOpenAI) -> None:
    purse(desk, "5", spent="5")
    desk.teach(ASKED, COUNTED)
    desk.teach("How many orders were placed in February 2025?",
               "SELECT count(*) FROM orders WHERE ordered_on >= DATE '2025-02-01' "
               "AND ordered_on < DATE '2025-03-01'")  # fmt: skip

    same, other_month = desk.ask(ASKED), desk.ask("How many orders were placed in March 2025?")

    assert (same["status"], same["rows"]) == ("ready", [[6]])
    assert (other_month["status"], other_month["rows"]) == ("ready", [[3]])
    assert priced.chat_requests == []


def test_what_is_left_must_suffice_and_is_never_overdrawn(desk: Desk, priced: FakeOpenAI) -> None:
    budget = purse(desk, "5", spent="4.999")

    answer = desk.ask(FAR)

    assert (answer["status"], answer["error"]["code"]) == ("failed", "budget_exhausted")
    assert priced.chat_requests == []
    with desk.business.scope():
        budget.refresh_from_db()
        assert (budget.spent, budget.reserved) == (Decimal("4.999"), 0)


def test_what_was_held_is_settled_at_what_it_cost(desk: Desk, priced: FakeOpenAI) -> None:
    budget = purse(desk, "5")
    priced.will_say(sql_reply(COUNTED))

    assert desk.ask(FAR)["rows"] == [[6]]

    with desk.business.scope():
        budget.refresh_from_db()
        assert budget.reserved == 0
        assert 0 < budget.spent < Decimal("0.5")
        assert sorted(LedgerEntry.objects.values_list("kind", flat=True)) == ["reserve", "settle"]


def test_a_cheaper_model_is_asked_when_little_is_left(desk: Desk, priced: FakeOpenAI) -> None:
    with desk.business.scope():
        Route(slug="small", name="Small", base_url=priced.base_url, chat_model="small").save()
    purse(desk, "5", spent="5", cheaper_route="small")
    priced.will_say(sql_reply(COUNTED))

    answer = desk.ask(FAR)

    assert (answer["status"], answer["used_model"]) == ("ready", "small")


def test_a_model_without_a_price_is_asked_whatever_is_spent(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    purse(desk, "5", spent="5")
    scripted_llm.will_say(sql_reply(COUNTED))

    asked = desk.put(FAR)
    work_off(desk.business)

    assert desk.get(asked["id"])["status"] == "ready"


def test_nothing_is_proposed_without_money(desk: Desk, priced: FakeOpenAI) -> None:
    purse(desk, "5", spent="5")

    refused = desk.business.api.post(f"/api/v1/analytics/datasets/{desk.dataset.pk}/suggest/")

    assert (refused.status_code, refused.json()["code"]) == (402, "budget_exhausted")
