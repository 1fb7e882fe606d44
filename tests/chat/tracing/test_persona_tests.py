"""A persona's tests: kept over REST, run before it is published, compared with the run before."""

import json

import pytest
from django.core.management import CommandError, call_command

from chat.tracing.testing import create_test, made_of_turn
from tests.chat.tracing.conftest import turn_of
from tests.chat.tracing.test_claims_in_chat import _connect as connect
from tests.knowledge.conftest import work_off

GOOD = {"name": "Returns", "question": "How long may I return unopened tea?", "must_contain": ["30 DAYS"]}


def run(shop) -> dict:
    started = shop.business.api.post(shop.tests("run/"))
    assert started.status_code == 202, started.content
    assert started.json()["status"] == "queued"
    assert started.json()["queue"]["position"] == 1
    again = shop.business.api.post(shop.tests("run/"))
    assert again.json()["id"] == started.json()["id"]  # the same run
    work_off(shop.business)
    return shop.business.api.get(shop.tests(f"runs/{started.json()['id']}/")).json()


def test_tests_are_kept_changed_and_deleted(shop):
    api = shop.business.api
    made = api.post(shop.tests(), GOOD)
    assert made.status_code == 201, made.content
    test = made.json()
    assert test["must_contain"] == ["30 DAYS"]
    assert api.get(shop.tests()).json()["results"] == [test]

    changed = api.patch(shop.tests(f"{test['id']}/"), {"must_decline": True}).json()
    assert changed == {**test, "must_decline": True}
    assert api.delete(shop.tests(f"{test['id']}/")).status_code == 204
    assert api.get(shop.tests(f"{test['id']}/")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"question": ""}, {**GOOD, "must": []}, {**GOOD, "must_cite": ["x"]}, {**GOOD, "history": [{"role": "dog"}]}],
)
def test_odd_tests_are_refused(shop, body):
    assert shop.business.api.post(shop.tests(), body).status_code == 422
    assert shop.business.api.get(shop.tests()).json()["results"] == []


def test_without_tests_there_is_nothing_to_run(shop):
    assert shop.business.api.post(shop.tests("run/")).status_code == 409


def test_a_run_says_what_does_not_hold_and_what_changed_since_the_last_one(shop):
    api = shop.business.api
    cites = {**GOOD, "must_cite": [shop.documents["Terms"]], "must_not_contain": ["90 days"]}
    api.post(shop.tests(), cites)
    chess = api.post(shop.tests(), {"question": "Who won the chess championship?", "must_decline": True}).json()
    person = {"question": "谁赢了国际象棋比赛？", "must_hand_over": True, "must_contain": ["三个工作日"]}
    person = api.post(shop.tests(), person).json()

    first = run(shop)

    assert (first["status"], first["passed"], first["total"]) == ("done", 2, 3)
    assert first["progress"] == {"done": 3, "total": 3}
    by_test = {result["test"]: result for result in first["results"]}
    assert by_test[chess["id"]]["passed"]
    assert by_test[person["id"]]["failures"] == ["It does not contain «三个工作日»."]
    assert {result["change"] for result in first["results"]} == {"new"}

    api.patch(shop.tests(f"{person['id']}/"), {"must_contain": []})
    api.patch(shop.tests(f"{chess['id']}/"), {"must_decline": False, "must_contain": ["Kasparov"]})
    second = {result["test"]: result["change"] for result in run(shop)["results"]}

    assert second == {**dict.fromkeys(by_test, "same"), person["id"]: "fixed", chess["id"]: "broken"}


@pytest.mark.parametrize(
    ("handoff", "question", "answer", "is_met"),
    [
        ({"keywords": ["refund"]}, "Where are my refunds?", "On their way.", True),
        ({"keywords": ["fund"]}, "Where are my refunds?", "On their way.", False),  # whole words, as in a chat
        ({}, "转人工，谢谢", "好的。", True),
        ({"on_request": False}, "转人工，谢谢", "好的。", False),
        ({"on_negative_sentiment": True}, "This is terrible service", "I am sorry.", True),
        ({"by_persona": True}, "My ring fell into the tea.", "Wait, please.\n[[person: a ring]]", True),
        ({"on_low_confidence": 1}, "Who won the chess championship?", "The documents do not mention it.", True),
        ({"on_low_confidence": 2}, "Who won the chess championship?", "The documents do not mention it.", False),
        ({"enabled": False, "keywords": ["refund"]}, "Where is my refund?", "On its way.", False),
    ],
)
def test_a_person_is_called_by_the_rules_of_hand_over(shop, scripted_llm, handoff, question, answer, is_met):
    connect(shop, scripted_llm)
    scripted_llm.will_say(answer)
    shop.edits(handoff={"enabled": True, **handoff})
    shop.business.api.post(shop.tests(), {"question": question, "must_hand_over": True})

    (result,) = run(shop)["results"]

    assert result["failures"] == ([] if is_met else ["It does not offer a person."])
    assert "[[" not in result["text"]


