"""What every call has in common: keys, errors, retries that create once, pages."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from tenants.models import ApiKey, Scope
from tenants.provisioning import issue_key, revoke_key, rotate_key
from tenants.tokens import API_KEY, mint
from tests.conftest import Api

BASES = "/api/v1/knowledge-bases/"
ME = "/api/v1/me/"


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is an RFC 9457 problem; its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response["X-Request-Id"] != ""
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    return body


# --- Keys ---------------------------------------------------------------------------------------------------
def test_a_key_tells_whose_it_is_and_what_it_may(acme):
    body = acme.api.get(ME).json()

    assert body["tenant"] == {"id": str(acme.id), "slug": acme.tenant.slug, "name": "Acme"}
    assert set(body["key"]) == {"prefix", "scopes", "expires_at"}
    assert body["key"]["scopes"] == sorted(Scope.values)
    assert body["key"]["expires_at"] is None
    assert body["key"]["prefix"].startswith("tk_")
    assert acme.token not in json.dumps(body)


def test_a_key_that_opens_nothing(acme, globex):
    secret = acme.token.rsplit("_", 1)[1]
    wrong = [
        "",
        "Basic YTpi",
        "Bearer",
        "Bearer nonsense",
        f"Bearer {mint(API_KEY, acme.id)}",
        f"Bearer tk_{globex.id.hex}_{secret}",
        f"Bearer st_{acme.id.hex}_{secret}",
        f"Bearer tk_{uuid4().hex}_{secret}",
    ]
    for header in wrong:
        response = Client(headers={"Authorization": header} if header else {}).get(ME)
        assert_problem(response, 401, "unauthenticated")
        assert response["WWW-Authenticate"] == "Bearer"


def test_an_expired_and_a_revoked_key_open_nothing(acme):
    short, short_token = issue_key(tenant=acme.tenant, scopes=["chat"], ttl=timedelta(hours=1))
    revoked, revoked_token = issue_key(tenant=acme.tenant, scopes=["chat"])
    for token in (short_token, revoked_token):
        assert Api(str(token)).get(ME).status_code == 200

    with acme.scope():
        ApiKey.objects.filter(pk=short.pk).update(expires_at=timezone.now())
    revoke_key(revoked)

    for token in (short_token, revoked_token):
        assert_problem(Api(str(token)).get(ME), 401, "unauthenticated")


def test_a_rotated_key_and_its_successor_are_both_valid_until_the_old_one_ends(acme):
    old, old_token = issue_key(tenant=acme.tenant, scopes=["chat", "npc"], name="Game server")

    new, new_token = rotate_key(key=old, overlap=timedelta(days=2))

    assert (new.name, new.scopes) == ("Game server", ["chat", "npc"])
    for token in (old_token, new_token):
        assert Api(str(token)).get(ME).json()["key"]["scopes"] == ["chat", "npc"]
    expires_at = Api(str(old_token)).get(ME).json()["key"]["expires_at"]
    assert expires_at.endswith("Z")
    assert Api(str(new_token)).get(ME).json()["key"]["expires_at"] is None

    with acme.scope():
        ApiKey.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    assert_problem(Api(str(old_token)).get(ME), 401, "unauthenticated")
    assert Api(str(new_token)).get(ME).status_code == 200


def test_only_a_digest_of_the_key_is_kept_and_its_use_is_noted(acme):
    acme.api.get(ME)

    with acme.scope():
        key = ApiKey.objects.get()
    assert acme.token.rsplit("_", 1)[1] not in json.dumps([key.digest, key.prefix])
    assert timezone.now() - key.last_used_at < timedelta(minutes=1)


# --- Errors -------------------------------------------------------------------------------------------------
def test_a_key_without_the_scope_is_refused_and_nothing_is_made(acme, open_business):
    _key, token = issue_key(tenant=acme.tenant, scopes=["chat"])

    body = assert_problem(Api(str(token)).post(BASES, {"name": "Handbook"}), 403, "scope_missing")

    assert "knowledge" in body["detail"]
    assert acme.api.get(BASES).json()["results"] == []


def test_a_neighbours_id_fails_as_one_that_never_was(acme, globex):
    hers = acme.api.post(BASES, {"name": "Handbook"}).json()["id"]

    foreign = assert_problem(globex.api.get(f"{BASES}{hers}/"), 404, "not_found")
    unknown = assert_problem(globex.api.get(f"{BASES}{uuid4()}/"), 404, "not_found")

    assert foreign | {"request_id": ""} == unknown | {"request_id": ""}


def test_a_method_that_a_call_does_not_take(acme):
    assert_problem(acme.api.delete(ME), 405, "method_not_allowed")


def test_wrong_fields_are_named(acme):
    body = assert_problem(acme.api.post(BASES, {"name": ""}), 422, "invalid")

    assert [error["field"] for error in body["errors"]] == ["name"]
    assert all(error["detail"] for error in body["errors"])


@pytest.mark.parametrize("raw", ["{", "[1, 2]", "null", '"text"', "\x00"])
def test_a_body_that_is_no_object(acme, raw):
    response = acme.api.client.post(BASES, raw, content_type="application/json")

    assert_problem(response, 422, "invalid")


def test_a_body_of_another_type(acme):
    response = acme.api.client.post(BASES, "name=Handbook", content_type="text/plain")

    assert_problem(response, 415, "unsupported_media_type")


def test_the_callers_own_request_id_is_kept_if_it_is_sane(acme):
    mine = acme.api.client.get("/api/v1/nothing-here/", headers={"X-Request-Id": "order-17"})
    evil = acme.api.client.get(ME, headers={"X-Request-Id": "a b<script>"})

    assert mine["X-Request-Id"] == "order-17"
    assert UUID(evil["X-Request-Id"])


# --- Retries ------------------------------------------------------------------------------------------------
def test_the_same_call_sent_twice_creates_once(acme):
    key = str(uuid4())

    first = acme.api.post(BASES, {"name": "茶"}, **{"Idempotency-Key": key})
    again = acme.api.post(BASES, {"name": "茶"}, **{"Idempotency-Key": key})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert len(acme.api.get(BASES).json()["results"]) == 1


def test_the_same_key_with_another_body_is_refused(acme):
    key = str(uuid4())
    acme.api.post(BASES, {"name": "Handbook"}, **{"Idempotency-Key": key})

    response = acme.api.post(BASES, {"name": "Menu"}, **{"Idempotency-Key": key})

    assert_problem(response, 409, "idempotency_mismatch")
    assert len(acme.api.get(BASES).json()["results"]) == 1


def test_a_call_that_failed_may_be_tried_again_under_its_key(acme):
    key = str(uuid4())
    acme.api.post(BASES, {"name": "Menu", "slug": "menu"})
    assert acme.api.post(BASES, {"name": "Second", "slug": "menu"}, **{"Idempotency-Key": key}).status_code >= 400
    acme.api.delete(f"{BASES}menu/")

    response = acme.api.post(BASES, {"name": "Second", "slug": "menu"}, **{"Idempotency-Key": key})

    assert response.status_code == 201, response.content
    assert "Idempotent-Replayed" not in response


def test_calls_at_the_same_time_create_once(acme):
    key = str(uuid4())

    def call(_: int) -> Any:
        try:
            return acme.api.post(BASES, {"name": "Handbook"}, **{"Idempotency-Key": key})
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(call, range(4)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 3
    assert len(acme.api.get(BASES).json()["results"]) == 1


def test_a_neighbour_may_use_the_same_idempotency_key(acme, globex):
    key = str(uuid4())
    made = [api.post(BASES, {"name": "Handbook"}, **{"Idempotency-Key": key}) for api in (acme.api, globex.api)]

    assert made[0].json()["id"] != made[1].json()["id"]
    assert "Idempotent-Replayed" not in made[1]


# --- Pages --------------------------------------------------------------------------------------------------
def test_pages_go_forth_and_back_and_miss_nothing(acme):
    made = [acme.api.post(BASES, {"name": f"Base {number}"}).json()["id"] for number in range(5)]

    first = acme.api.get(BASES, limit=2).json()
    second = acme.api.client.get(first["next"]).json()
    third = acme.api.client.get(second["next"]).json()

    assert [row["id"] for page in (first, second, third) for row in page["results"]] == made[::-1]
    assert (first["previous"], third["next"]) == (None, None)
    assert acme.api.client.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("position", [None, "p=x", "p=", "p=\x00", "r=1&p=7", "p=999999999999999999999999", "o=-1"])
@pytest.mark.parametrize("path", [BASES, "/api/v1/personas/bot/versions/", "/api/v1/conversations/"])
def test_a_cursor_that_nobody_gave_is_refused(acme, path, position):
    acme.api.post("/api/v1/personas/", {"slug": "bot", "name": "Bot", "kind": "companion"})
    cursor = "nonsense" if position is None else b64encode(position.encode()).decode()

    answer = acme.api.get(path, cursor=cursor)

    if answer.status_code != 200:  # a number may stand behind all versions that there are
        assert "cursor" in assert_problem(answer, 404, "not_found")["detail"]


def test_an_unknown_format_is_json_all_the_same(acme):
    assert acme.api.get(ME, format="xml").json()["tenant"]["slug"] == acme.tenant.slug


# --- Commands -----------------------------------------------------------------------------------------------
def printed(*command: str) -> dict[str, Any]:
    """What a command printed: exactly one JSON object."""
    out = StringIO()
    call_command(*command, stdout=out)
    body: dict[str, Any] = json.loads(out.getvalue())
    return body


def test_create_tenant_prints_one_object_that_opens_the_door():
    slug, owner = f"tea-{uuid4().hex[:8]}", f"alice-{uuid4().hex[:8]}@example.com"

    body = printed("create_tenant", "茶馆", "--slug", slug, "--owner", owner, "--json")

    assert list(body) == ["tenant", "slug", "api_key", "owner", "password"]
    assert (body["slug"], body["owner"]) == (slug, owner)
    me = Api(body["api_key"]).get(ME).json()
    assert me["tenant"] == {"id": body["tenant"], "slug": slug, "name": "茶馆"}
    assert me["key"]["scopes"] == sorted(Scope.values)
    assert Client().login(username=owner, password=body["password"])


def test_create_tenant_refuses_a_slug_in_use(acme):
    with pytest.raises(CommandError, match="slug"):
        call_command("create_tenant", "Acme again", "--slug", acme.tenant.slug, "--json")


def test_create_key_prints_one_object_with_the_scopes_asked_for(acme):
    body = printed("create_key", acme.tenant.slug, "--scopes", "chat,npc", "--json")

    assert (body["tenant"], body["slug"]) == (str(acme.id), acme.tenant.slug)
    assert Api(body["api_key"]).get(ME).json()["key"]["scopes"] == ["chat", "npc"]
    assert acme.api.get(ME).status_code == 200


@pytest.mark.parametrize(("slug", "scopes"), [("nobody-here", "chat"), ("", "all")])
def test_create_key_says_what_is_wrong(acme, slug, scopes):
    with pytest.raises(CommandError):
        call_command("create_key", slug or acme.tenant.slug, "--scopes", scopes, "--json")
