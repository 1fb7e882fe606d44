"""Drafts become versions; versions never change; an older one can answer again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import ProgrammingError, connection, connections

from personas.access import access_by_publishable_key, access_published
from personas.models import Persona, PersonaVersion
from tenants.errors import NotFound
from tests.personas.conftest import INNKEEPER, draft, wrong_fields

PATH = "/api/v1/personas/innkeeper/"


def test_publishing_answers_with_version_key_and_address(acme: Any, innkeeper: Any) -> None:
    response = acme.api.post(f"{PATH}publish/")

    assert response.status_code == 200
    key = innkeeper["publishable_key"]
    assert response.json() == {
        "version": 1,
        "publishable_key": key,
        "chat_url": f"http://testserver/chat/{key}/",
    }
    assert acme.api.get(PATH).json()["live_version"] == 1


def test_what_is_published_stays_while_the_draft_moves_on(acme: Any, innkeeper: Any) -> None:
    acme.api.post(f"{PATH}publish/")
    acme.api.patch(PATH, {"name": "Bram II", "settings": {"greeting": "Closed."}})

    [first] = acme.api.get(f"{PATH}versions/").json()["results"]
    assert (first["version"], first["name"], first["is_live"]) == (1, INNKEEPER["name"], True)
    assert first["settings"]["greeting"] == "Come in, traveller."
    assert first["settings"]["max_output_tokens"] == 1024  # defaults are kept with it
    assert first["published_by"].startswith("tk_…_")

    assert acme.api.post(f"{PATH}publish/").json()["version"] == 2
    versions = acme.api.get(f"{PATH}versions/").json()["results"]
    assert [(each["version"], each["is_live"]) for each in versions] == [(2, True), (1, False)]
    assert versions[0]["settings"]["greeting"] == "Closed."


def test_rolling_back_lets_the_older_version_answer_and_leaves_the_draft(acme: Any, innkeeper: Any) -> None:
    first = acme.api.post(f"{PATH}publish/").json()
    acme.api.patch(PATH, {"settings": {"greeting": "Closed."}})
    acme.api.post(f"{PATH}publish/")

    assert acme.api.post(f"{PATH}rollback/", {"version": 1}).json() == first

    now = acme.api.get(PATH).json()
    assert now["live_version"] == 1
    assert now["settings"]["greeting"] == "Closed."
    assert acme.api.post(f"{PATH}publish/").json()["version"] == 3


@pytest.mark.parametrize("version", [2, 0, -1, "one", None, 2**40])
def test_there_is_no_way_back_to_a_version_that_never_was(acme: Any, innkeeper: Any, version: Any) -> None:
    acme.api.post(f"{PATH}publish/")
    assert set(wrong_fields(acme.api.post(f"{PATH}rollback/", {"version": version}))) == {"version"}
    assert acme.api.get(PATH).json()["live_version"] == 1


def test_a_version_cannot_be_changed_even_by_sql(acme: Any, innkeeper: Any) -> None:
    acme.api.post(f"{PATH}publish/")
    with pytest.raises(ProgrammingError, match="permission denied"), acme.scope():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE personas_personaversion SET name = 'Mallory'")
    with pytest.raises(ProgrammingError, match="permission denied"), acme.scope():
        PersonaVersion.objects.update(settings={})


def test_a_base_that_is_gone_stops_publishing(acme: Any, open_base: Any) -> None:
    base = open_base(acme, "house-rules")
    draft(acme, settings={"knowledge_bases": ["house-rules"]})
    with acme.scope():
        base.delete()
    assert set(wrong_fields(acme.api.post(f"{PATH}publish/"))) == {"settings.knowledge_bases.0"}
    assert acme.api.get(f"{PATH}versions/").json()["results"] == []


def test_a_game_character_needs_its_world(acme: Any) -> None:
    draft(acme, kind="npc")
    for call in ("publish/", "prompt/"):
        refused = acme.api.post(f"{PATH}{call}", {"text": "Hi"} if call == "prompt/" else None)
        assert refused.status_code == 422
        assert refused.json()["code"] == "kind_needs_world"


def test_the_key_and_the_slug_lead_to_published_personas_only(acme: Any, innkeeper: Any) -> None:
    key = innkeeper["publishable_key"]
    with acme.scope():
        for look_up in (
            lambda: access_by_publishable_key(acme.id, key),
            lambda: access_published(acme.id, "innkeeper"),
        ):
            with pytest.raises(NotFound):
                look_up()
    acme.api.post(f"{PATH}publish/")
    with acme.scope():
        assert access_by_publishable_key(acme.id, key).live_version.number == 1
        assert access_published(acme.id, "innkeeper").live_version.number == 1
        assert Persona.objects.published().count() == 1


def test_two_editors_at_once_lose_nothing(acme: Any, innkeeper: Any) -> None:
    def work(number: int) -> None:
        acme.api.patch(PATH, {"settings": {"voice": "Gruff."} if number % 2 else {"temperature": 0.5}})
        assert acme.api.post(f"{PATH}publish/").status_code == 200
        connections.close_all()

    with ThreadPoolExecutor(4) as editors:
        list(editors.map(work, range(4)))

    versions = acme.api.get(f"{PATH}versions/").json()["results"]
    assert [each["version"] for each in versions] == [4, 3, 2, 1]
    assert [each["is_live"] for each in versions] == [True, False, False, False]
    assert acme.api.get(PATH).json()["settings"] == INNKEEPER["settings"] | {
        "voice": "Gruff.",
        "temperature": 0.5,
    }