@pytest.mark.parametrize(("said", "told"), [("Wait, please.", "Wait, please."), ("", "已为您转接人工客服，请稍候。")])
def test_a_person_is_called_by_the_tool(shop, scripted_llm, said, told):
    connect(shop, scripted_llm)
    scripted_llm.will_call("hand_over", {"reason": "a ring"}, saying=said)
    shop.edits(handoff={"enabled": True, "by_persona": True, "by_tool": True})
    shop.business.api.post(shop.tests(), {"question": "我的戒指掉进茶里了。", "must_hand_over": True})

    (result,) = run(shop)["results"]

    assert (result["failures"], result["text"]) == ([], told)


def test_the_draft_is_what_is_tried(shop):
    shop.business.api.post(shop.tests(), {"question": "Who won the chess championship?", "must_contain": ["No idea!"]})
    assert run(shop)["passed"] == 0

    shop.edits(refusal="No idea! Ask a colleague.")

    assert run(shop)["passed"] == 1


def test_a_good_answer_becomes_a_test_and_passes(ask, shop):
    completed = ask("未开封的茶叶多久可以退货？")
    with shop.business.scope():
        test = create_test(shop.persona, **made_of_turn(turn_of(shop.business, completed)))

    assert test.must_cite == [shop.documents["规则"]]
    assert run(shop)["passed"] == 1


def test_a_cancelled_run_keeps_what_was_tried(shop):
    shop.business.api.post(shop.tests(), GOOD)
    started = shop.business.api.post(shop.tests("run/")).json()

    cancelled = shop.business.api.post(shop.tests(f"runs/{started['id']}/cancel/")).json()

    assert cancelled["status"] == "cancelled"
    work_off(shop.business)
    assert shop.business.api.get(shop.tests(f"runs/{started['id']}/")).json()["results"] == []


def test_the_command_reports_and_exits_for_a_build(shop, capsys):
    slug = shop.business.tenant.slug
    with pytest.raises(CommandError) as nothing:
        call_command("persona_test", "mei", "--tenant", slug)
    assert nothing.value.returncode == 2
    shop.business.api.post(shop.tests(), GOOD)

    call_command("persona_test", "mei", "--tenant", slug)
    assert "1 of 1 passed" in capsys.readouterr().out

    shop.business.api.post(shop.tests(), {**GOOD, "name": "Wrong", "must_not_contain": ["30 days"]})
    with pytest.raises(SystemExit) as failed:
        call_command("persona_test", "mei", "--tenant", slug, "--json")
    assert failed.value.code == 1
    report = json.loads(capsys.readouterr().out)
    assert [(result["name"], result["change"]) for result in report["results"]] == [
        ("Returns", "same"),
        ("Wrong", "new"),
    ]


def test_mallory_reads_and_runs_nothing_of_acmes(shop, globex, open_shop):
    test = shop.business.api.post(shop.tests(), GOOD).json()
    run_id = run(shop)["id"]
    theirs = open_shop(globex)  # a persona of the same slug
    paths = [f"{test['id']}/", f"runs/{run_id}/"]

    assert [globex.api.get(theirs.tests(path)).status_code for path in paths] == [404, 404]
    assert globex.api.delete(theirs.tests(paths[0])).status_code == 404
    assert globex.api.patch(theirs.tests(paths[0]), {"name": "x"}).status_code == 404
    assert globex.api.post(theirs.tests(f"runs/{run_id}/cancel/")).status_code == 404
    assert globex.api.get(theirs.tests()).json()["results"] == []
    assert globex.api.get(theirs.tests("runs/")).json()["results"] == []
    by_id = f"/api/v1/personas/{shop.persona.pk}/tests/"
    assert [globex.api.get(by_id).status_code, globex.api.post(f"{by_id}run/").status_code] == [404, 404]


def test_a_key_without_manage_is_refused(shop):
    from tenants.provisioning import issue_key
    from tests.conftest import Api

    _key, token = issue_key(tenant=shop.business.tenant, scopes=("chat",))

    assert Api(str(token)).get(shop.tests()).status_code == 403
    assert Api(str(token)).post(shop.tests("run/")).status_code == 403
