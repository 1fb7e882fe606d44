"""Now and then a character makes one thought of many memories. It goes with any of them that is forgotten."""

from typing import Any
from uuid import UUID

import pytest

from jobs.models import Job
from jobs.queueing import enqueue
from jobs.running import run
from npc import tasks  # registers the handlers
from npc.knowledge.reflecting import MANY
from npc.knowledge.remembering import REFLECT
from npc.models import LogEntry
from npc.sessions.happening import record_event
from npc.sessions.writing import writing
from personas.models import Memory
from tests.npc.conftest import INN, Game, inn, open_game, put
from tests.npc.test_memories import kept, load, talk

assert tasks


def much_happens(business: Any, game: Game, count: int = MANY, text: str = "Rain, day {n}.") -> None:
    with writing(business.id, UUID(game.id)) as writer:
        for number in range(count):
            record_event(writer, type="rain", text=text.format(n=number), witnesses=["bram"])


def they_think(business: Any, branch: str | None = None) -> None:
    """As a worker would; the branch is asked for by whatever happens on it."""
    with business.scope():
        if branch:
            enqueue(tenant_id=business.id, kind=REFLECT, queue="memory", subject_id=UUID(branch))
        jobs = list(Job.objects.filter(kind=REFLECT, status=Job.Status.QUEUED))
    for job in jobs:
        with business.scope():
            Job.objects.filter(pk=job.pk).update(available_at=job.created_at)
        run(tenant_id=business.id, job_id=job.pk, worker="test")


def thoughts(game: Game, who: str = "bram") -> list[dict[str, Any]]:
    found = game.api.get(f"{game.url}characters/{who}/memories/", limit=100).json()["results"]
    return [memory for memory in found if memory["kind"] == "reflection"]


def test_many_memories_become_a_thought_without_a_model(acme: Any, game: Game) -> None:
    with writing(acme.id, UUID(game.id)) as writer:
        for _number in range(MANY - 3):
            talk(writer, "bram", "Any news?", "None.")
    game.tell("gift", text="Carol gave Bram honey.")
    much_happens(acme, game, 2)

    they_think(acme)

    [thought] = thoughts(game)
    assert thought["text"] == (
        f"Lately I talked with Carol (×{MANY - 3}), saw or heard other things (×3). "
        "What weighs most: «Carol gave Bram honey.»"
    )
    assert thought["source"] == {"entry": thought["seq"], "type": "reflection", "of": MANY, "by": ""}
    assert thought["seq"] == kept(game, "bram")[0]["seq"]
    assert thoughts(game, "老王") == []


def test_in_chinese_too(acme: Any) -> None:
    put(acme, inn(language="zh-Hans"))
    game = open_game(acme)
    much_happens(acme, game, text="下雨，第{n}天。")
    they_think(acme)

    [thought] = thoughts(game)
    assert thought["text"] == f"近来我见闻了别的{MANY}件事。最要紧的是：「下雨，第{MANY - 1}天。」"


def test_a_model_words_the_thought_if_there_is_one(acme: Any, game: Game, scripted_llm: Any) -> None:
    scripted_llm.will_say("It rains and rains.\nI dislike it.")
    much_happens(acme, game)
    they_think(acme)

    [thought] = thoughts(game)
    assert thought["text"] == "It rains and rains. I dislike it."
    assert thought["source"]["by"]
    [request] = scripted_llm.chat_requests
    assert "Rain, day 0." in request.messages[1]["content"]


@pytest.mark.parametrize("trouble", ["fails", "tells"])
def test_a_model_that_fails_or_tells_a_secret_is_not_heeded(
    acme: Any, game: Game, scripted_llm: Any, trouble: str
) -> None:
    if trouble == "tells":
        scripted_llm.will_say("So a tunnel leads out!")
    else:
        scripted_llm.will_fail(400)
    much_happens(acme, game)
    they_think(acme)

    assert thoughts(game)[0]["text"].startswith("Lately I saw")


