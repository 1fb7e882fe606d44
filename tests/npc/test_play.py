"""The game server behind /play/: a visitor plays the demo's village, and nothing but that."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.utils import timezone

from npc.models import GameSession
from npc.play import rules
from npc.worlds.files import parse_world
from tests.npc.conftest import Game, inn, open_game, put

WORLDS = Path(__file__).resolve().parents[2] / "demo" / "worlds"


@pytest.fixture(scope="module")
def host(open_business: Any) -> Any:
    """Acme, with the village in both languages."""
    acme = open_business("Acme")
    for language in ("en", "zh"):
        put(acme, parse_world((WORLDS / f"village.{language}.yaml").read_bytes(), is_yaml=True))
    return acme


@pytest.fixture
def demo(host: Any, settings: Any) -> Any:
    """The one whose village it is."""
    settings.PLAY_TENANT = host.tenant.slug
    return host


class Visitor:
    """Somebody who has opened the page."""

    def __init__(self, language: str = "en", token: str = "") -> None:
        self.client = Client()
        self.token = token
        if not token:
            opened = self.client.post(
                "/play/sessions/", {"language": language, "name": "Carol"}, content_type="application/json"
            )
            assert opened.status_code == 201, opened.content
            self.opened = opened.json()
            self.token = self.opened["token"]

    def gets(self, path: str) -> Any:
        return self.client.get(f"/play/session/{path}", headers={"Authorization": f"Bearer {self.token}"})

    def posts(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.post(f"/play/session/{path}", body, content_type="application/json", headers=headers)

    @property
    def story(self) -> dict[str, Any]:
        return dict(self.gets("").json()["story"])

    def says(self, character: str, text: str, **more: Any) -> list[dict[str, Any]]:
        """The events of a turn."""
        return async_to_sync(self._says)({"character": character, "text": text, **more})

    async def _says(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"}
        path, kind = "/play/session/turns/", "application/json"
        answer: Any = await AsyncClient().post(path, body, content_type=kind, headers=headers)
        assert answer.status_code == 200, answer.content
        lines = b"".join([piece async for piece in answer.streaming_content]).decode().splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

    def goes(self, scene: str) -> dict[str, Any]:
        answer = self.posts("moves/", scene=scene)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())


def settled(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == "action.settled"]


def test_a_visitor_talks_and_the_game_decides(demo: Any) -> None:
    carol = Visitor()
    carol.goes("schoolhouse")

    events = carol.says("child", "Take me to the well, please!")

    [action] = settled(events)
    assert (action["name"], action["accepted"]) == ("lead_to", True)
    assert events[0]["type"] == "speech.delta"
    assert events[-1]["type"] == "story"
    assert events[-1]["story"]["state"]["stage"] == carol.story["state"]["stage"] == 1


def test_what_the_game_refuses_did_not_happen(demo: Any) -> None:
    carol = Visitor()
    carol.goes("schoolhouse")

    [action] = settled(carol.says("child", "Take me to the well, please!", refuse=True))

    assert (action["accepted"], action["reason"], action["say"]) == (
        False,
        "The designer has said no.",
        "Not now. Somebody is looking.",
    )
    assert carol.story["state"]["stage"] == 0
    [turn] = carol.gets("log/").json()["turns"]
    [told] = turn["actions"]
    assert (told["name"], told["outcome"], told["reason"]) == ("lead_to", "rejected", "The designer has said no.")


def test_in_the_chinese_village_the_game_speaks_chinese(demo: Any) -> None:
    carol = Visitor("zh")
    carol.goes("schoolhouse")

    [action] = settled(carol.says("child", "带我去泉边看看好吗？", refuse=True))

    assert action["reason"] == "设计者没有答应。"


def test_nobody_hears_across_the_village(demo: Any) -> None:
    carol = Visitor()

    answer = carol.posts("turns/", character="child", text="Hello!")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert carol.gets("log/").json()["turns"] == []


def test_time_passes_on_the_way_and_at_rest(demo: Any) -> None:
    carol = Visitor()

    assert carol.goes("shore")["game_time"] == 0.25
    night = carol.posts("rest/").json()
    assert (night["game_time"], night["state"]["night"]) == (13.0, True)
    morning = carol.posts("rest/").json()
    assert (morning["game_time"], morning["state"]["night"]) == (24.0, False)


def test_friends_come_along_and_go_home_at_night(demo: Any) -> None:
    carol = Visitor()
    carol.goes("schoolhouse")
    carol.says("child", "Come along with me!")
    assert carol.story["state"]["following"] == ["child"]

    assert carol.goes("shore")["scenes"]["child"] == "shore"
    carol.says("child", "Please stay here.")
    assert carol.story["state"]["following"] == []
    assert carol.posts("rest/").json()["scenes"]["child"] == "schoolhouse"


def test_saves_are_loaded_and_any_turn_is_gone_back_to(demo: Any) -> None:
    carol = Visitor()
    carol.goes("schoolhouse")
    carol.says("child", "Hello!")
    [save] = carol.posts("save/").json()["saves"]
    assert (save["stage"], save["scene"], save["game_time"]) == (0, "schoolhouse", 0.25)
    carol.says("child", "Take me to the well, please!")
    led, greeted = carol.gets("log/").json()["turns"]
    assert (led["text"], greeted["text"]) == ("Take me to the well, please!", "Hello!")

    assert carol.posts("load/", save=save["id"]).json()["state"]["stage"] == 0
    carol.says("child", "Take me to the well, please!")
    newest = carol.gets("log/").json()["turns"][0]
    assert carol.posts("load/", seq=greeted["rewind_seq"]).json()["state"]["stage"] == 0
    assert [turn["text"] for turn in carol.gets("log/").json()["turns"]] == ["Hello!"]

    assert newest["rewind_seq"] > greeted["rewind_seq"]
    assert len(carol.gets("saves/").json()["saves"]) == 1


def test_a_designer_sees_what_a_character_is_made_of(demo: Any) -> None:
    carol = Visitor()
    carol.goes("schoolhouse")
    carol.says("child", "Hello!")

    sheet = carol.gets("characters/child/").json()

    assert "village.name" in sheet["may_know"]
    assert {"id": "well.hums", "reason": "condition"} in sheet["withheld"]
    assert "lead_to" in [one["name"] for one in sheet["possible"]]
    assert {one["id"]: one["state"] for one in sheet["goals"]} == {"stay-up": "open", "wheel-thing": "open"}
    assert sheet["memories"]
    assert carol.gets("characters/nobody/").status_code == 404


def test_events_move_hearts(demo: Any) -> None:
    carol = Visitor()

    hearts = carol.posts("events/", type="kind_word").json()["affinity"]

    assert (hearts["bellkeeper"]["warmth"], hearts["child"]["warmth"]) == (2, 2)
    assert carol.posts("events/", type="bell_answered").status_code == 422


def test_the_token_opens_the_village_and_nothing_else(demo: Any, globex: Any, settings: Any) -> None:
    carol = Visitor()
    put(demo, inn())
    stranger: Game = open_game(demo)
    put(globex, parse_world((WORLDS / "village.en.yaml").read_bytes(), is_yaml=True))
    elsewhere = open_game(globex, world="village-en", player={"id": "carrier"})

    assert Visitor(token=stranger.opened["token"]).gets("").status_code == 404
    assert Visitor(token=elsewhere.opened["token"]).gets("").status_code == 404
    assert Visitor(token=elsewhere.opened["token"]).posts("turns/", character="child", text="Hi").status_code == 404
    assert Visitor(token="st_nothing").gets("").status_code == 401
    theirs = Visitor().posts("save/").json()["saves"][0]["id"]
    assert carol.posts("load/", save=theirs).status_code == 404
    assert carol.posts("load/", save=elsewhere.save()).status_code == 404
    settings.PLAY_TENANT = ""
    assert carol.gets("").status_code == 404


def test_where_there_is_no_demo_the_page_says_what_to_do(acme: Any, settings: Any) -> None:
    for slug in ("", "nobody-of-this-name", acme.tenant.slug):
        settings.PLAY_TENANT = slug
        page = Client().get("/play/")
        assert page.status_code == 404
        assert "manage.py seed_demo" in page.content.decode()
    assert Client().post("/play/sessions/", {"language": "en"}, content_type="application/json").status_code == 404


def test_who_hurries_is_asked_to_wait(demo: Any, monkeypatch: Any) -> None:
    carol = Visitor()
    monkeypatch.setattr("npc.play.hosting.SESSIONS_A_MINUTE", 1)
    monkeypatch.setattr("npc.play.hosting.TURNS_A_MINUTE", 1)

    again = Client().post("/play/sessions/", {"language": "en"}, content_type="application/json")
    carol.says("bellkeeper", "Hello!")
    turn = carol.posts("turns/", character="bellkeeper", text="Hello!")

    for answer in (again, turn):
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert int(answer["Retry-After"]) > 0


def test_old_stories_go_when_new_ones_come(demo: Any) -> None:
    old, carol = Visitor(), Visitor()
    long_ago = timezone.now() - timedelta(days=31)
    with demo.scope():
        newest = GameSession.objects.order_by("-opened_at").values_list("pk", flat=True)
        GameSession.objects.filter(pk=newest[1]).update(opened_at=long_ago)

    Visitor()

    with demo.scope():
        assert not GameSession.objects.filter(opened_at=long_ago).exists()
    assert old.posts("moves/", scene="schoolhouse").status_code == 404
    carol.goes("schoolhouse")


@pytest.mark.parametrize("body", [{"language": "xx"}, {"language": 1}, {"language": "en", "name": []}])
def test_odd_bodies_are_refused(demo: Any, body: Any) -> None:
    assert Client().post("/play/sessions/", body, content_type="application/json").status_code == 422


# The rules alone

STATE: dict[str, Any] = {
    "stage": 2, "night": False, "coins": 1, "bag": ["letter"], "prices": {"candle": 1, "cogwheel": 2},
    "gifts": {"baker": []}, "wants": {}, "verses": ["honey"], "locked": ["tower"], "following": ["child", "cat"],
    "promised": ["baker"], "boat": "jetty", "bell": "resting",
}  # fmt: skip


@pytest.mark.parametrize(
    ("actor", "name", "arguments", "reason"),
    [
        ("clockmaker", "trade", {"item": "cogwheel"}, "There are not enough coins."),
        ("baker", "give", {"item": "honey_cake"}, "It has been given away already."),
        ("teacher", "take", {"item": "candle"}, "It is not in the bag."),
        ("teacher", "read_aloud", {"paper": "page"}, "It is not in the bag."),
        ("teacher", "open", {"door": "chest"}, "It is open already."),
        ("beekeeper", "teach_verse", {"verse": "honey"}, "This verse is known already."),
        ("baker", "follow", {}, "Two at most go along."),
        ("baker", "stay", {}, "Nobody was going along."),
        ("baker", "promise", {}, "This was promised already."),
        ("bellkeeper", "ring_bell", {"strokes": 13}, "The song begins at midnight, not by day."),
    ],
)
def test_what_cannot_be_done_now_is_refused_with_a_reason(actor: Any, name: Any, arguments: Any, reason: Any) -> None:
    assert rules.judge(STATE, actor, name, arguments) == rules.Verdict(False, reason)


def test_a_full_bag_takes_nothing_more() -> None:
    full = {**STATE, "bag": ["letter"] * rules.BAG_HOLDS}

    assert rules.judge(full, "beekeeper", "trade", {"item": "candle"}).reason == "The bag is full."
    assert rules.judge(STATE, "beekeeper", "trade", {"item": "candle"}).patch == {
        "bag": ["letter", "candle"],
        "coins": 0,
    }
