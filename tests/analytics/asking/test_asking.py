"""Alice asks her shop, and gets SQL that passed the gate, rows, a chart and a sentence."""

import json
from uuid import uuid4

import pytest

from analytics.models import Question, SqlRun
from llm.models import ModelCall
from tests.analytics.asking.conftest import QUESTIONS, Desk, sql_reply, told
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI
from tests.knowledge.conftest import work_off

BY_CITY = (
    "SELECT city AS 城市, sum(amount) AS 金额 FROM orders JOIN customers ON customer_id = customers.id "
    "GROUP BY 1 ORDER BY 2 DESC"
)


def test_a_question_in_chinese_becomes_a_table_a_chart_and_a_sentence(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply(BY_CITY, "按城市合计订单金额。"))

    asked = desk.put("各城市的订单金额是多少？")
    assert asked["status"] == "queued"
    assert asked["queue"] == {"position": 1, "eta_s": None}
    work_off(desk.business)
    answer = desk.get(asked["id"])

    assert answer["status"] == "ready", answer
    assert answer["columns"] == [{"name": "城市", "type": "text"}, {"name": "金额", "type": "decimal"}]
    assert answer["rows"] == [["成都", 246], ["杭州", 215.5], ["London", 174]]
    assert answer["truncated"] is False
    assert answer["explanation"] == "按城市合计订单金额。"
    assert "成都" in answer["summary"]
    assert answer["chart"]["mark"]
    assert answer["attempts"] == [{"sql": answer["sql"], "error": None}]
    assert '"city"' in answer["sql"]
    assert desk.dataset.schema_name not in answer["sql"]
    assert (answer["error"], answer["clarification"], answer["is_cached"]) == (None, None, False)
    assert answer["progress"] == {"done": 4, "total": 4}
    assert answer["language"] == "zh"


def test_a_question_in_english_is_answered_in_english(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) AS orders FROM orders WHERE ordered_on >= DATE '2025-03-01'"))

    answer = desk.ask("How many orders since March?")

    assert answer["rows"] == [[3]]
    assert answer["explanation"].startswith("From «订单»; only rows where 下单日期 is from «2025-03-01» on")
    assert answer["summary"]


