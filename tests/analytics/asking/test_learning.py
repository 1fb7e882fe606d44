"""What people say of answers teaches later questions, once somebody who may has said so."""

import pytest

from analytics.api.questions import may_approve
from analytics.asking.learning import judge
from analytics.models import VerifiedPair
from tenants.authentication import Caller
from tenants.models import Member, User
from tenants.provisioning import issue_key
from tests.analytics.asking.conftest import QUESTIONS, Desk, sql_reply
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

RIGHT = "SELECT count(*) AS orders FROM orders WHERE amount > 0"


def pairs(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.business.scope():
        return list(VerifiedPair.objects.order_by("id").values_list("question", "sql", "status"))


def test_a_corrected_pair_answers_the_next_time(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM customers"))
    wrong = desk.ask("How many orders?")

    told = desk.call(wrong["id"], "feedback", {"correct": False, "sql": RIGHT})

    assert told.status_code == 200, told.content
    assert told.json()["is_correct"] is False
    assert pairs(desk) == [("How many orders?", RIGHT, "approved")]
    assert desk.ask("How many orders?")["rows"] == [[6]]
    assert len(scripted_llm.chat_requests) == 1


def test_a_right_answer_becomes_a_pair_once(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    right = desk.ask("一共有多少订单？")
    for _ in range(2):
        assert desk.call(right["id"], "feedback", {"correct": True}).status_code == 200
    assert pairs(desk) == [("一共有多少订单？", right["sql"], "approved")]


def test_from_a_key_that_may_not_manage_it_is_a_proposal(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    right = desk.ask("How many orders?")
    with desk.business.scope():
        _key, token = issue_key(tenant=desk.business.tenant, scopes=("analytics",))
    visitor = Business(desk.business.tenant, str(token)).api

    assert visitor.post(f"{QUESTIONS}{right['id']}/feedback/", {"correct": True}).status_code == 200

    assert [status for *_rest, status in pairs(desk)] == ["proposed"]


def test_a_proposal_counts_once_somebody_who_may_says_so(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    question = desk.row(desk.ask("How many orders?")["id"])
    with desk.business.scope():
        judge(question, is_correct=True, sql="", asker=desk.asker, may_approve=False)
        judge(question, is_correct=True, sql="", asker=desk.asker, may_approve=True)
    assert [status for *_rest, status in pairs(desk)] == ["approved"]


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("editor", True), ("agent", False), ("viewer", False)])
def test_of_members_those_who_may_edit_approve(acme: Business, role: str, may: bool) -> None:
    user = User.objects.create(email=f"{role}-{acme.tenant.slug}@acme.example")
    with acme.scope():
        member = Member.objects.create(user=user, role=role)
        caller = Caller(acme.id, "acme", "Acme", None, "", frozenset({"analytics"}), None, member_id=member.pk)
        assert may_approve(caller) is may


def test_what_turns_out_wrong_is_neither_cached_nor_kept_as_right(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM customers"))
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    wrong = desk.ask("How many orders?")
    desk.call(wrong["id"], "feedback", {"correct": True})
    assert desk.call(wrong["id"], "feedback", {"correct": False}).status_code == 200
    assert pairs(desk) == []
    assert desk.ask("How many orders?")["rows"] == [[6]]


def test_a_follow_up_is_learned_with_what_it_follows(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT sum(amount) FROM orders"))
    scripted_llm.will_say(sql_reply("SELECT date_trunc('month', ordered_on), sum(amount) FROM orders GROUP BY 1"))
    first = desk.ask("订单金额是多少？")
    second = desk.ask("那按月呢？", conversation_id=first["conversation_id"])
    desk.call(second["id"], "feedback", {"correct": True})
    assert [question for question, *_rest in pairs(desk)] == ["订单金额是多少？\n那按月呢？"]


def test_sql_that_may_not_run_teaches_nothing(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM customers"))
    wrong = desk.ask("How many orders?")
    for sql in ("DELETE FROM orders", "SELECT * FROM pg_authid", "SELECT set_config('app.tenant', '', true)"):
        refused = desk.call(wrong["id"], "feedback", {"correct": False, "sql": sql})
        assert (refused.status_code, refused.json()["code"]) == (422, "sql_rejected")
        assert refused.json()["rule"]
    assert pairs(desk) == []
    assert desk.get(wrong["id"])["is_correct"] is None


def test_what_is_not_answered_cannot_be_judged(desk: Desk) -> None:
    asked = desk.put("How many orders?")
    assert desk.call(asked["id"], "feedback", {"correct": True}).status_code == 409
    assert desk.call(asked["id"], "feedback", {}).status_code == 422
