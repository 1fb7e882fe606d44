"""Without a model verified questions answer, with what differs put in; of others it is said what a model would do."""

from collections.abc import Iterator

import pytest

from analytics.models import Dataset, Question
from jobs.models import Job
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.fakes.openai_server import FakeOpenAI


def test_a_verified_question_is_answered_by_its_sql(desk: Desk) -> None:
    desk.teach("How many orders are there?", "SELECT count(*) AS orders FROM orders")
    answer = desk.ask("how many orders are there")
    assert (answer["status"], answer["rows"], answer["used_model"]) == ("ready", [[6]], "")
    assert answer["explanation"] == "From «订单»; shows the number of rows."


def test_names_and_dates_of_the_new_question_are_put_in(desk: Desk) -> None:
    desk.teach("2025年2月的订单金额是多少？",
               "SELECT sum(amount) AS 金额 FROM orders "
               "WHERE ordered_on >= DATE '2025-02-01' AND ordered_on < DATE '2025-03-01'",
               language="zh")  # fmt: skip
    answer = desk.ask("2025年3月的订单金额是多少？")
    assert answer["status"] == "ready", answer
    assert answer["rows"] == [[366]]
    assert "2025-03-01" in answer["sql"]


def test_what_is_not_near_says_what_a_model_would_add(desk: Desk) -> None:
    desk.teach("How many orders are there?", "SELECT count(*) FROM orders")
    english, chinese = desk.ask("Which customer is the most loyal?"), desk.ask("哪个城市的客户最忠诚？")
    assert english["status"] == chinese["status"] == "failed"
    assert english["error"]["code"] == chinese["error"]["code"] == "needs_model"
    assert "TROUPE_CHAT_MODEL" in english["error"]["detail"]
    assert "TROUPE_CHAT_MODEL" in chinese["error"]["detail"]
    with desk.business.scope():
        assert not Job.objects.exclude(status=Job.Status.DONE).exists()


@pytest.mark.parametrize("insult", ["You useless idiot, go to hell!", "你这个没用的蠢货，滚！"])
def test_an_insult_matches_nothing_and_the_next_question_is_answered_as_ever(desk: Desk, insult: str) -> None:
    desk.teach("How many orders are there?", "SELECT count(*) FROM orders")

    answer = desk.ask(insult)

    assert (answer["error"]["code"], answer["rows"], answer["attempts"]) == ("needs_model", [], [])
    assert insult not in answer["error"]["detail"]
    thread = answer["conversation_id"]
    after = [desk.ask("How many orders are there?", conversation_id=thread)["status"] for _ in range(2)]
    assert after == ["ready", "ready"]


def test_a_verified_question_that_no_longer_runs_is_passed_over(desk: Desk) -> None:
    desk.teach("How many orders are there?", "SELECT count(*) FROM gone")
    answer = desk.ask("How many orders are there?")
    assert answer["error"]["code"] == "needs_model"
    assert [attempt["sql"] for attempt in answer["attempts"]] == ['SELECT count(*) FROM "gone"']


def test_even_with_a_model_the_same_question_is_answered_by_its_pair(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    desk.teach("How many orders are there?", "SELECT count(*) FROM orders")
    assert desk.ask("How many orders are there?")["rows"] == [[6]]
    assert scripted_llm.chat_requests == []


# --- The cache ----------------------------------------------------------------------------------------------
def test_the_same_question_is_answered_from_the_cache_until_the_data_changes(
    desk: Desk, scripted_llm: FakeOpenAI
) -> None:
    for _ in range(2):
        scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    first, again = desk.ask("How many orders?"), desk.ask("  how many ORDERS")
    assert (again["is_cached"], again["rows"], again["sql"]) == (True, [[6]], first["sql"])
    assert len(scripted_llm.chat_requests) == 1

    with desk.business.scope():
        type(desk.dataset).objects.filter(pk=desk.dataset.pk).note_change()
    assert desk.ask("How many orders?")["is_cached"] is False
    assert len(scripted_llm.chat_requests) == 2


@pytest.fixture
def changing(desk: Desk) -> Iterator[None]:
    """The desk's dataset passes for one whose rows change by themselves, as the built-in one's do."""

    def becomes(kind: str) -> None:
        with desk.business.scope():
            Dataset.objects.filter(pk=desk.dataset.pk).update(kind=kind)

    becomes("conversations")
    yield
    becomes("files")


@pytest.mark.usefixtures("changing")
def test_where_data_changes_by_itself_the_sql_is_run_again(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    first = desk.ask("How many orders?")
    with desk.business.scope():
        Question.objects.filter(pk=first["id"]).update(rows=[["stale"]])
    again = desk.ask("How many orders?")
    assert (again["is_cached"], again["rows"]) == (True, [[6]])


def test_a_thread_is_part_of_what_is_cached(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT sum(amount) FROM orders"))
    scripted_llm.will_say(sql_reply("SELECT sum(quantity) FROM orders"))
    scripted_llm.will_say(sql_reply("SELECT 1 AS a, sum(amount) FROM orders"))
    scripted_llm.will_say(sql_reply("SELECT 2 AS a, sum(quantity) FROM orders"))
    money, pieces = desk.ask("How much did we sell?"), desk.ask("How many pieces did we sell?")
    by_money = desk.ask("And in a table?", conversation_id=money["conversation_id"])
    by_pieces = desk.ask("And in a table?", conversation_id=pieces["conversation_id"])
    assert (by_money["rows"], by_pieces["rows"]) == ([[1, 635.5]], [[2, 12]])
