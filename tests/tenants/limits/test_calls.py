"""What callers are told of their limits, over HTTP: with each answer, and when they have called too often."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from personas.publishing import create_persona, publish
from tenants.limits.visitors import believable
from tenants.models import ApiKey, RateLimit, Scope
from tenants.provisioning import issue_key
from tests.conftest import Api, Business

Of = RateLimit.Of


def test_every_answer_says_what_is_left(acme: Business) -> None:
    first, second = acme.api.get("/api/v1/me/"), acme.api.get("/api/v1/knowledge-bases/")

    assert first.headers["RateLimit-Policy"] == '"tenant-requests";q=12000;w=60, "key-requests";q=6000;w=60'
    left = [int(re.search(r'"key-requests";r=(\d+)', answer.headers["RateLimit"])[1]) for answer in (first, second)]
    assert left[0] >= left[1] >= 5990


def test_who_calls_too_often_is_told_when_to_come_back(acme: Business, globex: Business, limit: Any) -> None:
    limit(acme, Of.KEY_REQUESTS, 2)
    for _ in range(2):
        assert acme.api.get("/api/v1/me/").status_code == 200

    refused = acme.api.get("/api/v1/me/")

    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    body = refused.json()
    assert (body["code"], body["limit"]) == ("rate_limited", "key-requests")
    assert int(refused.headers["Retry-After"]) == body["retry_after_s"] in range(1700, 1801)
    assert '"key-requests";r=0' in refused.headers["RateLimit"]
    assert globex.api.get("/api/v1/me/").status_code == 200


def test_one_key_does_not_use_up_anothers_calls(acme: Business, limit: Any) -> None:
    _key, token = issue_key(tenant=acme.tenant, scopes=tuple(Scope.values))
    limit(acme, Of.KEY_REQUESTS, 1)
    assert acme.api.get("/api/v1/me/").status_code == 200
    assert acme.api.get("/api/v1/me/").status_code == 429

    assert Api(str(token)).get("/api/v1/me/").status_code == 200


def test_a_key_may_have_a_limit_of_its_own(acme: Business, limit: Any) -> None:
    with acme.scope():
        key = ApiKey.objects.get()
    limit(acme, Of.KEY_REQUESTS, 1)
    limit(acme, Of.KEY_REQUESTS, 3, subject_id=key.pk)

    assert [acme.api.get("/api/v1/me/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_under_v1_the_refusal_has_openais_shape(acme: Business, limit: Any) -> None:
    limit(acme, Of.TENANT_REQUESTS, 1)
    assert acme.api.get("/v1/models").status_code == 200

    refused = acme.api.get("/v1/models")

    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limited"
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert int(refused.headers["Retry-After"]) > 0
    assert "RateLimit-Policy" in refused.headers


def test_keys_that_are_none_are_limited_by_address() -> None:
    """Whoever guesses: 120 tries, and then not even an answer on whether the key was right."""
    client = Client(headers={"Authorization": f"Bearer tk_{uuid4().hex}_aaaaaaaaaaaaaaaa"}, REMOTE_ADDR="8.8.8.8")
    answers = list[int]()
    while 429 not in answers and len(answers) < 1000:  # some come back while we ask
        answers.append(client.get("/api/v1/me/").status_code)

    assert answers[:120] == [401] * 120
    assert answers[-1] == 429


@pytest.fixture
def open_inn(acme: Business) -> str:
    with acme.scope():
        persona = create_persona(
            tenant_id=acme.id, slug="inn", name="Inn", kind="companion", settings={"instructions": "You keep an inn."}
        )
        publish(persona)
        return str(persona.publishable_key)


def visits(key: str, address: str, **headers: str) -> int:
    client = Client(REMOTE_ADDR=address, headers=headers)
    return int(client.post(f"/api/v1/public/{key}/sessions/", {}, content_type="application/json").status_code)


def test_visitors_are_limited_by_address(acme: Business, open_inn: str, limit: Any) -> None:
    limit(acme, Of.ADDRESS_REQUESTS, 2)

    assert [visits(open_inn, "198.51.100.8") for _ in range(3)] == [201, 201, 429]
    assert visits(open_inn, "198.51.100.9") == 201
    # One household has a whole /64.
    assert [visits(open_inn, f"2001:db8::{n}") for n in (1, 2, 3)] == [201, 201, 429]
    assert visits(open_inn, "2001:db8:0:1::1") == 201


def test_nobody_talks_himself_into_another_address(acme: Business, open_inn: str, limit: Any, settings: Any) -> None:
    limit(acme, Of.ADDRESS_REQUESTS, 1)
    assert visits(open_inn, "198.51.100.20") == 201

    assert visits(open_inn, "198.51.100.20", **{"X-Forwarded-For": "203.0.113.5"}) == 429

    import ipaddress

    settings.TRUSTED_PROXIES = (ipaddress.ip_network("198.51.100.20/32"),)
    assert visits(open_inn, "198.51.100.20", **{"X-Forwarded-For": "203.0.113.5"}) == 201
    assert visits(open_inn, "198.51.100.20", **{"X-Forwarded-For": "8.8.8.8, 203.0.113.5"}) == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),
        ("::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_proxies_say_is_believed(peer: str, forwarded: str, address: str) -> None:
    import ipaddress

    assert believable(peer, forwarded, (ipaddress.ip_network("10.0.0.0/8"),)) == address
