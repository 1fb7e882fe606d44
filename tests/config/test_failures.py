"""Callers of the API read JSON, whatever goes wrong."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
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


def test_a_call_without_the_last_slash_is_told_so_and_its_body_not_lost_on_a_way_round(client):
    answer = client.post("/api/v1/knowledge-bases", {"name": "Handbook"}, content_type="application/json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "slash" in answer.json()["detail"]
    told = client.put("/api/v1/npc/worlds/inn", {}, content_type="application/json", headers={"Accept-Language": "zh"})
    assert (told.status_code, "斜杠" in told.json()["detail"]) == (404, True)
    assert client.get("/api/v1/knowledge-bases", follow=True).json()["results"] == []
    assert "slash" not in client.post("/api/v1/nothing").json()["detail"]


def test_an_id_in_capitals_is_the_same_id(client):
    base = client.post("/api/v1/knowledge-bases/", {"name": "Handbook"}, content_type="application/json").json()
    path = f"/api/v1/knowledge-bases/{base['id'].upper()}/documents/"
    document = client.post(path, {"title": "Tea", "text": "At four."}, content_type="application/json").json()

    assert client.get(f"/api/v1/documents/{document['id'].upper()}/").json()["id"] == document["id"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/problem+json", "text/event-stream"])
def test_who_asks_for_something_else_gets_json_all_the_same(client, accept):
    answer = client.get("/api/v1/conversations/", headers={"Accept": accept})
    refusal = client.get("/api/v1/conversations/?cursor=x", headers={"Accept": accept})

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert (refusal.status_code, refusal["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({f"f{n}": SimpleUploadedFile("a.txt", b"tea") for n in range(101)}, 422, "invalid"),
        ({f"f{n}": "tea" for n in range(1001)}, 422, "invalid"),
        ({"title": "tea" * 2_000_000}, 413, "body_too_large"),
    ],
    ids=["files", "fields", "a field"],
)
def test_a_form_that_django_will_not_read_is_a_problem_too(client, form, status, code):
    base = client.post("/api/v1/knowledge-bases/", {"name": "Handbook"}, content_type="application/json").json()

    answer = client.post(f"/api/v1/knowledge-bases/{base['id']}/documents/", form)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_host_that_is_not_ours_is_told_so(client):
    answer = client.get("/api/v1/me/", headers={"Host": "elsewhere.example"})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert client.get("/chat/x/", headers={"Host": "elsewhere.example"})["Content-Type"].startswith("text/html")


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
