"""Verified questions through the API: proposed by anybody, approved by who answers for the data."""

import pytest

from analytics.meaning import approved_pairs
from analytics.meaning.known_questions import nearest_pairs
from analytics.models import Dataset
from tenants.provisioning import issue_key
from tests.conftest import Business

COUNT = {"question": "有多少客户？", "sql": "SELECT count(*) FROM customers"}


def path(dataset, pair: dict[str, str] | None = None) -> str:
    return f"/api/v1/analytics/datasets/{dataset.pk}/pairs/" + (f"{pair['id']}/" if pair else "")


def version(business, dataset) -> int:
    with business.scope():
        return Dataset.objects.get(pk=dataset.pk).version


@pytest.fixture
def clerk(acme) -> Business:
    with acme.scope():
        _key, token = issue_key(tenant=acme.tenant, scopes=("analytics",))
    return Business(acme.tenant, str(token))


def test_what_a_clerk_proposes_teaches_once_it_is_approved(acme, clerk, shop):
    answer = clerk.api.post(path(shop), COUNT)
    assert answer.status_code == 201, answer.content
    pair = answer.json()
    assert (pair["status"], pair["language"], pair["origin"]) == ("proposed", "zh", "member")
    assert approved_pairs(shop) == []
    assert clerk.api.patch(path(shop, pair), {"status": "approved"}).status_code == 403
    before = version(acme, shop)

    assert acme.api.patch(path(shop, pair), {"status": "approved"}).status_code == 200

    assert version(acme, shop) == before + 1
    assert [str(found.pk) for found in approved_pairs(shop)] == [pair["id"]]
    assert clerk.api.delete(path(shop, pair)).status_code == 403
    assert acme.api.delete(path(shop, pair)).status_code == 204
    assert acme.api.get(path(shop)).json()["results"] == []


def test_the_list_is_sorted_out_by_status(acme, shop):
    acme.api.post(path(shop), {**COUNT, "status": "proposed"})
    acme.api.post(path(shop), {"question": "Orders?", "sql": "SELECT count(*) FROM orders"})
    approved = acme.api.get(path(shop), status="approved").json()["results"]
    assert [(pair["question"], pair["language"]) for pair in approved] == [("Orders?", "en")]
    assert len(acme.api.get(path(shop)).json()["results"]) == 2


def test_a_changed_question_is_embedded_anew(acme, shop):
    pair = acme.api.post(path(shop), COUNT).json()
    ((_, before),) = nearest_pairs(shop, approved_pairs(shop), "Where is the tea?")
    acme.api.patch(path(shop, pair), {"question": "Where is the tea?"})
    ((_, after),) = nearest_pairs(shop, approved_pairs(shop), "Where is the tea?")
    assert before < 0.5
    assert after == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**COUNT, "sql": "DROP TABLE customers"}, "sql_rejected"),
        ({**COUNT, "sql": "SELECT * FROM pg_shadow"}, "sql_rejected"),
        ({"question": "\u200b", "sql": COUNT["sql"]}, "invalid"),
        ({"question": "x" * 2000, "sql": COUNT["sql"]}, "invalid"),
        ({"question": "x"}, "invalid"),
        ({**COUNT, "status": "seen"}, "invalid"),
    ],
)
def test_what_may_not_run_is_no_pair(acme, shop, body, code):
    answer = acme.api.post(path(shop), body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert acme.api.get(path(shop)).json()["results"] == []


def test_the_same_pair_twice_is_a_conflict(acme, shop):
    assert acme.api.post(path(shop), COUNT).status_code == 201
    assert acme.api.post(path(shop), COUNT).status_code == 409


def test_a_pair_of_another_dataset_is_not_found_under_this_one(acme, globex, shop, build_dataset):
    other = build_dataset(acme, {"customers": ([("id", "integer")], [])})
    pair = acme.api.post(path(shop), COUNT).json()
    assert acme.api.get(path(other, pair)).status_code == 404
    assert globex.api.get(path(shop, pair)).status_code == 404
    assert globex.api.patch(path(shop, pair), {"status": "approved"}).status_code == 404
    assert globex.api.delete(path(shop, pair)).status_code == 404
    assert globex.api.get(path(shop)).status_code == 404
    assert globex.api.post(path(shop), COUNT).status_code == 404