def test_a_play_that_counts_its_coins_thinks_without_a_model(acme: Any, scripted_llm: Any) -> None:
    put(acme, inn(purse={"session": 1}))
    game = open_game(acme)
    much_happens(acme, game)
    they_think(acme)

    assert thoughts(game)[0]["source"]["by"] == ""
    assert scripted_llm.chat_requests == []


def test_a_thought_is_thought_once_and_the_next_begins_behind_it(acme: Any, game: Game) -> None:
    much_happens(acme, game, MANY + 5)
    they_think(acme)
    they_think(acme, game.opened["branch_id"])
    assert len(thoughts(game)) == 1

    much_happens(acme, game, MANY)
    they_think(acme, game.opened["branch_id"])

    second, first = thoughts(game)
    assert second["seq"] == first["seq"] + MANY


def test_a_thought_goes_with_any_of_its_memories_and_does_not_come_back(acme: Any, game: Game) -> None:
    much_happens(acme, game)
    they_think(acme)
    third = kept(game, "bram")[3]

    assert game.api.delete(f"{game.url}characters/bram/memories/{third['id']}/").status_code == 204
    they_think(acme, game.opened["branch_id"])

    assert thoughts(game) == []
    assert len(kept(game, "bram")) == MANY - 1


def test_who_loads_a_save_has_not_thought_of_what_came_later(acme: Any, game: Game) -> None:
    much_happens(acme, game, MANY // 2)
    save = game.save()
    much_happens(acme, game, MANY)
    they_think(acme)
    assert thoughts(game)

    load(game, save)
    assert thoughts(game) == []
    much_happens(acme, game, MANY, text="Snow, day {n}.")
    they_think(acme, game.now()["branch_id"])

    [thought] = thoughts(game)
    with acme.scope():
        sources = Memory.objects.filter(pk__in=Memory.objects.get(pk=thought["id"]).made_of)
        assert {memory.text.split(",")[0] for memory in sources} == {"Rain", "Snow"}


def test_a_thought_that_comes_too_late_is_dropped(acme: Any, game: Game, monkeypatch: Any) -> None:
    much_happens(acme, game)
    save = game.save(seq=3)

    def slowly(*_: Any) -> tuple[str, str]:
        load(game, save)
        return "Too late.", "slow"

    monkeypatch.setattr("npc.knowledge.reflecting._thought", slowly)
    they_think(acme)

    with acme.scope():
        assert not Memory.objects.filter(kind="reflection").exists()
        assert not LogEntry.objects.filter(branch_id=game.now()["branch_id"]).exists()
        assert not Job.objects.filter(kind=REFLECT).exclude(status=Job.Status.DONE).exists()


def test_what_was_deleted_meanwhile_is_not_thought_about(acme: Any, game: Game, monkeypatch: Any) -> None:
    much_happens(acme, game)
    [*_, oldest] = kept(game, "bram")

    def slowly(*_: Any) -> tuple[str, str]:
        assert game.api.delete(f"{game.url}characters/bram/memories/{oldest['id']}/").status_code == 204
        return f"I remember: {oldest['text']}", "slow"

    monkeypatch.setattr("npc.knowledge.reflecting._thought", slowly)
    they_think(acme)

    assert thoughts(game) == []


def test_a_job_of_globex_thinks_nothing_of_acmes(acme: Any, globex: Any, game: Game) -> None:
    much_happens(acme, game)
    they_think(globex, game.opened["branch_id"])

    assert thoughts(game) == []


def test_crowds_without_a_model_think_without_one(acme: Any, scripted_llm: Any) -> None:
    people = [{**one, "tier": "crowd"} for one in INN["characters"]]
    put(acme, inn(characters=people, tiers={"crowd": {"model": "none"}}))
    game = open_game(acme)
    much_happens(acme, game)
    they_think(acme)

    assert thoughts(game)[0]["source"]["by"] == ""
    assert scripted_llm.chat_requests == []
