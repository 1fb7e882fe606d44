"""Mallory holds a key of Globex. Of Acme's personas she learns nothing, not even that they are there."""

from typing import Any

import pytest
from django.db import IntegrityError

from personas.models import Persona, PersonaVersion
from tests.personas.conftest import draft

CALLS = [
    ("get", "", None),
    ("patch", "", {"name": "Hers"}),
    ("delete", "", None),
    ("post", "publish/", None),
    ("post", "rollback/", {"version": 1}),
    ("get", "versions/", None),
    ("post", "prompt/", {"text": "Hi"}),
]


@pytest.mark.parametrize(("method", "suffix", "body"), CALLS)
def test_every_call_answers_as_if_the_persona_never_was(
    acme: Any, globex: Any, innkeeper: Any, method: str, suffix: str, body: Any
) -> None:
    acme.api.post("/api/v1/personas/innkeeper/publish/")
    before = acme.api.get("/api/v1/personas/innkeeper/").json()

    def call(name: str) -> Any:
        arguments = [] if body is None else [body]
        return getattr(globex.api, method)(f"/api/v1/personas/{name}/{suffix}", *arguments)

    never = call("019a0000-0000-7000-8000-000000000000")
    assert never.status_code == 404
    for name in ("innkeeper", innkeeper["id"]):
        response = call(name)
        assert response.status_code == 404
        assert response.json() | {"request_id": ""} == never.json() | {"request_id": ""}
    assert acme.api.get("/api/v1/personas/innkeeper/").json() == before


def test_her_list_is_empty(globex: Any, innkeeper: Any) -> None:
    assert globex.api.get("/api/v1/personas/").json()["results"] == []
    with globex.scope():
        assert not Persona.objects.exists()
        assert not PersonaVersion.objects.exists()


def test_a_version_cannot_hang_on_a_neighbours_persona(globex: Any, innkeeper: Any) -> None:
    with pytest.raises(IntegrityError), globex.scope():
        PersonaVersion.objects.create(persona_id=innkeeper["id"], number=9, name="x", kind="x", settings={})


def test_a_persona_cannot_go_live_with_a_neighbours_version(acme: Any, globex: Any, innkeeper: Any) -> None:
    acme.api.post("/api/v1/personas/innkeeper/publish/")
    with acme.scope():
        version = PersonaVersion.objects.get()
    draft(globex, slug="hers")
    with pytest.raises(IntegrityError), globex.scope():
        Persona.objects.update(live_version=version)


@pytest.mark.parametrize(("method", "suffix", "body"), [*CALLS, ("get", "../", None)])
def test_personas_need_the_scope_manage(open_business: Any, method: str, suffix: str, body: Any) -> None:
    narrow = open_business("Narrow", scopes=("chat", "knowledge"))
    path = "/api/v1/personas/" if suffix == "../" else f"/api/v1/personas/innkeeper/{suffix}"
    arguments = [] if body is None else [body]
    response = getattr(narrow.api, method)(path, *arguments)
    assert response.status_code == 403
    assert response.json()["code"] == "scope_missing"
