"""What models get wrong, and what goes wrong with models: mended, repaired once, or clearly failed; never stuck."""

import json
from typing import Any

import pytest

from analytics.asking import writing
from analytics.models import SqlRun
from jobs.models import Job
from llm.models import ModelCall, Route
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.fakes.openai_server import FakeOpenAI, say


def test_a_slip_is_mended_without_asking_again(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT SUM(`amounts`) AS `total` FROM `order`", "All amounts, added up."))

    answer = desk.ask("What did we sell in total?")

    assert answer["rows"] == [[635.5]]
    assert [bool(attempt["error"]) for attempt in answer["attempts"]] == [True, False]
    # What the model said of its own statement is not said of the mended one.
    assert answer["explanation"] == "From «订单»; shows the sum of 金额."
    with desk.business.scope():
        verdicts = list(
            SqlRun.objects.filter(question_id=answer["id"]).order_by("at").values_list("verdict", flat=True)
        )
    assert verdicts[-1] == "ok"
    assert "ok" not in verdicts[:-1]


def test_what_rules_cannot_mend_the_model_repairs_once(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT city, sum(revenue) FROM orders GROUP BY 1"))
    right = "SELECT city, sum(amount) FROM orders JOIN customers ON customers.id = customer_id GROUP BY 1 ORDER BY 1"
    scripted_llm.will_say(sql_reply(right))

    answer = desk.ask("Revenue by city?")

    assert answer["status"] == "ready", answer
    assert len(answer["rows"]) == 3
    _prompt, repair = scripted_llm.chat_requests
    wrong = json.loads(repair.messages[-1]["content"].partition("\n")[2])
    assert "city" in wrong["error"]
    with desk.business.scope():
        origins = SqlRun.objects.filter(question_id=answer["id"], verdict="ok").values_list("origin", flat=True)
        assert list(origins) == ["repaired"]


def test_a_fault_that_stays_is_a_clear_failure(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT secret FROM salaries"))
    scripted_llm.will_say(sql_reply("SELECT secret FROM wages"))

    answer = desk.ask("What does everybody earn?")

    assert (answer["status"], answer["error"]["code"]) == ("failed", "sql_rejected")
    assert [attempt["sql"] for attempt in answer["attempts"]] == [
        "SELECT secret FROM salaries",
        "SELECT secret FROM wages",
    ]
    assert all(attempt["error"] for attempt in answer["attempts"])
    assert answer["rows"] == []


def test_failures_are_told_in_the_language_of_the_question(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_fail(401, times=None)
    answer = desk.ask("一共有多少订单？")
    assert answer["error"]["code"] == "provider_unavailable"
    assert not answer["error"]["detail"].isascii()


def _stall(fake: FakeOpenAI) -> None:
    fake.will_stall(after='{"sql": "SEL', times=None)


def _silent(fake: FakeOpenAI) -> None:
    fake.will_stall(times=None)


def _cut(fake: FakeOpenAI) -> None:
    fake.will_cut(after='{"sql": "SELECT', times=None)


def _limited(fake: FakeOpenAI) -> None:
    fake.will_fail(429, headers={"Retry-After": "120"}, times=None)


def _broken(fake: FakeOpenAI) -> None:
    fake.will_send_rubbish(b"<html>no</html>", content_type="text/html", times=None)


def _babbling(fake: FakeOpenAI) -> None:
    fake.will_say("I would rather talk about the weather.", times=None)


def _endless(fake: FakeOpenAI) -> None:
    fake.will_say("blah " * 60_000, chunks=300, times=None)


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (_stall, "provider_timeout"),
        (_silent, "provider_timeout"),
        (_cut, "provider_unavailable"),
        (_limited, "provider_unavailable"),
        (_broken, "provider_invalid"),
        (_babbling, "provider_invalid"),
        (_endless, "provider_invalid"),
    ],
)
def test_trouble_with_the_model_is_bounded(desk: Desk, fake_openai: FakeOpenAI, trouble: Any, code: str) -> None:
    trouble(fake_openai)
    with desk.business.scope():
        Route.objects.create(
            slug="own", name="own", base_url=fake_openai.base_url, chat_model="any", is_default=True,
            timeout_s=1, stall_timeout_s=1,
        )  # fmt: skip

    answer = desk.ask("How many orders?")

    assert (answer["status"], answer["error"]["code"]) == ("failed", code)
    with desk.business.scope():
        assert set(Job.objects.filter(subject_id=answer["id"]).values_list("status", flat=True)) == {"done"}
        calls = list(ModelCall.objects.all())
    assert calls
    assert all(call.outcome == "failed" for call in calls) or code == "provider_invalid"


def test_a_model_that_knows_no_forms_is_asked_without(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    def refuse_forms(request: Any) -> Any:
        if "response_format" in request.body or "temperature" in request.body:
            return say("", status=400, raw=b'{"error": {"message": "unsupported"}}')
        return sql_reply("SELECT count(*) FROM orders")

    scripted_llm.will_answer_with(refuse_forms, times=None)
    assert desk.ask("How many orders?")["rows"] == [[6]]
    assert desk.ask("How many orders are there?")["rows"] == [[6]]
    assert len(scripted_llm.chat_requests) == 3  # it was learned
    writing._PLAIN_ONLY.clear()


def test_of_several_answers_the_one_that_most_give_is_taken(
    desk: Desk, scripted_llm: FakeOpenAI, settings: Any
) -> None:
    settings.ANALYTICS_CANDIDATES = 4
    for sql in (
        "SELECT count(DISTINCT customer_id) FROM orders",
        "SELECT count(*) AS n FROM orders",
        "SELECT count(id) FROM orders",
        "SELECT count(*) FROM nowhere",
    ):
        scripted_llm.will_say(sql_reply(sql))

    answer = desk.ask("How many orders?")

    assert answer["rows"] == [[6]]
    assert len(scripted_llm.chat_requests) == 4
    assert sorted(request.body["temperature"] for request in scripted_llm.chat_requests) == [0, 0.8, 0.8, 0.8]
    with desk.business.scope():
        assert ModelCall.objects.count() == 4
