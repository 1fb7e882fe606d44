"""The served OpenAPI document: whole, valid, and the same as what is served."""

from io import StringIO
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

# As the public contract names them; what stands in braces may be called otherwise in the document.
ENDPOINTS = [
    "GET /api/v1/me/",
    "GET /api/v1/usage/",
    "GET /api/v1/knowledge-bases/",
    "POST /api/v1/knowledge-bases/",
    "GET /api/v1/knowledge-bases/{}/",
    "PATCH /api/v1/knowledge-bases/{}/",
    "DELETE /api/v1/knowledge-bases/{}/",
    "GET /api/v1/knowledge-bases/{}/documents/",
    "POST /api/v1/knowledge-bases/{}/documents/",
    "POST /api/v1/knowledge-bases/{}/search/",
    "GET /api/v1/documents/{}/",
    "DELETE /api/v1/documents/{}/",
    "GET /api/v1/documents/{}/chunks/",
    "POST /api/v1/documents/{}/cancel/",
    "POST /api/v1/documents/{}/retry/",
    "GET /api/v1/personas/",
    "POST /api/v1/personas/",
    "GET /api/v1/personas/{}/",
    "PATCH /api/v1/personas/{}/",
    "DELETE /api/v1/personas/{}/",
    "POST /api/v1/personas/{}/publish/",
    "POST /api/v1/personas/{}/rollback/",
    "POST /api/v1/personas/{}/prompt/",
    "GET /api/v1/personas/{}/versions/",
    "GET /api/v1/persona-kinds/",
    "GET /api/v1/persona-kinds/{}/",
    "POST /api/v1/chat/sessions/",
    "POST /api/v1/public/{}/sessions/",
    "GET /api/v1/conversations/",
    "GET /api/v1/conversations/{}/",
    "DELETE /api/v1/conversations/{}/",
    "GET /api/v1/conversations/{}/messages/",
    "GET /api/v1/conversations/{}/events/",
    "POST /api/v1/conversations/{}/turns/",
    "PUT /api/v1/npc/worlds/{}/",
    "GET /api/v1/npc/worlds/{}/",
    "POST /api/v1/npc/sessions/",
    "PATCH /api/v1/npc/sessions/{}/state/",
    "POST /api/v1/npc/sessions/{}/events/",
    "POST /api/v1/npc/sessions/{}/saves/",
    "POST /api/v1/npc/sessions/{}/turns/{}/replay/",
    "GET /api/v1/npc/sessions/{}/export/",
    "POST /api/v1/npc/sessions/import/",
    "GET /v1/models",
    "POST /v1/chat/completions",
    "POST /v1/embeddings",
]


@pytest.fixture(scope="module")
def document(database: None) -> dict[str, Any]:
    """Written by the command, which fails for a warning and for a document that is not valid."""
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    written: dict[str, Any] = yaml.safe_load(out.getvalue())
    return written


def shape_of(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_it_is_openapi_3_1_and_needs_a_key(document):
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_every_endpoint_of_the_contract_is_in_it(document):
    described = {
        f"{method.upper()} {shape_of(path)}" for path, methods in document["paths"].items() for method in methods
    }

    assert [endpoint for endpoint in ENDPOINTS if endpoint not in described] == []


def test_lists_are_described_as_pages(document):
    for path in ("/api/v1/conversations/", "/api/v1/knowledge-bases/", "/api/v1/personas/"):
        listed = document["paths"][path]["get"]
        page = listed["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert set(document["components"]["schemas"][page]["properties"]) == {"results", "next", "previous"}
        assert {"limit", "cursor"} <= {parameter["name"] for parameter in listed["parameters"]}


def test_a_patch_of_a_state_is_described_as_it_is_taken(document):
    call = document["paths"]["/api/v1/npc/sessions/{session_id}/state/"]["patch"]

    assert [one["required"] for one in call["parameters"] if one["name"] == "If-Match"] == [True]
    kinds = {kind: sent["schema"]["type"] for kind, sent in call["requestBody"]["content"].items()}
    assert kinds == {"application/json-patch+json": "array", "application/merge-patch+json": "object"}


@pytest.mark.parametrize(
    ("method", "path", "failures"),
    [
        ("post", "/api/v1/npc/sessions/{session_id}/turns/", "401 403 404 409 413 415 422 429"),
        ("patch", "/api/v1/npc/sessions/{session_id}/state/", "401 403 404 409 413 415 422 428 429"),
        ("get", "/api/v1/npc/sessions/{session_id}/knowledge/", "401 403 404 429"),
        ("post", "/api/v1/webhooks/", "401 403 409 413 415 422 429"),
        ("get", "/api/v1/me/", "401 403 429"),
    ],
)
def test_what_a_call_may_fail_with_is_described(document, method, path, failures):
    responses = document["paths"][path][method]["responses"]

    told = {status: told for status, told in responses.items() if status >= "400"}
    assert " ".join(told) == failures
    for failure in told.values():
        assert failure["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Failure")
    assert "code" in document["components"]["schemas"]["Failure"]["required"]


def test_every_described_endpoint_is_really_there(document, acme):
    """One that is not would be a page that is not found, instead of our own answer."""
    for path, methods in document["paths"].items():
        address = path.replace("{conversation_id}", str(acme.id)).replace("{document_id}", str(acme.id))
        address = "/".join("nothing" if part.startswith("{") else part for part in address.split("/"))
        for method in methods:
            answer = Client().generic(method.upper(), address, b"{}", content_type="application/json")
            assert answer.status_code in (401, 404), (method, path, answer.status_code)
            assert answer["Content-Type"] in ("application/problem+json", "application/json"), (method, path)


def test_the_document_and_its_pages_are_served():
    served = Client().get("/api/schema/")

    assert served.status_code == 200
    assert yaml.safe_load(served.content)["info"]["title"] == "Troupe"
    assert Client().get("/api/docs/").status_code == 200
