"""A persona's draft: made, read, changed and deleted through the API."""

from typing import Any

import pytest

from personas.models import Persona
from tests.personas.conftest import INNKEEPER, draft, wrong_fields


def test_alice_makes_a_draft_and_finds_it_by_slug_and_by_id(acme: Any, innkeeper: Any) -> None:
    by_slug = acme.api.get("/api/v1/personas/innkeeper/").json()
    by_id = acme.api.get(f"/api/v1/personas/{innkeeper['id']}/").json()

    assert by_slug == by_id == innkeeper
    assert innkeeper["settings"] == INNKEEPER["settings"]
    assert innkeeper["live_version"] is None
    assert innkeeper["publishable_key"].startswith(f"pk_{acme.id.hex}_")
    assert len(innkeeper["widget_secret"]) >= 32


def test_the_list_shows_the_newest_first_in_pages(acme: Any) -> None:
    for slug in ("first", "second", "third"):
        draft(acme, slug=slug)

    page = acme.api.get("/api/v1/personas/", limit=2).json()
    rest = acme.api.get(page["next"]).json()

    assert [row["slug"] for row in page["results"]] == ["third", "second"]
    assert [row["slug"] for row in rest["results"]] == ["first"]
    assert rest["next"] is None


def test_a_patch_keeps_the_settings_that_it_does_not_name(acme: Any, innkeeper: Any) -> None:
    changed = acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"temperature": 0.4, "voice": "Gruff."}})
    assert changed.status_code == 200
    assert changed.json()["settings"] == INNKEEPER["settings"] | {"temperature": 0.4, "voice": "Gruff."}

    reset = acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"voice": None}, "name": "Bram"}).json()
    assert reset["settings"] == INNKEEPER["settings"] | {"temperature": 0.4}
    assert reset["name"] == "Bram"


def test_a_slug_is_taken_once_per_tenant(acme: Any, globex: Any, innkeeper: Any) -> None:
    again = acme.api.post("/api/v1/personas/", INNKEEPER)
    assert again.status_code == 409
    assert again.json()["code"] == "conflict"

    draft(globex, slug="innkeeper")
    assert len(acme.api.get("/api/v1/personas/").json()["results"]) == 1

    draft(acme, slug="ostler")
    assert acme.api.patch("/api/v1/personas/ostler/", {"slug": "innkeeper"}).status_code == 409
    assert acme.api.get("/api/v1/personas/ostler/").status_code == 200


@pytest.mark.parametrize(
    "slug",
    ["", "Inn", "inn keeper", "-inn", "客栈", "import", "a" * 64, "019a0000-0000-7000-8000-000000000000"],
)
def test_slugs_that_are_none(acme: Any, slug: str) -> None:
    assert set(wrong_fields(acme.api.post("/api/v1/personas/", INNKEEPER | {"slug": slug}))) == {"slug"}
    assert acme.api.get("/api/v1/personas/").json()["results"] == []


def test_unknown_fields_are_refused_by_name(acme: Any, innkeeper: Any) -> None:
    patched = acme.api.patch("/api/v1/personas/innkeeper/", {"setings": {}, "name": "X"})
    assert set(wrong_fields(patched)) == {"setings"}
    inside = acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"temprature": 1}})
    assert wrong_fields(inside) == {"settings.temprature": "There is no such setting."}
    assert acme.api.get("/api/v1/personas/innkeeper/").json() == innkeeper


def test_a_new_kind_must_take_the_settings_that_are_there(acme: Any) -> None:
    draft(acme, slug="friend", kind="companion", settings={"safety": {"adults_only": True}})
    refused = acme.api.patch("/api/v1/personas/friend/", {"kind": "customer_service"})
    assert set(wrong_fields(refused)) == {"settings.safety.adults_only"}
    assert set(wrong_fields(acme.api.patch("/api/v1/personas/friend/", {"kind": "oracle"}))) == {"kind"}


def test_origins_are_origins(acme: Any, innkeeper: Any) -> None:
    path = "/api/v1/personas/innkeeper/"
    written = ["https://Inn.example:443", "http://localhost:3000", "https://inn.example"]
    changed = acme.api.patch(path, {"allowed_origins": written})
    assert changed.json()["allowed_origins"] == ["https://inn.example", "http://localhost:3000"]
    for wrong in ("inn.example", "https://inn.example/page", "javascript:alert(1)"):
        assert set(wrong_fields(acme.api.patch(path, {"allowed_origins": [wrong]}))) == {"allowed_origins"}

    with acme.scope():
        persona = Persona.objects.get(slug="innkeeper")
    assert persona.allows_origin("HTTPS://inn.example")
    assert not persona.allows_origin("https://evil.example")


def test_a_deleted_persona_is_gone_with_its_versions(acme: Any, innkeeper: Any) -> None:
    acme.api.post("/api/v1/personas/innkeeper/publish/")
    assert acme.api.delete("/api/v1/personas/innkeeper/").status_code == 204
    assert acme.api.get("/api/v1/personas/innkeeper/").status_code == 404
    with acme.scope():
        assert not Persona.objects.exists()
    draft(acme)  # the slug is free again


def test_the_same_key_makes_one_persona(acme: Any) -> None:
    first = acme.api.post("/api/v1/personas/", INNKEEPER, **{"Idempotency-Key": "k1"})
    second = acme.api.post("/api/v1/personas/", INNKEEPER, **{"Idempotency-Key": "k1"})
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
