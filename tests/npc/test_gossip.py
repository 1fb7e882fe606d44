"""What one character has seen, others hear of as the days go by: by chance, from mouth to mouth, and no secrets."""

from typing import Any
from uuid import UUID

import pytest

from jobs.models import Job
from jobs.queueing import enqueue
from jobs.running import run
from npc import tasks  # registers the handlers
from npc.knowledge.gossip import GOSSIP, LEAST_CERTAIN
from npc.models import Branch, LogEntry
from npc.sessions.happening import record_event
from npc.sessions.writing import writing
from personas.models import Memory
from tests.npc.conftest import INN, Game, inn, open_game, put
from tests.npc.test_memories import kept, load, texts

assert tasks

BRAWL = "Two guests came to blows."


def chatty(*, language: str = "en", **changes: Any) -> dict[str, Any]:
    """The inn, where everybody tells what is worth telling, and all are in the taproom."""
    people = [{**one, "chattiness": 1, "scene": "taproom"} for one in INN["characters"]]
    return inn(characters=people, language=language, **changes)


@pytest.fixture
def village(acme: Any) -> Game:
    put(acme, chatty())
    return open_game(acme, seed=7)


def days_pass(game: Game, business: Any, days: int = 8, since: float = 0) -> None:
    """Days of four parts each, in which nothing happens that anybody sees."""
    with writing(business.id, UUID(game.id)) as writer:
        for part in range(1, 4 * days + 1):
            record_event(writer, type="bell", witnesses=[], game_time=since + part * 6)


def tongues_wag(business: Any) -> None:
    """What is told meanwhile. Vectors are not waited for."""
    while True:
        with business.scope():
            job = Job.objects.filter(kind=GOSSIP, status=Job.Status.QUEUED).first()
            if job is None:
                return
            Job.objects.filter(pk=job.pk).update(available_at=job.created_at)
        run(tenant_id=business.id, job_id=job.pk, worker="test")


def hearsay(game: Game, who: str) -> list[dict[str, Any]]:
    return [memory for memory in kept(game, who) if memory["kind"] == "hearsay"]


def test_who_was_not_there_hears_of_it_with_where_it_comes_from(acme: Any, village: Game) -> None:
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    [seen] = kept(village, "mira")

    days_pass(village, acme)
    tongues_wag(acme)

    for who in ("bram", "老王"):
        [heard] = hearsay(village, who)
        source = heard["source"]
        assert source["from"][0] == "mira"
        assert (source["type"], source["said"], source["entry"]) == ("gossip", BRAWL, seen["seq"])
        assert source["confidence"] == round(0.7 ** len(source["from"]), 3)
        teller = {"mira": "Mira", "bram": "Bram", "老王": "老王"}[source["from"][-1]]
        assert heard["text"].startswith(f"Heard from {teller}")
        assert BRAWL in heard["text"]
        assert heard["importance"] < seen["importance"]
    assert hearsay(village, "mira") == []


def test_in_chinese_it_is_told_as_hearsay_too(acme: Any) -> None:
    put(acme, chatty(language="zh-Hans"))
    game = open_game(acme, seed=7)
    game.tell("brawl", text="两个客人打起来了。", witnesses=["mira"], game_time=1)
    days_pass(game, acme)
    tongues_wag(acme)

    assert [one["text"] for one in hearsay(game, "bram")] == ["听Mira说：「两个客人打起来了。」"]


def test_what_went_through_many_mouths_is_doubted_and_dies_out(acme: Any) -> None:
    """Each stands with the next one only, so that a word goes along the row."""
    row = [{**INN["characters"][1], "id": f"c{n}", "persona": {"name": f"C{n}"}, "chattiness": 1} for n in range(6)]
    put(acme, inn(characters=row, facts=[], actions=[], reactions=[]))
    game = open_game(acme, seed=1)
    game.tell("fire", text="The mill burns.", witnesses=["c0"], game_time=1)
    day = 0
    for near in range(5):
        game.tell("walk", witnesses=[], moves={f"c{n}": "taproom" if n in (near, near + 1) else None for n in range(6)})
        days_pass(game, acme, 12, since=day * 24)
        tongues_wag(acme)
        day += 12

    chains = [[one["source"]["from"] for one in hearsay(game, f"c{n}")] for n in range(6)]
    assert chains == [[], [["c0"]], [["c0", "c1"]], [["c0", "c1", "c2"]], [], []]
    [last] = hearsay(game, "c3")
    assert (
        last["text"] == "Heard from C2, who had it from C1, who had it from C0: «The mill burns.» It may not be true."
    )
    assert last["source"]["confidence"] > LEAST_CERTAIN