def test_an_explanation_in_another_language_is_not_taken(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders", "This counts the orders."))
    assert desk.ask("一共有多少订单？")["explanation"] == "从“订单”中，列出记录数。"


def test_the_model_is_shown_tables_history_and_examples(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    desk.teach("How many customers are there?", "SELECT count(*) FROM customers")
    scripted_llm.will_say(sql_reply("SELECT sum(amount) AS total FROM orders"))
    scripted_llm.will_say(sql_reply("SELECT date_trunc('month', ordered_on) AS m, sum(amount) FROM orders GROUP BY 1"))

    first = desk.ask("What did we sell in total?")
    second = desk.ask("and by month?", conversation_id=first["conversation_id"])

    assert second["conversation_id"] == first["conversation_id"]
    assert len(second["rows"]) == 3
    shown = told(scripted_llm.chat_requests[1])
    assert shown["history"] == [{"question": "What did we sell in total?", "sql": first["sql"]}]
    assert {table["name"] for table in shown["tables"]} == {"orders", "customers"}
    assert shown["examples"][0]["question"] == "How many customers are there?"
    assert shown["question"] == "and by month?"
    assert scripted_llm.chat_requests[0].body["response_format"]["json_schema"]["strict"] is True


def test_what_tables_cannot_answer_is_said(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    cannot = {"sql": "", "explanation": "", "cannot_answer": "表里没有天气。"}
    scripted_llm.will_say(json.dumps(cannot, ensure_ascii=False))
    scripted_llm.will_say(json.dumps(cannot | {"cannot_answer": "<b>Go to https://evil.example</b>"}))

    chinese, english = desk.ask("明天天气怎么样？"), desk.ask("Will it rain?")

    assert chinese["status"] == english["status"] == "failed"
    assert chinese["error"] == {"code": "cannot_answer", "detail": "表里没有天气。"}
    assert english["error"] == {"code": "cannot_answer", "detail": "I cannot answer this from these tables."}
    assert (chinese["rows"], chinese["attempts"]) == ([], [])


def test_every_run_is_kept_and_every_call_paid(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"), usage=(900, 20, 0))
    answer = desk.ask("How many orders?")
    with desk.business.scope():
        run = SqlRun.objects.get(question_id=answer["id"])
        call = ModelCall.objects.get()
    assert (run.origin, run.verdict, run.rows) == ("generated", "ok", 1)
    assert (call.input_tokens, call.output_tokens, call.outcome) == (900, 20, "ok")
    assert str(call.api_key_id) == str(run.key_id) == str(desk.row(answer["id"]).key_id)
    assert answer["used_model"] == call.model


# --- What comes in ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "question", ["", "   \n", "？！", "\u200b\u0007", "长" * 2001, "x" * 50_000, None, ["a"], "\x00"]
)
def test_what_is_no_question_is_refused(desk: Desk, question: object) -> None:
    response = desk.post(question)
    assert response.status_code == 422, response.content
    assert response.json()["errors"][0]["field"] == "question"
    with desk.business.scope():
        assert not Question.objects.exists()


def test_odd_letters_of_a_question_are_left_out(desk: Desk) -> None:
    asked = desk.put("How many\x07 orders? " + "长" * 1900)
    assert asked["question"].startswith("How many orders")
    assert len(asked["question"]) < 2000


def test_neither_thread_nor_dataset_of_others_can_be_used(desk: Desk, globex: Business) -> None:
    asked = desk.put("How many orders?")
    mallory = globex.api
    body = {"dataset": str(desk.dataset.pk), "question": "How many orders?"}
    assert mallory.post(QUESTIONS, body).status_code == 404
    for path in ("", "cancel/", "feedback/", "clarify/", "events/"):
        call = mallory.get if path in ("", "events/") else mallory.post
        extra = ({"correct": True, "choice": "1"},) if path.strip("/") in ("feedback", "clarify", "cancel") else ()
        assert call(f"{QUESTIONS}{asked['id']}/{path}", *extra).status_code == 404
    assert mallory.get(QUESTIONS).json()["results"] == []
    assert desk.post("And by month?", conversation_id=str(uuid4())).status_code == 404
    assert desk.get(asked["id"])["status"] == "queued"


def test_a_thread_stays_with_its_dataset_and_tenant(desk: Desk, globex: Business, open_desk) -> None:
    thread = desk.put("How many orders?")["conversation_id"]
    other = open_desk(desk.business, name="Other")
    assert other.post("And by month?", conversation_id=thread).status_code == 404
    assert open_desk(globex).post("And by month?", conversation_id=thread).status_code == 404


def test_the_same_call_sent_twice_asks_once(desk: Desk) -> None:
    body = {"dataset": str(desk.dataset.pk), "question": "How many orders?"}
    first = desk.business.api.post(QUESTIONS, body, **{"Idempotency-Key": "q-1"})
    again = desk.business.api.post(QUESTIONS, body, **{"Idempotency-Key": "q-1"})
    other = desk.business.api.post(QUESTIONS, {**body, "question": "Why?"}, **{"Idempotency-Key": "q-1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert other.status_code == 409


def test_a_key_needs_the_scope(desk: Desk, open_business) -> None:
    chatter = open_business("Chatter", scopes=("chat",))
    assert chatter.api.get(QUESTIONS).status_code == 403


def test_what_was_asked_is_listed_newest_first_without_results(desk: Desk, open_desk) -> None:
    first, second = desk.put("How many orders?"), desk.put("各城市的订单金额？")
    elsewhere = open_desk(desk.business, name="Other").put("How many customers?")

    listed = desk.business.api.get(QUESTIONS, dataset=str(desk.dataset.pk)).json()
    page = desk.business.api.get(QUESTIONS, limit=1).json()

    assert [each["id"] for each in listed["results"]] == [second["id"], first["id"]]
    assert "rows" not in listed["results"][0]
    assert [each["id"] for each in page["results"]] == [elsewhere["id"]]
    assert page["next"]
    thread = desk.business.api.get(QUESTIONS, conversation_id=first["conversation_id"]).json()
    assert [each["id"] for each in thread["results"]] == [first["id"]]
    assert desk.business.api.get(QUESTIONS, dataset="nonsense").status_code == 422
