"""A model may propose what tables mean; what it says waits until a person takes it over."""

import json

import pytest

from analytics.catalogues import catalogue_of
from analytics.meaning.suggesting import read_reply
from llm.models import ModelCall
from tests.fakes.openai_server import FakeOpenAI
from tests.knowledge.conftest import work_off


def path(dataset) -> str:
    return f"/api/v1/analytics/datasets/{dataset.pk}/"


def catalogue(business, dataset):
    with business.scope():
        return catalogue_of(dataset)


def test_a_model_proposes_and_only_what_is_taken_over_counts(acme, shop, scripted_llm: FakeOpenAI):
    amount = {"name": "amount", "description": "含税金额。", "synonyms": ["revenue", "金额"]}
    orders = {"name": "orders", "description": "一行是一笔订单。", "synonyms": ["purchases"], "columns": [amount]}
    scripted_llm.will_say(json.dumps({"tables": [orders, {"name": "vaults", "description": "x"}]}))

    assert acme.api.post(f"{path(shop)}suggest/").status_code == 202
    work_off(acme)

    proposals = acme.api.get(path(shop)).json()["glossary"]["proposals"]
    assert [(each["kind"], each["name"], each["description"], each["synonyms"]) for each in proposals] == [
        ("table", "orders", "一行是一笔订单。", ["purchases"]),
        ("column", "amount", "含税金额。", ["revenue"]),  # without its own label
    ]
    assert catalogue(acme, shop).table("orders").description == ""
    with acme.scope():
        assert ModelCall.objects.count() == 1
    (request,) = scripted_llm.chat_requests
    assert request.body["response_format"]["json_schema"]["strict"] is True
    assert [table["name"] for table in json.loads(request.messages[1]["content"])["tables"]] == ["customers", "orders"]

    taken = [{"id": proposals[0]["id"], "description": proposals[0]["description"], "synonyms": ["purchases"]}]
    acme.api.patch(path(shop), {"glossary": {"tables": taken}})

    assert catalogue(acme, shop).table("orders").synonyms == ("purchases",)
    left = acme.api.get(path(shop)).json()["glossary"]["proposals"]
    assert [each["name"] for each in left] == ["amount"]


def test_without_a_model_nothing_is_proposed(acme, shop):
    answer = acme.api.post(f"{path(shop)}suggest/")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot do that.",
        "[]",
        "{" * 5000 + "}",
        '{"tables": "all"}',
        '{"tables": [1, {"name": ["orders"]}, {"name": "orders", "description": 3, "synonyms": "x", "columns": {}}]}',
    ],
)
def test_a_reply_that_cannot_be_read_proposes_nothing(acme, shop, reply):
    assert list(read_reply(reply, catalogue(acme, shop).tables)) == []
