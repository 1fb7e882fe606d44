"""What may be meant in two ways, and what costs much, is asked back first."""

from typing import Any

import pytest

from analytics.asking import answering, work
from analytics.asking.asking_back import MAX_TIMES
from analytics.meaning import Linked, Reading, link
from analytics.models import SqlRun
from analytics.running import RunLimits
from tests.analytics.asking.conftest import Desk, sql_reply, told
from tests.fakes.openai_server import FakeOpenAI
from tests.knowledge.conftest import work_off


@pytest.fixture
def two_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every question: which date is meant?"""

    def linked(*about: Any, **options: Any) -> Linked:
        found = link(*about, **options)
        readings = (Reading("date", (("orders", "ordered_on"), ("customers", "joined_on"))),)
        return Linked(found.tables, found.columns, found.values, readings)

    monkeypatch.setattr(answering, "link", linked)


@pytest.mark.usefixtures("two_readings")
def test_which_reading_is_meant_is_asked_and_the_model_told(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT max(joined_on) AS last FROM customers"))

    asked = desk.ask("What is the last date?")

    assert asked["status"] == "needs_clarification"
    assert asked["clarification"] == {
        "kind": "reading",
        "question": "What do you mean by «date»?",
        "choices": ["下单日期 of 订单", "joined_on of 客户"],
    }
    assert scripted_llm.chat_requests == []

    answer = desk.clarify(asked["id"], "joined_on of 客户")
    assert (answer["status"], answer["rows"]) == ("ready", [["2025-01-20"]])
    assert told(scripted_llm.chat_requests[0])["meant"] == "date = customers.joined_on"
    assert answer["clarification"]["answer"] == "joined_on of 客户"


@pytest.mark.usefixtures("two_readings")
def test_nothing_is_asked_back_of_a_verified_question(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    desk.teach("What is the last date?", "SELECT max(joined_on) AS last FROM customers")

    answer = desk.ask("What is the last date?")

    assert (answer["status"], answer["rows"]) == ("ready", [["2025-01-20"]])
    assert scripted_llm.chat_requests == []


@pytest.mark.usefixtures("two_readings")
def test_it_can_be_answered_in_the_conversation_too(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT max(ordered_on) AS 最后 FROM orders"))
    asked = desk.ask("最后的日期是哪天？")
    assert asked["clarification"]["question"].endswith("？") or "date" in asked["clarification"]["question"]

    goes_on = desk.put("1", conversation_id=asked["conversation_id"])

    assert goes_on["id"] == asked["id"]
    work_off(desk.business)
    assert desk.get(asked["id"])["rows"] == [["2025-03-30"]]


@pytest.mark.usefixtures("two_readings")
def test_what_is_no_answer_is_a_question_of_its_own(desk: Desk) -> None:
    asked = desk.ask("What is the last date?")
    other = desk.put("How many orders?", conversation_id=asked["conversation_id"])
    assert other["id"] != asked["id"]
    assert desk.get(asked["id"])["status"] == "needs_clarification"
    assert desk.call(asked["id"], "clarify", {"choice": "neither"}).status_code == 422
    assert desk.call(asked["id"], "clarify", {"choice": "3"}).status_code == 422
    assert desk.call(other["id"], "clarify", {"choice": "1"}).status_code == 409
    assert desk.call(asked["id"], "cancel").json()["status"] == "cancelled"


def test_nobody_is_asked_back_for_ever(desk: Desk, scripted_llm: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    def linked(*_about: Any, **_options: Any) -> Linked:
        choices = (("orders", "ordered_on"), ("customers", "joined_on"))
        return Linked((), (), (), tuple(Reading(f"word {number}", choices) for number in range(9)))

    monkeypatch.setattr(answering, "link", linked)
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    answer = desk.ask("What is the last date?")
    for _ in range(MAX_TIMES):
        assert answer["status"] == "needs_clarification"
        answer = desk.clarify(answer["id"], "1")
    assert answer["status"] == "ready", answer


# --- What costs much ----------------------------------------------------------------------------------------
@pytest.fixture
def all_is_costly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "READ_BACK_LIMITS", RunLimits(cost=0.001))


@pytest.mark.usefixtures("all_is_costly")
def test_something_costly_is_read_back_before_it_runs(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders", "This counts the orders."))

    asked = desk.ask("How many orders?")

    assert asked["status"] == "needs_clarification"
    assert asked["rows"] == []
    assert asked["clarification"]["kind"] == "confirm"
    assert "订单 with 6 rows" in asked["clarification"]["question"]
    assert "This counts the orders." in asked["clarification"]["question"]
    with desk.business.scope():
        assert not SqlRun.objects.filter(verdict="ok").exists()

    answer = desk.clarify(asked["id"], asked["clarification"]["choices"][0])
    assert (answer["status"], answer["rows"]) == ("ready", [[6]])
    assert answer["explanation"] == "This counts the orders."
    assert len(scripted_llm.chat_requests) == 1


@pytest.mark.usefixtures("all_is_costly")
def test_who_says_no_gets_nothing_run(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    asked = desk.ask("一共有多少订单？")
    answer = desk.clarify(asked["id"], asked["clarification"]["choices"][1])
    assert (answer["status"], answer["rows"]) == ("cancelled", [])
    with desk.business.scope():
        assert not SqlRun.objects.filter(verdict="ok").exists()


def test_what_explodes_is_refused_and_the_next_question_works(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    crossed = "SELECT count(*) FROM " + ", ".join(f"generate_series(1, 10000) s{number}" for number in range(4))
    scripted_llm.will_say(sql_reply(crossed), times=2)
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    assert desk.ask("How many combinations?")["error"]["code"] == "sql_too_costly"
    assert desk.ask("How many orders?")["rows"] == [[6]]
