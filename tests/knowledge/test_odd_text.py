"""NUL, half characters and what turns text around, in every field of the API that takes text."""

import json
from collections.abc import Callable
from typing import Any

import pytest

ODD = {
    "NUL": "\x00",
    "half a character": "\ud800",
    "right to left": "\u202egnp.exe\u202c",
    "invisible": "\u200b\u2060",
    "nothing else": "\x00\ud800",
}
NEVER_STORED = {"\x00", *map(chr, range(0xD800, 0xE000))}


def text(odd: str) -> str:
    return f"Green{odd} tea"


# Each sends an odd text in one field; the address is that of Alice's shelf.
CALLS: dict[str, Callable[[str], tuple[str, str, Any]]] = {
    "base name": lambda odd: ("POST", "/api/v1/knowledge-bases/", {"name": text(odd)}),
    "base slug": lambda odd: ("POST", "/api/v1/knowledge-bases/", {"name": "x", "slug": f"a{odd}b"}),
    "base language": lambda odd: ("POST", "/api/v1/knowledge-bases/", {"name": "x", "language": f"zh{odd}"}),
    "new name": lambda odd: ("PATCH", "{shelf}", {"name": text(odd)}),
    "title": lambda odd: ("POST", "{shelf}documents/", {"title": text(odd), "text": "We open at nine."}),
    "text": lambda odd: ("POST", "{shelf}documents/", {"title": "Tea", "text": text(odd)}),
    "metadata value": lambda odd: (
        "POST", "{shelf}documents/", {"title": "Tea", "text": "Tea.", "metadata": {"shop": text(odd)}}
    ),
    "metadata name": lambda odd: (
        "POST", "{shelf}documents/", {"title": "Tea", "text": "Tea.", "metadata": {text(odd): "x"}}
    ),
    "question": lambda odd: ("POST", "{shelf}search/", {"query": text(odd)}),
    "question of nothing else": lambda odd: ("POST", "{shelf}search/", {"query": odd}),
    "filter": lambda odd: ("POST", "{shelf}search/", {"query": "tea", "filter": {text(odd): text(odd)}}),
    "mode": lambda odd: ("POST", "{shelf}search/", {"query": "tea", "mode": f"hybrid{odd}"}),
    "persona name": lambda odd: ("POST", "/api/v1/personas/", {"slug": "a", "name": text(odd), "kind": "companion"}),
    "persona slug": lambda odd: ("POST", "/api/v1/personas/", {"slug": f"a{odd}", "name": "A", "kind": "companion"}),
    "persona kind": lambda odd: ("POST", "/api/v1/personas/", {"slug": "a", "name": "A", "kind": f"companion{odd}"}),
    "persona setting": lambda odd: (
        "POST", "/api/v1/personas/", {"slug": "a", "name": "A", "kind": "companion", "settings": {"voice": text(odd)}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("field", CALLS)
def test_a_field_with_odd_text_is_taken_clean_or_refused(shelf, field):
    for odd in ODD:
        method, path, body = CALLS[field](ODD[odd])

        answer = shelf.business.api.client.generic(
            method, path.format(shelf=shelf.path), json.dumps(body), content_type="application/json"
        )

        assert answer.status_code in (200, 201, 202, 409, 422), (odd, answer.content)
        if answer.status_code == 422:
            assert answer.json()["code"] in ("invalid", "document_empty")
    for listed in ("/api/v1/knowledge-bases/", f"{shelf.path}documents/", "/api/v1/personas/"):
        assert not NEVER_STORED & set(json.dumps(shelf.business.api.get(listed).json(), ensure_ascii=False))


@pytest.mark.parametrize(
    "path", ["knowledge-bases/a%00b/", "knowledge-bases/%FF/", "personas/%00/", "personas/a%ED%A0%80/"]
)
def test_an_address_with_odd_text_names_nothing(shelf, path):
    answer = shelf.business.api.get(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_query_with_odd_text_finds_nothing(shelf):
    for query in ("?status=%00", "?cursor=%00", "?limit=%00", "?cursor=%FF%FE"):
        answer = shelf.business.api.client.get(f"{shelf.path}documents/{query}")
        assert answer.status_code in (200, 404, 422), (query, answer.content)


@pytest.mark.parametrize("key", ["a\x00b", "é" * 20, "x" * 201, "\u202e"])
def test_an_odd_idempotency_key_is_a_key_or_refused(shelf, key):
    answer = shelf.business.api.post("/api/v1/knowledge-bases/", {"name": "Tea"}, **{"Idempotency-Key": key})

    assert answer.status_code in (201, 422), answer.content
