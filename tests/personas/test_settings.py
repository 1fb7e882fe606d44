"""What settings may hold, said alike by validation and by the JSON Schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from personas.kinds import kind_named
from personas.schema import load_settings, read_settings
from tests.personas.conftest import INNKEEPER, draft, wrong_fields

DEMO = Path(__file__).resolve().parents[2] / "demo" / "personas"
LONG = "a" * 20_000


@pytest.mark.parametrize(
    ("settings", "field", "detail"),
    [
        ({"temperature": 2.5}, "settings.temperature", "This must be at most 2."),
        ({"temperature": -0.1}, "settings.temperature", "This must be at least 0."),
        ({"temperature": "0.5"}, "settings.temperature", "This must be a number."),
        ({"max_output_tokens": 0}, "settings.max_output_tokens", "This must be at least 1."),
        ({"max_output_tokens": 1.5}, "settings.max_output_tokens", "This must be a whole number."),
        ({"instructions": 7}, "settings.instructions", "This must be text."),
        ({"instructions": "a\x00b"}, "settings.instructions", "This holds NUL or broken characters."),
        ({"instructions": LONG}, "settings.instructions", "At most 10500 characters."),
        ({"instructions": "客" * 3001}, "settings.instructions", "this has 3001"),
        ({"voice": "a\ud800"}, "settings.voice", "This holds characters that are not valid text."),
        ({"suggestions": "Any rooms?"}, "settings.suggestions", "This must be a list."),
        ({"suggestions": ["?"] * 13}, "settings.suggestions", "At most 12 entries."),
        ({"examples": [{"user": "Hi"}]}, "settings.examples.0.say", "This field is required."),
        ({"examples": [{"user": "", "say": "Hi"}]}, "settings.examples.0.user", "This must not be empty."),
        ({"examples": ["Hi"]}, "settings.examples.0", "This must be an object."),
        (
            {"memory": {"history_messages": 500}},
            "settings.memory.history_messages",
            "This must be at most 200.",
        ),
        ({"handoff": {"enabled": "yes"}}, "settings.handoff.enabled", "This must be true or false."),
        ({"language": "fr"}, "settings.language", "This must be one of '', 'zh' or 'en'."),
        (
            {"knowledge_bases": ["nowhere"]},
            "settings.knowledge_bases.0",
            "no knowledge base «nowhere».",
        ),
        ({"lorebooks": ["myths"]}, "settings.lorebooks.0", "There is no lorebook «myths»."),
        ({"tools": ["shell"]}, "settings.tools.0", "There is no tool «shell»."),
        ({"route": "fast"}, "settings.route", "There is no model route «fast»."),
        (
            {"fallback_routes": ["reader", "fast"]},
            "settings.fallback_routes.1",
            "There is no model route «fast».",
        ),
    ],
)
def test_wrong_settings_are_named(acme: Any, settings: dict[str, Any], field: str, detail: str) -> None:
    wrong = wrong_fields(acme.api.post("/api/v1/personas/", INNKEEPER | {"settings": settings}))
    assert list(wrong) == [field]
    assert detail in wrong[field]
    assert acme.api.get("/api/v1/personas/").json()["results"] == []


def test_all_that_is_wrong_is_named_at_once(acme: Any) -> None:
    settings = {"temperature": 9, "voice": 1, "moods": []}
    wrong = wrong_fields(acme.api.post("/api/v1/personas/", INNKEEPER | {"settings": settings}))
    assert set(wrong) == {"settings.temperature", "settings.voice", "settings.moods"}


@pytest.mark.parametrize("settings", [[], "x", 3, None])
def test_settings_are_an_object(acme: Any, settings: Any) -> None:
    assert set(wrong_fields(acme.api.post("/api/v1/personas/", INNKEEPER | {"settings": settings}))) == {"settings"}


def test_bases_are_named_by_slug_or_id_and_must_be_ones_own(acme: Any, globex: Any, open_base: Any) -> None:
    mine, theirs = open_base(acme, "house-rules"), open_base(globex, "secrets")
    settings = {"knowledge_bases": ["house-rules", str(mine.pk)]}
    assert draft(acme, settings=settings)["settings"] == settings

    for foreign in ("secrets", str(theirs.pk)):
        refused = acme.api.patch("/api/v1/personas/innkeeper/", {"settings": {"knowledge_bases": [foreign]}})
        assert wrong_fields(refused) == {"settings.knowledge_bases.0": f"There is no knowledge base «{foreign}»."}


@pytest.mark.parametrize("kind", ["customer_service", "companion", "npc"])
def test_each_kind_shows_a_valid_schema(acme: Any, kind: str) -> None:
    schema = acme.api.get(f"/api/v1/persona-kinds/{kind}/").json()

    Draft202012Validator.check_schema(schema)
    assert schema["kind"] == kind
    assert schema["additionalProperties"] is False
    temperature = schema["properties"]["temperature"]
    assert (temperature["minimum"], temperature["maximum"], temperature["default"]) == (0, 2, None)
    example = schema["$defs"]["Example"]
    assert set(example["properties"]) == set(example["required"]) == {"user", "say"}
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"temperature": 0.5, "examples": [{"user": "Hi", "say": "Ho"}]})
    assert not validator.is_valid({"temperature": 3})
    assert not validator.is_valid({"moods": []})


def test_the_list_holds_the_same_schemas(acme: Any) -> None:
    listed = acme.api.get("/api/v1/persona-kinds/").json()["results"]
    assert [schema["kind"] for schema in listed] == ["companion", "customer_service", "npc"]
    assert listed[0] == acme.api.get("/api/v1/persona-kinds/companion/").json()
    assert acme.api.get("/api/v1/persona-kinds/oracle/").status_code == 404


def test_kinds_need_a_key_but_no_scope(open_business: Any, client: Any) -> None:
    narrow = open_business("Narrow", scopes=("chat",))
    assert narrow.api.get("/api/v1/persona-kinds/").status_code == 200
    assert client.get("/api/v1/persona-kinds/").status_code == 401


def test_a_companion_has_its_own_defaults(acme: Any) -> None:
    schema = acme.api.get("/api/v1/persona-kinds/companion/").json()
    assert schema["properties"]["handoff"]["default"]["enabled"] is False
    assert schema["properties"]["memory"]["default"]["history_messages"] == 80


@pytest.mark.parametrize("name", ["qing", "finch", "xiaoman"])
def test_the_demos_personas_are_valid(name: str) -> None:
    persona = json.loads((DEMO / f"{name}.json").read_text(encoding="utf-8"))
    read_settings(kind_named(persona["kind"]).settings_model, persona["settings"])


def test_settings_of_an_older_release_still_load() -> None:
    model = kind_named("companion").settings_model
    loaded = load_settings(model, {"voice": "Soft.", "given_up": 1, "safety": {"given_up": 1}})
    assert loaded.voice == "Soft."
