"""What is kept of a result is bounded; what hangs on a dataset or on an end user goes with it."""

from decimal import Decimal
from typing import Any

from analytics.asker import Asker
from analytics.asking.keeping import MAX_BYTES, MAX_ROWS, kept_result
from analytics.asking.posting import ask
from analytics.asking.voting import elected
from analytics.datasets.keeping import delete_dataset
from analytics.models import Question, VerifiedPair
from analytics.running import Plan, Result, ResultColumn
from chat.models import EndUser
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.fakes.openai_server import FakeOpenAI


def result(rows: list[tuple[Any, ...]], *, truncated: bool = False) -> Result:
    return Result((ResultColumn("note", "text"),), rows, truncated, 1, Plan(1.0, 1), "SELECT")


def test_long_results_are_cut_and_say_so() -> None:
    many = kept_result("?", result([("x",)] * (MAX_ROWS + 5)), "en")
    wide = kept_result("?", result([("字" * 10_000,)] * 300), "zh")
    few = kept_result("?", result([("x",)]), "en")
    assert (len(many["rows"]), many["truncated"]) == (MAX_ROWS, True)
    assert len(wide["rows"]) == MAX_BYTES // 30_005
    assert wide["truncated"] is True
    assert (few["rows"], few["truncated"]) == ([["x"]], False)


def test_what_most_say_is_taken_and_something_before_nothing() -> None:
    assert elected([("a", [(1,)]), ("b", [(2,)]), ("c", [(Decimal("2.0"),)])]) == "b"
    assert elected([("a", []), ("b", []), ("c", [(2, "x")])]) == "c"
    assert elected([("a", [(1, 2), (3, 4)]), ("b", [(4, 3), (2, 1)])]) == "a"
    assert elected([("a", [])]) == "a"


def test_a_dataset_takes_its_questions_along(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    answer = desk.ask("How many orders?")
    desk.call(answer["id"], "feedback", {"correct": True})
    with desk.business.scope():
        delete_dataset(desk.dataset)
    with desk.business.scope():
        assert not Question.objects.exists()
        assert not VerifiedPair.objects.exists()


def test_an_end_user_takes_what_he_asked_along(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    with desk.business.scope():
        carol = EndUser.objects.create(external_id="carol")
        asked = ask(
            tenant=desk.business.id,
            dataset=desk.dataset,
            question="How many orders?",
            asker=Asker(desk.business.id, end_user_id=carol.pk),
        )
    others = desk.put("How many customers?")
    with desk.business.scope():
        EndUser.objects.filter(pk=carol.pk).delete()
        assert not Question.objects.filter(pk=asked.pk).exists()
        assert Question.objects.filter(pk=others["id"]).exists()
