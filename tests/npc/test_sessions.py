"""Carol plays in Acme's inn: the game opens a session, changes its state, tells what happens, saves and loads."""

from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError

from npc.models import Branch, GameSession, LogEntry
from npc.sessions.tokens import read_token
from tenants.errors import Unauthenticated
from tests.npc.conftest import CAROL, INN, inn, open_game, put, wrong_paths

SESSIONS = "/api/v1/npc/sessions/"


def test_a_session_begins_as_its_world_says(acme: Any, world: Any) -> None:
    game = open_game(acme, seed=7)

    assert set(game.opened) == {
        "id", "token", "expires_at", "websocket_url", "branch_id", "state_version", "state",
    }  # fmt: skip
    assert game.opened["state"] == INN["initial_state"]
    assert game.opened["state_version"] == 1
    assert game.opened["websocket_url"].endswith("/ws/v1/npc/")
    assert read_token(game.opened["token"])[:2] == (acme.id, UUID(game.id))
    now = game.now()
    assert now["seed"] == 7
    assert now["scenes"] == {"bram": "taproom", "mira": "taproom", "老王": "cellar", "carol": "taproom"}
    assert now["affinity"] == {"bram": {"trust": 0.0}}
    assert [row["id"] for row in acme.api.get(SESSIONS, player="carol").json()["results"]] == [game.id]


def test_a_session_may_begin_in_another_state_and_scene(acme: Any, world: Any) -> None:
    game = open_game(acme, state=INN["initial_state"] | {"stage": 3}, player=CAROL | {"scene": "cellar"})

    assert game.state == {"state_version": 1, "state": INN["initial_state"] | {"stage": 3}}
    assert game.now()["scenes"]["carol"] == "cellar"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"state": {"stage": 0}}, "state"),
        ({"state": INN["initial_state"] | {"gold": "much"}}, "state.gold"),
        ({"player": {"id": "bram"}}, "player.id"),
        ({"player": CAROL | {"scene": "attic"}}, "player.scene"),
        ({"seed": -1}, "seed"),
        ({"player": {}}, "player.id"),
    ],
)
def test_a_session_that_cannot_begin_names_why(acme: Any, world: Any, body: Any, path: str) -> None:
    answer = acme.api.post(SESSIONS, {"world": "inn", "player": CAROL, **body})

    assert path in wrong_paths(answer)
    with acme.scope():
        assert not GameSession.objects.exists()


def test_a_running_session_keeps_its_version_of_the_world(acme: Any, game: Any) -> None:
    put(acme, inn(initial_state=INN["initial_state"] | {"gold": 99}))

    assert game.state["state"]["gold"] == 10
    assert open_game(acme).opened["state"]["gold"] == 99


def test_sessions_of_one_world_share_nothing_but_the_world(acme: Any, game: Any) -> None:
    other = open_game(acme, player={"id": "dave"})
    game.patch({"gold": 1})
    game.tell("gift")

    assert other.state == {"state_version": 1, "state": INN["initial_state"]}
    assert other.now()["affinity"] == {"bram": {"trust": 0.0}}
    assert [entry["kind"] for entry in other.log()] == ["opened"]


# --- State
def test_both_kinds_of_patches_change_the_state(game: Any) -> None:
    merged = game.patch({"gold": 12, "night": None})
    assert merged.json() == {"state_version": 2, "state": {"stage": 0, "gold": 12, "stock": ["ale", "bread"]}}
    assert merged["ETag"] == '"2"'

    patched = game.patch([{"op": "add", "path": "/stock/-", "value": "pie"}, {"op": "remove", "path": "/stock/0"}])
    assert patched.json() == {"state_version": 3, "state": {"stage": 0, "gold": 12, "stock": ["bread", "pie"]}}


