"""A character knows what its author lets it know, in the state that the play is in now."""

from typing import Any
from uuid import UUID

import pytest

from jobs.models import Job
from llm.embedding import bundled
from npc import tasks  # registers the handler
from npc.knowledge.facts import known_now
from npc.knowledge.nearest import TOLD_FACTS, nearest_facts
from npc.models import FactVector
from npc.sessions.writing import reading
from tests.knowledge.conftest import work_off
from tests.npc.conftest import Game, inn, open_game, put, wrong_paths

assert tasks


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


# --- More facts than a prompt holds
SHIP, PLAGUE = "The ship sails for Orlen at dawn.", "井水有毒，喝了会生病。"


def many_facts(*more: dict[str, Any]) -> list[dict[str, Any]]:
    told = [{"id": f"debt{n}", "text": f"Guest {n} owes {n} coins for ale.", "known_by": ["*"]} for n in range(100)]
    return [*told, *more]


def nearest(business: Any, game: Game, character: str, text: str) -> list[str]:
    vector = bundled().embed_query(text)
    with business.scope():
        now = reading(business.id, UUID(game.id))
        facts = known_now(now.world, now.play, character).may_know
        return nearest_facts(now.session, now.world, facts, vector)


@pytest.fixture
def harbour(acme: Any) -> Game:
    """The inn with more facts than a prompt holds; the ones that matter stand last."""
    secret = {"id": "plague", "text": PLAGUE, "known_by": ["bram"], "when": "state.stage >= 3"}
    put(acme, inn(facts=many_facts({"id": "ship", "text": SHIP, "known_by": ["bram"]}, secret)))
    return open_game(acme)


def test_of_many_facts_those_are_told_that_the_talk_is_about(acme: Any, harbour: Game) -> None:
    assert "ship" not in nearest(acme, harbour, "bram", "When does the ship leave?")
    work_off(acme)

    found = nearest(acme, harbour, "bram", "When does the ship leave?")
    assert len(found) == TOLD_FACTS
    assert "ship" in found
    assert found == [fact for fact in known(harbour, "bram")["may_know"] if fact in found]
    assert "ship" not in nearest(acme, harbour, "mira", "When does the ship leave?")


def test_a_closed_fact_is_not_found_however_near_it_is(acme: Any, harbour: Game) -> None:
    work_off(acme)
    assert "plague" not in nearest(acme, harbour, "bram", PLAGUE)

    harbour.patch({"stage": 3})

    assert "plague" in nearest(acme, harbour, "bram", PLAGUE)


def test_a_text_that_stays_is_embedded_once(acme: Any, harbour: Game) -> None:
    work_off(acme)
    with acme.scope():
        before = dict(FactVector.objects.values_list("pk", "tenant"))
    assert len(before) == 102

    put(acme, inn(facts=many_facts({"id": "boat", "text": SHIP}, {"id": "new", "text": "The mill burnt down."})))
    work_off(acme)

    with acme.scope():
        assert FactVector.objects.count() == 103
        assert Job.objects.exclude(status=Job.Status.DONE).count() == 0


def test_a_small_world_needs_no_vectors(acme: Any, game: Game) -> None:
    with acme.scope():
        assert not Job.objects.exists()
    assert nearest(acme, game, "mira", "Who took the cup?") == ["ford", "thief"]


def test_a_deleted_world_takes_its_vectors_along(acme: Any, harbour: Game) -> None:
    work_off(acme)
    assert acme.api.delete("/api/v1/npc/worlds/inn/").status_code == 204

    with acme.scope():
        assert not FactVector.objects.exists()