def test_the_same_seed_tells_the_same_and_another_does_not(acme: Any) -> None:
    put(acme, chatty())

    def told(seed: int) -> list[tuple[Any, ...]]:
        game = open_game(acme, seed=seed)
        for number in range(4):
            game.tell("brawl", text=f"Brawl {number}", witnesses=["mira"], game_time=1)
        days_pass(game, acme, 2)
        tongues_wag(acme)
        return [(who, one["text"], one["game_time"]) for who in ("bram", "老王") for one in hearsay(game, who)]

    assert told(3) == told(3)
    assert len({str(told(seed)) for seed in (3, 4, 5)}) > 1


def test_nobody_gossips_where_the_author_forbids_it_or_nobody_listens(acme: Any) -> None:
    for document in (
        chatty(memory={"gossip": 0}),
        chatty(reactions=[], actions=[]) | {"characters": INN["characters"][1:]},
    ):
        put(acme, document | {"facts": []})
        game = open_game(acme, seed=7)
        game.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
        days_pass(game, acme, 3)
        tongues_wag(acme)
        assert "time.passed" not in {entry["kind"] for entry in game.log()}
    put(acme, chatty() | {"characters": [{**one, "chattiness": 0} for one in chatty()["characters"]]})
    mute = open_game(acme, seed=7)
    mute.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(mute, acme, 3)
    tongues_wag(acme)
    assert hearsay(mute, "bram") == []


@pytest.mark.parametrize(
    "text",
    [
        "Mira took the silver cup.",
        "They say a tunnel leads out.",
        "I saw Mira: she took that silver cup!",
        "Carol: Are you an AI?",
    ],
)
def test_a_fact_that_may_be_closed_is_never_told_on(acme: Any, village: Game, text: str) -> None:
    village.patch({"stage": 4})  # the tunnel is open now, but may not stay so
    village.tell("slip", text=text, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    tongues_wag(acme)

    assert [*hearsay(village, "bram"), *hearsay(village, "老王")] == []


def test_who_loads_a_save_has_not_heard_what_was_told_later(acme: Any, village: Game) -> None:
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    save = village.save()
    days_pass(village, acme)
    tongues_wag(acme)
    assert hearsay(village, "bram")

    load(village, save)
    assert hearsay(village, "bram") == []


def test_what_comes_late_has_its_place_where_it_was_due(acme: Any, village: Game) -> None:
    """The job runs after a save; who loads that has heard all the same, as if the job had been quick."""
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    save = village.save()
    load(village, save)
    left = Branch.objects.using("owner").get(pk=village.opened["branch_id"])
    tongues_wag(acme)

    [heard] = hearsay(village, "bram")
    with acme.scope():
        assert not LogEntry.objects.filter(branch_id=left.pk, kind="gossip").exists()
        memory = Memory.objects.get(pk=heard["id"])
        assert (memory.store, memory.seq <= left.head_seq) == (left.pk, True)
        again = list(Memory.objects.filter(kind="hearsay").values_list("pk", flat=True))
    load(village, save)
    tongues_wag(acme)
    with acme.scope():
        assert list(Memory.objects.filter(kind="hearsay").values_list("pk", flat=True)) == again


def test_late_gossip_of_a_branch_that_was_left_is_dropped(acme: Any, village: Game) -> None:
    save = village.save()
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    load(village, save)
    tongues_wag(acme)

    with acme.scope():
        assert not Memory.objects.filter(kind="hearsay").exists()
        assert not LogEntry.objects.filter(kind="gossip").exists()
        assert not Job.objects.filter(kind=GOSSIP).exclude(status=Job.Status.DONE).exists()


def test_the_log_says_who_told_whom(acme: Any, village: Game) -> None:
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    tongues_wag(acme)

    with acme.scope():
        entries = LogEntry.objects.filter(branch_id=village.opened["branch_id"], kind="gossip")
        told = [one for entry in entries for one in entry.data["told"]]
    assert {(one["hearer"], one["memory_id"]) for one in told} == {
        (who, one["id"]) for who in ("bram", "老王") for one in hearsay(village, who)
    }


def test_who_forgets_what_was_seen_takes_the_gossip_along(acme: Any, village: Game) -> None:
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    tongues_wag(acme)
    [seen] = kept(village, "mira")

    assert village.api.delete(f"{village.url}characters/mira/memories/{seen['id']}/").status_code == 204
    days_pass(village, acme, since=240)
    tongues_wag(acme)

    assert texts(village, "bram") == texts(village, "老王") == []


def test_a_job_of_globex_moves_no_tongue_of_acmes(acme: Any, globex: Any, village: Game) -> None:
    village.tell("brawl", text=BRAWL, witnesses=["mira"], game_time=1)
    days_pass(village, acme)
    with globex.scope():
        enqueue(tenant_id=globex.id, kind=GOSSIP, queue="memory", subject_id=UUID(village.opened["branch_id"]))
    tongues_wag(globex)

    assert hearsay(village, "bram") == []
