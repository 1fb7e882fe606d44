"""`GET /api/v1/usage/`: what Acme used, told to Acme alone."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from llm.metering import Payer, record_call
from llm.models import ModelCall
from llm.types import RouteConfig, Usage

ROUTE = RouteConfig("fast", "openai", "https://models.example/v1", chat_model="large", price_output=Decimal(1000))


def used(tokens: int, *, on: str = "2026-11-20T10:00:00+00:00", route: RouteConfig = ROUTE, **payer: object) -> None:
    """One call of the tenant in whose scope we are: so many input tokens, half as many output."""
    call = record_call(route=route, usage=Usage(tokens, tokens // 2), duration_ms=10, payer=Payer(**payer))
    ModelCall.objects.filter(pk=call.pk).update(at=datetime.fromisoformat(on))


def groups(response) -> list[tuple[object, int]]:
    assert response.status_code == 200, response.content
    return [(row["group"], row["input_tokens"]) for row in response.json()["results"]]


NOVEMBER = {"from": "2026-11-01", "to": "2026-12-01"}


def test_by_day_in_order(acme):
    with acme.scope():
        used(40, on="2026-11-21T23:59:59+00:00", turn_id=uuid7())
        used(10, turn_id=(turn := uuid7()))
        used(20, turn_id=turn)

    response = acme.api.get("/api/v1/usage/", by="day", **NOVEMBER)

    assert groups(response) == [("2026-11-20", 30), ("2026-11-21", 40)]
    assert response.json()["results"][0] == {
        "group": "2026-11-20",
        "input_tokens": 30,
        "output_tokens": 15,
        "cached_tokens": 0,
        "cost": 0.015,
        "currency": "USD",
        "calls": 2,
        "turns": 1,
    }


def test_by_persona_key_model_and_end_user(acme):
    persona, key = uuid7(), uuid7()
    with acme.scope():
        used(10, persona_id=persona, api_key_id=key, end_user="carol")
        used(20)

    assert groups(acme.api.get("/api/v1/usage/", by="persona", **NOVEMBER)) == [
        (None, 20),
        (str(persona), 10),
    ]
    assert groups(acme.api.get("/api/v1/usage/", by="key", **NOVEMBER)) == [(None, 20), (str(key), 10)]
    assert groups(acme.api.get("/api/v1/usage/", by="end_user", **NOVEMBER)) == [(None, 20), ("carol", 10)]
    assert groups(acme.api.get("/api/v1/usage/", by="model", **NOVEMBER)) == [("large", 30)]


def test_two_currencies_are_not_added_up(acme):
    with acme.scope():
        used(10)
        used(
            20,
            route=RouteConfig("home", "openai", chat_model="large", price_output=Decimal(1000), currency="CNY"),
        )

    rows = acme.api.get("/api/v1/usage/", by="model", **NOVEMBER).json()["results"]

    assert [(row["currency"], row["cost"]) for row in rows] == [("CNY", 0.01), ("USD", 0.005)]


def test_the_span_has_its_first_moment_and_not_its_last(acme):
    with acme.scope():
        used(1, on="2026-11-20T00:00:00+00:00")
        used(2, on="2026-11-21T00:00:00+00:00")

    assert groups(acme.api.get("/api/v1/usage/", **{"from": "2026-11-20", "to": "2026-11-21"})) == [("2026-11-20", 1)]
    hours = {"from": "2026-11-21T07:59:00+08:00", "to": "2026-11-21T09:00:00+08:00"}
    assert groups(acme.api.get("/api/v1/usage/", **hours)) == [("2026-11-21", 2)]


def test_without_a_span_it_is_the_last_thirty_days_by_day(acme):
    with acme.scope():
        used(1, on="2020-01-01T00:00:00+00:00")
        used(2, on=timezone.now().isoformat())

    response = acme.api.get("/api/v1/usage/")

    assert groups(response) == [(timezone.now().astimezone(UTC).date().isoformat(), 2)]
    assert response.json()["by"] == "day"


def test_mallory_learns_nothing(acme, globex):
    with acme.scope():
        used(10, end_user="carol")

    for by in ("persona", "key", "model", "day", "end_user"):
        assert groups(globex.api.get("/api/v1/usage/", by=by, **NOVEMBER)) == []


def test_a_key_without_the_scope_is_refused(open_business):
    acme = open_business("Acme", scopes=("chat", "knowledge"))

    response = acme.api.get("/api/v1/usage/")

    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"by": "colour"}, "by"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"to": "0001-01-01"}, "to"),
        ({"from": "\x00"}, "from"),
        ({"from": "2026-11-02", "to": "2026-11-01"}, "from"),
    ],
)
def test_a_question_that_makes_no_sense(acme, query, field):
    response = acme.api.get("/api/v1/usage/", **query)

    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [error["field"] for error in response.json()["errors"]] == [field]
