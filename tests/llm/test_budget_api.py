"""Budgets and rate limits over REST."""

from typing import Any
from uuid import uuid4

import pytest

from tenants.provisioning import issue_key
from tests.conftest import Api, Business


def test_a_budget_is_set_changed_and_taken_away(acme: Business) -> None:
    made = acme.api.post("/api/v1/budgets/", {"of": "tenant", "amount": 50, "warn_at": 70, "at_end": "stop"})
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["amount"], body["spent"], body["percent"], body["rung"]) == (50, 0, 0, "normal")
    address = f"/api/v1/budgets/{body['id']}/"

    changed = acme.api.patch(address, {"amount": "80.5", "text_zh": "下个月见！"})

    assert (changed.json()["amount"], changed.json()["warn_at"]) == (80.5, 70)
    assert acme.api.get("/api/v1/budgets/").json()["results"] == [acme.api.get(address).json()]
    assert acme.api.get("/api/v1/usage/").json()["budgets"][0]["text_zh"] == "下个月见！"
    assert acme.api.delete(address).status_code == 204
    assert acme.api.get(address).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"of": "tenant", "amount": -1}, "amount"),
        ({"of": "tenant"}, "amount"),
        ({"of": "persona", "amount": 1}, "subject_id"),
        ({"of": "tenant", "amount": 1, "subject_id": str(uuid4())}, "subject_id"),
        ({"of": "tenant", "amount": 1, "currency": "usd"}, "currency"),
        ({"of": "tenant", "amount": 1, "warn_at": 95}, "cheaper_at"),
        ({"of": "tenant", "amount": 1, "warn_at": 0}, "warn_at"),
        ({"of": "tenant", "amount": "NaN"}, "amount"),
    ],
)
def test_what_is_no_budget_is_refused(acme: Business, body: dict[str, Any], field: str) -> None:
    refused = acme.api.post("/api/v1/budgets/", body)

    assert refused.status_code == 422, refused.content
    assert field in {error["field"] for error in refused.json()["errors"]}


def test_there_is_one_budget_of_each(acme: Business) -> None:
    body = {"of": "key", "subject_id": str(uuid4()), "amount": 1}
    assert acme.api.post("/api/v1/budgets/", body).status_code == 201

    assert acme.api.post("/api/v1/budgets/", body).status_code == 409
    assert acme.api.post("/api/v1/budgets/", {**body, "currency": "CNY"}).status_code == 201


def test_a_neighbours_budgets_and_limits_are_none(acme: Business, globex: Business) -> None:
    budget = acme.api.post("/api/v1/budgets/", {"of": "tenant", "amount": 1}).json()["id"]
    limit = acme.api.post("/api/v1/rate-limits/", {"of": "key-turns", "limit": 5}).json()["id"]

    for address in (f"/api/v1/budgets/{budget}/", f"/api/v1/rate-limits/{limit}/"):
        assert globex.api.get(address).status_code == 404
        assert globex.api.patch(address, {"limit": 1, "amount": 0}).status_code == 404
        assert globex.api.delete(address).status_code == 404
        assert acme.api.get(address).status_code == 200
    assert globex.api.get("/api/v1/budgets/").json()["results"] == []
    assert globex.api.get("/api/v1/rate-limits/").json()["results"] == []


def test_a_limit_holds_from_then_on(acme: Business) -> None:
    made = acme.api.post("/api/v1/rate-limits/", {"of": "key-requests", "limit": 2, "window_s": 3600})
    assert made.status_code == 201, made.content

    # Not the key that set it: its own call was counted under what held before, and takes 10 ms to be forgotten.
    _key, token = issue_key(tenant=acme.tenant, scopes=("chat",))
    assert [Api(str(token)).get("/api/v1/me/").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "body",
    [
        {"of": "tenant-requests", "limit": 12_001, "window_s": 60},
        {"of": "tenant-turns", "limit": 6_000, "window_s": 59},
        {"of": "nonsense", "limit": 1},
        {"of": "key-turns", "limit": 0},
        {"of": "end-user-turns", "limit": 1, "subject_id": str(uuid4())},
    ],
)
def test_a_tenant_gives_itself_no_more_than_it_may(acme: Business, body: dict[str, Any]) -> None:
    assert acme.api.post("/api/v1/rate-limits/", body).status_code == 422


def test_only_who_manages_may_say_so(open_business: Any) -> None:
    acme = open_business("Acme", scopes=("chat",))

    for address in ("/api/v1/budgets/", "/api/v1/rate-limits/"):
        assert acme.api.get(address).status_code == 403
        assert acme.api.post(address, {}).status_code == 403
