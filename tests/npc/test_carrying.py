"""A session is carried as one file: out of one business's game, into another's."""

from typing import Any

import pytest

from npc.models import GameSession, World
from tests.npc.conftest import CAROL, Game, inn, open_game, put, wrong_paths

IMPORT = "/api/v1/npc/sessions/import/"


@pytest.fixture
def played(acme: Any, game: Game) -> Game:
    """A session with a past: a patch, events, a load, a move."""
    game.patch({"gold": 4})
    save = game.save()
    game.tell("gift", text="Lost in a left future.")
    game = open_game(acme, save=save)
    game.tell("gift", text="Carol gives Bram an ale.", game_time=3.5)
    game.tell("leaves", moves={"mira": "cellar"})
    return game


def exported(game: Game) -> dict[str, Any]:
    response = game.api.get(f"{game.url}export/")
    assert response.status_code == 200, response.content
    return dict(response.json())


def without_ids(now: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in now.items() if name not in ("id", "branch_id", "opened_at")}


def memories(game: Game, who: str) -> list[Any]:
    rows = game.api.get(f"{game.url}characters/{who}/memories/").json()["results"]
    return [(row["seq"], row["kind"], row["text"], row["game_time"]) for row in rows]


def test_a_session_goes_on_elsewhere_where_it_stood(globex: Any, played: Game) -> None:
    response = globex.api.post(IMPORT, exported(played))

    assert response.status_code == 201, response.content
    there = Game(globex, response.json())
    assert without_ids(there.now()) == without_ids(played.now())
    assert there.log() == played.log()
    for who in ("bram", "mira", "老王"):
        assert memories(there, who) == memories(played, who)
    assert "Lost in a left future." not in str(exported(played))
    assert {**exported(there), "world": None} == {**exported(played), "world": None}
    assert there.patch({"gold": 9}).status_code == 200
    assert played.state["state"]["gold"] == 4


def test_a_world_that_is_here_goes_on_as_it_is(acme: Any, globex: Any, played: Game) -> None:
    put(globex, inn(name="Hers"))

    there = Game(globex, globex.api.post(IMPORT, exported(played)).json())

    assert globex.api.get("/api/v1/npc/worlds/inn/").json()["name"] == "Hers"
    assert open_game(globex).opened["state"]["gold"] == 10
    assert [row["version"] for row in globex.api.get("/api/v1/npc/worlds/inn/versions/").json()["results"]] == [2, 1]
    assert put(globex, inn(name="Hers again"))["version"] == 3
    # The same version is not stored twice.
    again = Game(acme, acme.api.post(IMPORT, exported(played)).json())
    assert acme.api.get("/api/v1/npc/worlds/inn/").json()["version"] == 1
    assert without_ids(again.now()) == without_ids(there.now())


def broken(file: dict[str, Any], how: str) -> dict[str, Any]:
    entries = file["entries"]
    match how:
        case "format":
            file["format"] = "troupe.session.9"
        case "world.document":
            file["world"]["document"]["facts"][2]["when"] = "state."
        case "entries":
            del entries[2]
        case "entries.1.kind":
            entries[1]["kind"] = "magic"
        case "entries.1.data.source":
            entries[1]["data"]["source"] = "nobody"
        case "state.gold":
            entries[1]["data"]["patch"] = {"gold": -3}
        case "play":
            file["play"]["state"]["gold"] = 1000
        case "memories":
            file["memories"][0]["holder"] = "ghost"
        case "player.id":
            entries[0]["data"]["player"]["id"] = "bram"
        case "seed":
            file["seed"] = 2**60
    return file


@pytest.mark.parametrize(
    "path",
    [
        "format",
        "world.document",
        "entries",
        "entries.1.kind",
        "entries.1.data.source",
        "state.gold",
        "play",
        "memories",
        "player.id",
        "seed",
    ],
)
def test_a_file_that_is_wrong_leaves_nothing(globex: Any, played: Game, path: str) -> None:
    answer = globex.api.post(IMPORT, broken(exported(played), path))

    named = wrong_paths(answer)
    assert path in named or (path == "world.document" and "facts.2.when" in named), named
    with globex.scope():
        assert not GameSession.objects.exists()
        assert not World.objects.exists()


def test_mallory_cannot_export_what_is_acmes(globex: Any, game: Game) -> None:
    assert globex.api.get(f"{game.url}export/").status_code == 404
    assert globex.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": CAROL}).status_code == 404
