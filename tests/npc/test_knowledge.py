"""A character knows what its author lets it know, in the state that the play is in now."""

from typing import Any

import pytest

from tests.npc.conftest import Game, inn, open_game, put, wrong_paths


def known(game: Game, character: str) -> dict[str, Any]:
    answer = game.api.get(f"{game.url}knowledge/", character=character)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_each_character_knows_its_own_facts_and_why_not_the_others(game: Game) -> None:
    assert known(game, "mira") == {
        "may_know": ["ford", "thief"],
        "withheld": [{"id": "tunnel", "reason": "not_known_by"}],
    }
    assert known(game, "老王") == {
        "may_know": ["ford"],
        "withheld": [{"id": "thief", "reason": "not_known_by"}, {"id": "tunnel", "reason": "condition"}],
    }


def test_a_fact_opens_and_closes_with_the_state(game: Game) -> None:
    save = game.save()
    game.patch({"stage": 2})
    assert known(game, "bram")["may_know"] == ["ford", "tunnel"]

    game.patch({"stage": 1})
    assert known(game, "bram")["may_know"] == ["ford"]

    game.patch({"stage": 5})
    back = loaded(game, save)
    assert known(back, "bram")["may_know"] == ["ford"]


def loaded(game: Game, save: str) -> Game:
    answer = game.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": {"id": "carol"}, "save": save})
    assert answer.status_code == 201, answer.content
    return game


def test_a_condition_sees_who_knows(acme: Any) -> None:
    facts = [
        {"id": "here", "text": "Mira hums.", "known_by": ["*"], "when": "'mira' in present"},
        {"id": "mine", "text": "I keep the key.", "known_by": ["bram", "老王"], "when": "actor.id == '老王'"},
        {"id": "broken", "text": "Nobody learns this.", "known_by": ["*"], "when": "state.nothing > 1"},
    ]
    put(acme, inn(facts=facts))
    game = open_game(acme)

    assert known(game, "bram")["may_know"] == ["here"]
    assert known(game, "老王")["may_know"] == ["mine"]


@pytest.mark.parametrize("query", [{}, {"character": "nobody"}, {"character": "carol"}])
def test_knowledge_is_asked_for_a_character_of_the_world(game: Game, query: dict[str, str]) -> None:
    assert "character" in wrong_paths(game.api.get(f"{game.url}knowledge/", **query))
