"""Alice keeps a question, and her colleagues run it with other values."""

import pytest

from analytics.models import Question, SavedQuestion, SqlRun

SAVED = "/api/v1/analytics/saved"
SQL = (
    "SELECT c.city, sum(o.amount) AS total FROM orders o JOIN customers c ON c.id = o.customer_id "
    "WHERE o.ordered_on >= date '2025-01-01' AND o.product = '龙井茶' GROUP BY c.city ORDER BY total DESC"
)
PARAMETERS = [
    {"name": "since", "type": "date", "value": "2025-01-01"},
    {"name": "product", "label": "商品", "type": "choice", "value": "龙井茶", "choices": ["龙井茶", "茶杯"]},
]
CHART = {"kind": "pie", "x": "city", "y": ["total"]}


def saved(business, dataset, **fields):
    told = {"dataset": str(dataset.pk), "name": "城市销售", "sql": SQL, "parameters": PARAMETERS} | fields
    return business.api.post(f"{SAVED}/", told)


def test_a_question_is_kept_with_its_values_as_parameters_and_run_with_others(acme, shop):
    kept = saved(acme, shop, question="各城市的销售额", chart=CHART).json()

    assert '"product" = :product' in kept["sql"]
    assert "CAST(:since AS DATE)" in kept["sql"]
    assert kept["parameters"][1]["choices"] == ["龙井茶", "茶杯"]
    assert acme.api.get(f"{SAVED}/{kept['id']}/").json() == kept

    as_kept = acme.api.post(f"{SAVED}/{kept['id']}/run/", {})
    other = acme.api.post(f"{SAVED}/{kept['id']}/run/", {"parameters": {"product": "茶杯", "since": "2025-03-01"}})

    assert as_kept.status_code == other.status_code == 201
    assert as_kept.json()["status"] == "ready"
    assert as_kept.json()["rows"] == [["杭州", 176], ["成都", 88]]
    assert as_kept.json()["chart"]["usermeta"]["kind"] == "pie"
    assert other.json()["rows"] == [["成都", 158]]
    assert other.json()["question"] == "城市销售 · since: 2025-03-01 · 商品: 茶杯"
    with acme.scope():
        runs = SqlRun.objects.filter(origin="saved", verdict="ok")
        assert {str(run.question_id) for run in runs} == {as_kept.json()["id"], other.json()["id"]}


def test_what_was_run_is_a_question_with_a_link_and_files(acme, shop):
    kept = saved(acme, shop).json()
    ran = acme.api.post(f"{SAVED}/{kept['id']}/run/", {}).json()

    assert acme.api.get(f"/api/v1/analytics/questions/{ran['id']}/").json()["rows"] == ran["rows"]
    assert acme.api.get(f"/api/v1/analytics/questions/{ran['id']}/result.csv").status_code == 200


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"product": "茶杯' OR '1'='1"}, "parameters.product"),
        ({"since": "yesterday"}, "parameters.since"),
        ({"since": {"a": 1}}, "parameters.since"),
        ({"city": "杭州"}, "parameters.city"),
    ],
)
def test_a_value_that_does_not_suit_runs_nothing(acme, shop, given, field):
    kept = saved(acme, shop).json()

    answer = acme.api.post(f"{SAVED}/{kept['id']}/run/", {"parameters": given})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    with acme.scope():
        assert not SqlRun.objects.exists()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE orders",
        "SELECT * FROM pg_user",
        "SELECT set_config('app.tenant', '', true)",
        "SELECT * FROM nowhere",
    ],
)
def test_what_the_gate_refuses_is_not_kept(acme, shop, sql):
    answer = saved(acme, shop, sql=sql, parameters=[])

    assert (answer.status_code, answer.json()["code"]) == (422, "sql_rejected")
    with acme.scope():
        assert not SavedQuestion.objects.exists()


def test_a_value_cannot_make_another_statement_of_it(acme, shop):
    any_text = [{"name": "who", "type": "text", "value": "杭州"}]
    kept = saved(acme, shop, sql="SELECT name FROM customers WHERE city = '杭州'", parameters=any_text).json()

    ran = acme.api.post(
        f"{SAVED}/{kept['id']}/run/", {"parameters": {"who": "' OR 1=1 UNION SELECT note FROM orders --"}}
    )

    assert ran.status_code == 201
    assert ran.json()["rows"] == []


def test_a_saved_question_is_changed_listed_and_deleted(acme, shop):
    kept = saved(acme, shop).json()
    address = f"{SAVED}/{kept['id']}/"

    changed = acme.api.patch(address, {"name": "Sales", "sql": "SELECT count(*) FROM orders", "parameters": []}).json()

    assert (changed["name"], changed["parameters"], changed["sql"]) == ("Sales", [], "SELECT count(*) FROM orders")
    assert [each["id"] for each in acme.api.get(f"{SAVED}/", dataset=str(shop.pk)).json()["results"]] == [kept["id"]]
    assert acme.api.patch(address, {"sql": "DELETE FROM orders"}).status_code == 422
    assert acme.api.get(address).json()["sql"] == "SELECT count(*) FROM orders"
    assert acme.api.delete(address).status_code == 204
    assert acme.api.get(address).status_code == 404


def test_the_literals_of_a_statement_are_offered(acme):
    answer = acme.api.post(f"{SAVED}/literals/", {"sql": SQL}).json()

    assert answer["literals"] == [
        {"value": "2025-01-01", "type": "date", "column": "ordered_on"},
        {"value": "龙井茶", "type": "text", "column": "product"},
    ]


def test_a_run_that_fails_says_why_and_stays_in_the_history(acme, shop):
    kept = saved(acme, shop, sql="SELECT 1 / (quantity - 1) FROM orders", parameters=[]).json()

    answer = acme.api.post(f"{SAVED}/{kept['id']}/run/", {})

    assert (answer.status_code, answer.json()["code"]) == (422, "sql_failed")
    with acme.scope():
        assert Question.objects.get().error_code == "sql_failed"


def test_mallory_finds_nothing_to_run(acme, globex, shop):
    address = f"{SAVED}/{saved(acme, shop).json()['id']}/"

    assert globex.api.get(f"{SAVED}/").json()["results"] == []
    for answer in (
        globex.api.get(address),
        globex.api.patch(address, {"name": "Mine"}),
        globex.api.delete(address),
        globex.api.post(f"{address}run/", {}),
        saved(globex, shop),
    ):
        assert answer.status_code == 404