def test_a_patch_names_the_version_it_is_for(game: Any) -> None:
    assert game.patch({"gold": 1}, version="").status_code == 428
    assert game.patch({"gold": 1}, version="").json()["code"] == "precondition_required"

    game.patch({"gold": 5}, version=1)
    stale = game.patch({"gold": 1}, version=1)

    assert stale.status_code == 409
    assert (stale.json()["code"], stale.json()["state_version"]) == ("state_stale", 2)
    assert game.state["state"]["gold"] == 5


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"gold": -1}, "state.gold"),
        ({"colour": "red"}, "state"),
        ({"gold": None}, "state"),
        ({"stock": ["x" * 200_000]}, "state"),
        ({"gold": 2**60}, "patch.gold"),
        ([{"op": "replace", "path": "/gold", "value": "x"}], "state.gold"),
        ([{"op": "replace", "path": "/gold", "value": 3}, {"op": "remove", "path": "/nope"}], "patch.1"),
        ([{"op": "fly", "path": "/gold"}], "patch.0"),
        ([{"path": "/gold"}], "patch.0"),
        ([7], "patch.0"),
        ([{"op": "remove", "path": "/stock/-"}], "patch.0"),
        ([{"op": "replace", "path": "", "value": 3}], "state"),
        ([{"op": "copy", "from": "/stock", "path": "/stock/-"}] * 40, "state"),
        ([{"op": "test", "path": "/gold", "value": 10}] * 1001, "patch"),
    ],
)
def test_a_patch_that_breaks_the_state_changes_nothing(game: Any, patch: Any, path: str) -> None:
    before = game.now()

    refused = game.patch(patch)

    assert path in wrong_paths(refused)
    told = refused.content.decode()
    assert not any(words in told for words in ("object has no attribute", "This world"))
    assert game.now() == before


def test_a_patch_may_ask_first(game: Any) -> None:
    game.patch({"stage": 1})
    asked = [{"op": "test", "path": "/stage", "value": True}, {"op": "replace", "path": "/gold", "value": 0}]
    assert game.patch(asked).json()["code"] == "state_stale"
    asked[0]["value"] = 1
    assert game.patch(asked).json()["state"]["gold"] == 0


def test_a_patch_is_what_its_content_type_says(acme: Any, game: Any) -> None:
    def send(kind: str, body: str) -> Any:
        return acme.api.client.patch(f"{game.url}state/", body, content_type=kind, headers={"If-Match": '"1"'})

    assert send("application/json", "{}").status_code == 415
    assert wrong_paths(send("application/json-patch+json", "{}"))
    assert wrong_paths(send("application/merge-patch+json", "[]"))
    assert game.state["state_version"] == 1


# --- Events and presence
def test_an_event_is_perceived_by_those_in_its_scene(game: Any) -> None:
    assert game.tell("gift", text="Carol gives an ale.", data={"item": "ale"}, game_time=12.5).status_code == 201
    game.tell("noise", scene="cellar")
    game.tell("whisper", witnesses=["mira"])

    told = [entry["data"] for entry in game.log() if entry["kind"] == "event"]
    assert [(event["type"], event["scene"], event["witnesses"]) for event in told] == [
        ("gift", "taproom", ["bram", "carol", "mira"]),
        ("noise", "cellar", ["老王"]),
        ("whisper", "taproom", ["mira"]),
    ]
    assert told[0]["data"] == {"item": "ale"}
    # The inn's rule: a gift is worth two of trust, of whoever sees it.
    assert game.now()["affinity"] == {"bram": {"trust": 2.0}, "mira": {"trust": 2.0}}


def test_who_leaves_is_seen_by_both_and_hears_no_more(game: Any) -> None:
    game.tell("leaves", moves={"mira": "cellar", "carol": "taproom"})
    game.tell("gift")
    game.tell("gone", moves={"bram": None})

    told = {entry["data"]["type"]: entry["data"]["witnesses"] for entry in game.log() if entry["kind"] == "event"}
    assert told == {"leaves": ["bram", "carol", "mira"], "gift": ["bram", "carol"], "gone": ["bram", "carol"]}
    assert game.now()["scenes"] == {"bram": None, "mira": "cellar", "老王": "cellar", "carol": "taproom"}


def test_game_time_never_runs_back(game: Any) -> None:
    for time in (10, 30, 20):
        game.tell("bell", game_time=time)

    assert game.now()["game_time"] == 30
    assert [entry["game_time"] for entry in game.log() if entry["kind"] == "event"] == [10, 30, 20]


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"witnesses": ["mira", "ghost"]}, "witnesses.1"),
        ({"scene": "attic"}, "scene"),
        ({"moves": {"ghost": "cellar"}}, "moves.ghost"),
        ({"moves": {"mira": "attic"}}, "moves.mira"),
        ({"data": {"n": 2**60}}, "data.n"),
        ({"type": "a b"}, "type"),
        ({"game_time": "noon"}, "game_time"),
    ],
)
def test_an_event_that_cannot_be_is_refused_and_leaves_nothing(game: Any, event: Any, path: str) -> None:
    assert path in wrong_paths(game.api.post(f"{game.url}events/", {"type": "x", **event}))
    assert [entry["kind"] for entry in game.log()] == ["opened"]


