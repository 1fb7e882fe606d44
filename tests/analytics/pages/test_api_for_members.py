"""The API's views, asked by members with a cookie instead of a key."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from analytics.models import Dataset, SqlRun
from analytics.pages.urls import ASKING
from analytics.urls import urlpatterns
from tenants.models import Member
from tests.admin.conftest import Worker, alice, hire
from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business

__all__ = ["alice", "hire"]


@pytest.fixture
def shop(acme: Business) -> Dataset:
    return make_dataset(acme, SHOP)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(f"/ask/api/{path}", body, content_type="application/json")


def test_an_owner_runs_sql_and_the_audit_knows_that_it_was_her(alice: Worker, acme: Business, shop: Dataset) -> None:
    answer = post(alice.client, f"datasets/{shop.pk}/run/", {"sql": "SELECT count(*) AS orders FROM orders"})

    assert answer.status_code == 200, answer.content
    assert answer.json()["rows"] == [[6]]
    run = alice.client.get("/ask/api/runs/").json()["results"][0]
    assert run["who"]["kind"] == "member"
    assert run["who"]["name"] == alice.user.email


def test_a_viewer_asks_but_changes_nothing(hire: Callable[..., Worker], acme: Business, shop: Dataset) -> None:
    vera = hire(acme, role=Member.Role.VIEWER, name="vera")

    asked = post(vera.client, "questions/", {"dataset": str(shop.pk), "question": "How many orders?"})
    refused = post(vera.client, f"datasets/{shop.pk}/run/", {"sql": "SELECT 1"})

    assert asked.status_code == 202, asked.content
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert vera.client.get("/ask/api/runs/").status_code == 403
    with acme.scope():
        assert not SqlRun.objects.exists()


def test_a_neighbours_member_finds_nothing(
    hire: Callable[..., Worker], globex: Business, acme: Business, shop: Dataset
) -> None:
    mallory = hire(globex, name="mallory")

    answer = post(mallory.client, f"datasets/{shop.pk}/run/", {"sql": "SELECT * FROM orders"})
    asked = post(mallory.client, "questions/", {"dataset": str(shop.pk), "question": "How many orders?"})

    assert (answer.status_code, asked.status_code) == (404, 404)
    assert mallory.client.get("/ask/api/questions/").json()["results"] == []


def test_a_cookie_alone_does_not_do_and_a_key_is_not_asked_for(alice: Worker, acme: Business, shop: Dataset) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(alice.user)

    assert post(forged, f"datasets/{shop.pk}/run/", {"sql": "SELECT 1"}).status_code == 403
    assert acme.api.client.get("/ask/api/questions/").status_code == 401
    signed_out = Client().get("/ask/api/questions/")
    assert (signed_out.status_code, signed_out.json()["code"]) == (401, "unauthenticated")


def test_what_everybody_may_do_are_addresses_that_there_are() -> None:
    assert {str(pattern.pattern) for pattern in urlpatterns} >= ASKING
