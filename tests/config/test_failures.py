"""Callers of the API read JSON, whatever goes wrong."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from tenants import authentication


@pytest.fixture
def client(acme: Any) -> Client:
    return Client(raise_request_exception=False, headers=acme.headers)


def test_an_address_that_is_none_is_a_problem_too(client):
    answer = client.get("/api/v1/nothing/", headers={"X-Request-Id": "r-1"})

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["request_id"]) == ("not_found", "r-1")
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.get("/nothing")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/api/v1/me/", "/api/v1/conversations/", "/v1/models"])
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(OperationalError("no connection"), 503, "unavailable"), (ZeroDivisionError("secret"), 500, "internal_error")],
)
def test_a_fault_of_ours_is_told_without_its_insides(client, monkeypatch, path, failure, status, code):
    def fail(*_: Any) -> None:
        raise failure

    monkeypatch.setattr(authentication, "parse_token", fail)
    answer = client.get(path)

    assert answer.status_code == status
    told = answer.json()
    assert told.get("code", told.get("error", {}).get("code")) == code
    assert str(failure) not in answer.content.decode()
    assert answer["X-Request-Id"]
    assert ("Retry-After" in answer) == (status == 503)
