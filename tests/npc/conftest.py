"""The village inn that Acme's game plays in, small enough to be read whole."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chat.stage import InProcessServer

INN: dict[str, Any] = {
    "slug": "inn",
    "name": "The Inn at the Ford",
    "language": "en",
    "state_schema": {
        "type": "object",
        "properties": {
            "stage": {"type": "integer", "minimum": 0, "maximum": 5},
            "gold": {"type": "integer", "minimum": 0},
            "stock": {"type": "array", "items": {"type": "string"}},
            "night": {"type": "boolean"},
        },
        "required": ["stage", "gold", "stock"],
        "additionalProperties": False,
    },
    "initial_state": {"stage": 0, "gold": 10, "stock": ["ale", "bread"], "night": False},
    "scenes": [
        {"id": "taproom", "name": "Taproom", "description": "Low beams, a long fire."},
        {"id": "cellar", "name": "Cellar"},
    ],
    "characters": [
        {
            "id": "bram",
            "persona": {
                "name": "Bram",
                "instructions": "You keep the inn at the ford.",
                "examples": [{"user": "Any rooms?", "say": "One left, traveller."}],
            },
            "scene": "taproom",
            "goals": ["sell", {"id": "calm", "description": "Keep the peace.", "done_when": "state.stage >= 3"}],
            "affinity": {"trust": 0},
            "fallbacks": [{"when": "state.night", "text": "We are closed."}, {"text": "Hm."}],
        },
        {"id": "mira", "persona": {"name": "Mira", "instructions": "You sweep."}, "scene": "taproom"},
        {"id": "老王", "persona": {"name": "老王", "instructions": "你管着酒窖。"}, "scene": "cellar"},
    ],
    "facts": [
        {"id": "ford", "text": "The ford floods in spring.", "known_by": ["*"]},
        {"id": "thief", "text": "Mira took the silver cup.", "known_by": ["mira"]},
        {
            "id": "tunnel",
            "text": "A tunnel leads out.",
            "known_by": ["bram", "老王"],
            "when": "state.stage >= 2",
        },
    ],
    "actions": [
        {
            "name": "sell",
            "description": "Sell something to the guest.",
            "parameters": {
                "type": "object",
                "properties": {"item": {"type": "string"}, "price": {"type": "integer", "minimum": 1}},
                "required": ["item", "price"],
            },
            "when": "!state.night && actor.affinity.trust >= 0.0",
            "candidates": {"item": "state.stock"},
            "check": "args.price <= state.gold",
            "actors": ["bram"],
        },
        {"name": "bow", "description": "Bow.", "timing": "before_speech"},
    ],
    "reactions": [
        {"event": "gift", "affinity": {"trust": 2}},
        {"action": "sell", "affinity": {"trust": 1}},
    ],
    "stages": {"late": {"stage": 4}},
}


def inn(**changes: Any) -> dict[str, Any]:
    """The world, with some of its parts replaced."""
    return {**copy.deepcopy(INN), **changes}


@pytest.fixture
def world(acme: Any) -> dict[str, Any]:
    """Acme's inn, as the API answered when it was put."""
    return put(acme, inn())


def put(business: Any, document: dict[str, Any]) -> dict[str, Any]:
    response = business.api.put(f"/api/v1/npc/worlds/{document['slug']}/", document)
    assert response.status_code in (200, 201), response.content
    return dict(response.json())


def wrong_paths(response: Any) -> dict[str, str]:
    """The paths that a 422 names, each with what it says."""
    assert response.status_code == 422, response.content
    body = response.json()
    assert body["code"] == "invalid"
    return {error["field"]: error["detail"] for error in body["errors"]}


CAROL = {"id": "carol", "name": "Carol"}


class Game:
    """A session as a game server holds it."""

    def __init__(self, business: Any, opened: dict[str, Any]) -> None:
        self.api = business.api
        self.opened = opened
        self.id = opened["id"]
        self.url = f"/api/v1/npc/sessions/{self.id}/"

    def now(self) -> dict[str, Any]:
        return dict(self.api.get(self.url).json())

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.api.get(f"{self.url}state/").json())

    def patch(self, patch: Any, version: int | str | None = None) -> Any:
        """A list is sent as a JSON Patch, all else as a merge patch; without a version it is for the newest."""
        kind = "json-patch" if isinstance(patch, list) else "merge-patch"
        version = self.state["state_version"] if version is None else version
        headers = {"If-Match": f'"{version}"'} if version != "" else {}
        return self.api.client.patch(
            f"{self.url}state/", json.dumps(patch), content_type=f"application/{kind}+json", headers=headers
        )

    def tell(self, kind: str, **event: Any) -> Any:
        return self.api.post(f"{self.url}events/", {"type": kind, **event})

    def save(self, **body: Any) -> str:
        response = self.api.post(f"{self.url}saves/", body)
        assert response.status_code == 201, response.content
        return str(response.json()["id"])

    def log(self) -> list[dict[str, Any]]:
        return list(self.api.get(f"{self.url}log/", limit=100).json()["results"])


def open_game(business: Any, **body: Any) -> Game:
    response = business.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": CAROL, **body})
    assert response.status_code == 201, response.content
    return Game(business, response.json())


@pytest.fixture
def game(acme: Any, world: Any) -> Game:
    """Carol plays in Acme's inn."""
    return open_game(acme)


@pytest.fixture(scope="session")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer() as running:
        yield running
