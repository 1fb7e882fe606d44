"""Mallory holds a key of Globex. Of Acme's worlds she learns nothing, not even that they are there."""

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError

from npc.models import Branch, LogEntry, World, WorldVersion
from tests.npc.conftest import Game, inn, put

CALLS = [
    ("get", "", None),
    ("delete", "", None),
    ("get", "versions/", None),
    ("get", "versions/1/", None),
    ("get", "diff/", None),
    ("post", "try/", {"actor": "bram", "condition": "true"}),
]


SESSION_CALLS = [
    ("get", "", None),
    ("delete", "", None),
    ("get", "state/", None),
    ("post", "events/", {"type": "gift"}),
    ("get", "saves/", None),
    ("post", "saves/", {}),
    ("get", "log/", None),
]


def call(business: Any, method: str, path: str, body: Any) -> Any:
    arguments = [] if body is None else [body]
    return getattr(business.api, method)(f"/api/v1/npc/{path}", *arguments)


@pytest.mark.parametrize(("method", "suffix", "body"), CALLS)
def test_a_neighbours_world_is_as_one_that_never_was(
    acme: Any, globex: Any, world: Any, method: str, suffix: str, body: Any
) -> None:
    never = call(globex, method, f"worlds/019a0000-0000-7000-8000-000000000000/{suffix}", body)
    assert never.status_code == 404
    for name in ("inn", world["id"]):
        answer = call(globex, method, f"worlds/{name}/{suffix}", body)
        assert answer.status_code == 404
        assert answer.json() | {"request_id": ""} == never.json() | {"request_id": ""}
    assert acme.api.get("/api/v1/npc/worlds/inn/").status_code == 200


@pytest.mark.parametrize(("method", "suffix", "body"), SESSION_CALLS)
def test_a_neighbours_session_is_as_one_that_never_was(
    globex: Any, game: Any, method: str, suffix: str, body: Any
) -> None:
    before = game.now()
    never = call(globex, method, f"sessions/019a0000-0000-7000-8000-000000000000/{suffix}", body)
    assert never.status_code == 404

    answer = call(globex, method, f"sessions/{game.id}/{suffix}", body)

    assert answer.status_code == 404
    assert answer.json() | {"request_id": ""} == never.json() | {"request_id": ""}
    assert game.now() == before


def test_she_can_neither_play_nor_load_nor_patch_what_is_acmes(acme: Any, globex: Any, game: Any) -> None:
    save = game.save()
    before = game.now()
    assert Game(globex, game.opened).patch({"gold": 0}, version=1).status_code == 404
    player = {"id": "carol"}
    assert globex.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": player}).status_code == 404
    put(globex, inn())
    stolen = globex.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": player, "save": save})

    assert stolen.status_code == 404
    assert globex.api.get("/api/v1/npc/sessions/").json()["results"] == []
    assert game.now() == before
    with globex.scope():
        assert not LogEntry.objects.exists()
        assert not Branch.objects.exists()


def test_her_own_world_of_the_same_name_is_another_one(acme: Any, globex: Any, world: Any) -> None:
    assert globex.api.put("/api/v1/npc/worlds/inn/", inn(name="Hers")).status_code == 201

    assert acme.api.get("/api/v1/npc/worlds/inn/").json()["name"] == "The Inn at the Ford"
    assert [row["name"] for row in globex.api.get("/api/v1/npc/worlds/").json()["results"]] == ["Hers"]


def test_a_version_cannot_hang_on_a_neighbours_world(globex: Any, world: Any) -> None:
    with pytest.raises(IntegrityError), globex.scope():
        WorldVersion.objects.create(world_id=world["id"], number=9, document={}, digest="")


def test_a_version_never_changes(acme: Any, world: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), acme.scope():
        WorldVersion.objects.update(number=2)


def test_a_persona_of_a_neighbour_is_not_taken_into_a_world(acme: Any, globex: Any) -> None:
    cook = {"slug": "cook", "name": "Ada", "kind": "npc", "settings": {"instructions": "A secret of Acme's."}}
    persona = acme.api.post("/api/v1/personas/", cook).json()

    for name in ("cook", persona["id"]):
        document = inn(characters=[{"id": "cook", "persona": name}], facts=[], actions=[], reactions=[])
        assert globex.api.put("/api/v1/npc/worlds/inn/", document).status_code == 422
    with globex.scope():
        assert not World.objects.exists()


@pytest.mark.parametrize(("method", "suffix", "body"), [*CALLS, ("put", "", {}), ("post", "../check/", {})])
def test_worlds_need_the_scope_npc(open_business: Any, method: str, suffix: str, body: Any) -> None:
    narrow = open_business("Narrow", scopes=("chat", "knowledge", "manage"))
    answer = call(narrow, method, "worlds/check/" if suffix == "../check/" else f"worlds/inn/{suffix}", body)
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"