def test_an_event_sent_twice_happens_once(acme: Any, game: Any) -> None:
    body, key = {"type": "gift"}, {"Idempotency-Key": "gift-1"}
    first = acme.api.post(f"{game.url}events/", body, **key)
    second = acme.api.post(f"{game.url}events/", body, **key)

    assert first.json() == second.json()
    assert game.now()["affinity"]["bram"] == {"trust": 2.0}


def test_what_is_optional_may_be_null(acme: Any, world: Any) -> None:
    game = open_game(acme, player={"id": "carol", "name": None, "scene": None}, state=None, seed=None, save=None)
    event = {"text": None, "data": None, "scene": None, "witnesses": None, "moves": None, "game_time": None}

    assert game.api.post(f"{game.url}events/", {"type": "gift", **event}).status_code == 201
    assert game.api.post(f"{game.url}events/", {"type": None}).json()["errors"][0]["field"] == "type"


# --- Saves
def test_a_load_goes_on_from_the_save_on_a_branch_of_its_own(acme: Any, game: Any) -> None:
    game.tell("gift")
    save = game.save()
    saved = game.now()
    game.patch({"gold": 0})
    game.tell("gift")

    loaded = open_game(acme, save=save)

    assert loaded.id == game.id
    assert loaded.opened["branch_id"] != game.opened["branch_id"]
    assert loaded.now() == saved | {"branch_id": loaded.opened["branch_id"]}
    assert [entry["kind"] for entry in loaded.log()] == ["opened", "event"]
    loaded.tell("bell")
    assert [entry["seq"] for entry in loaded.log()] == [1, 2, 3]


def test_every_entry_is_a_place_to_rewind_to(acme: Any, game: Any) -> None:
    seen = [game.now()]
    game.patch({"gold": 1})
    seen.append(game.now())
    game.tell("gift", game_time=3)
    # On a branch that begins at the second entry, the first two are an ancestor's.
    branched = open_game(acme, save=game.save(seq=2))
    branched.patch({"stage": 2})
    seen.append(branched.now())

    saves = [branched.save(seq=seq) for seq in (1, 2, 3)]

    for save, then in zip(saves, seen, strict=True):
        back = open_game(acme, save=save)
        assert back.now() == then | {"branch_id": back.opened["branch_id"]}
    assert wrong_paths(game.api.post(f"{game.url}saves/", {"seq": 99})) == {"seq": "There is no entry of this number."}


@pytest.mark.parametrize("change", [{"player": {"id": "dave"}}, {"world": "other"}])
def test_a_save_is_of_one_player_in_one_world(acme: Any, game: Any, change: Any) -> None:
    put(acme, inn(slug="other"))
    save = game.save()

    answer = acme.api.post(SESSIONS, {"world": "inn", "player": CAROL, "save": save, **change})

    assert list(wrong_paths(answer)) == ["save"]
    assert game.now()["branch_id"] == game.opened["branch_id"]


def test_a_save_is_small(game: Any) -> None:
    for _ in range(20):
        game.tell("gift", text="A long tale. " * 100)

    size = game.api.post(f"{game.url}saves/").json()["bytes"]
    assert size < 64 * 1024 / 3
    assert [row["bytes"] for row in game.api.get(f"{game.url}saves/").json()["results"]] == [size]


def test_the_log_is_only_added_to(acme: Any, game: Any) -> None:
    for change in (
        lambda: LogEntry.objects.update(seq=5),
        lambda: LogEntry.objects.all()._raw_delete(using="default"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), acme.scope():
            change()


def test_a_deleted_session_is_gone_with_its_log(acme: Any, game: Any) -> None:
    game.save()
    assert acme.api.delete(game.url).status_code == 204

    assert acme.api.get(game.url).status_code == 404
    with acme.scope():
        assert not LogEntry.objects.exists()
        assert not Branch.objects.exists()


def test_a_token_opens_its_own_session_only(acme: Any, game: Any) -> None:
    token = game.opened["token"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for other in (forged, token.replace(acme.id.hex, "0" * 32), "st_nothing"):
        with pytest.raises(Unauthenticated):
            read_token(other)
