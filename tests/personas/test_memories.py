"""Characters keep what they perceived, find it again, and forget it when somebody asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.models import Job
from jobs.queueing import enqueue
from jobs.running import run
from llm.embedding import bundled
from personas import tasks  # registers the handler
from personas.memories import EMBED, Recalled, forget, recall, remember
from personas.models import Memory, Sight
from tests.knowledge.conftest import work_off

assert tasks

CUP, FORD, DOG = "Mira took the silver cup.", "渡口涨水了，没人能过河。", "A dog barked at the moon."


def keep(business: Any, store: UUID, seq: int, text: str, *holders: str, **fields: Any) -> list[UUID]:
    with business.scope():
        return remember(
            tenant_id=business.id,
            store=store,
            seq=seq,
            holders=dict.fromkeys(holders or ["bram"], "witnessed"),
            text=text,
            **fields,
        )


def told(business: Any, store: UUID, *, holder: str = "bram", last_seq: int | None = None, **fields: Any) -> list[str]:
    """What comes to mind in this one store, best first."""
    return [one.text for one in recalled(business, [Sight(store, last_seq)], holder=holder, **fields)]


def recalled(business: Any, sights: list[Sight], *, holder: str = "bram", **fields: Any) -> list[Recalled]:
    asked = {"query_vector": None, "now_game_time": 0.0, "limit": 10, **fields}
    with business.scope():
        return recall(tenant_id=business.id, sights=sights, holder=holder, **asked)


def test_each_holder_has_its_own_memories(acme: Any) -> None:
    inn = uuid4()
    keep(acme, inn, 1, CUP, "mira", "bram")
    keep(acme, inn, 2, DOG, "bram")

    assert told(acme, inn, holder="mira") == [CUP]
    assert told(acme, inn) == [DOG, CUP]
    assert told(acme, inn, holder="老王") == []
    assert told(acme, uuid4()) == []


def test_what_is_kept_twice_is_there_once(acme: Any) -> None:
    inn = uuid4()
    first = keep(acme, inn, 1, CUP, "mira", "bram", "mira")
    again = keep(acme, inn, 1, "Another wording.", "mira", "bram")

    assert again == first
    assert told(acme, inn) == [CUP]


def test_a_line_of_events_sees_its_ancestors_only_as_far_as_it_shares_them(acme: Any) -> None:
    before, after = uuid4(), uuid4()
    keep(acme, before, 1, "shared")
    keep(acme, before, 5, "a future that was left")
    keep(acme, after, 2, "the new line")

    seen = recalled(acme, [Sight(before, 1), Sight(after)])
    assert [one.text for one in seen] == ["the new line", "shared"]
    assert {one.text for one in recalled(acme, [Sight(before)])} == {"shared", "a future that was left"}
    assert recalled(acme, []) == []


@pytest.mark.parametrize(
    ("question", "wanted"),
    [("Who stole the silver cup?", CUP), ("过河安全吗？", FORD), ("Why did the dog bark?", DOG)],
)
def test_the_nearest_in_meaning_comes_first_in_either_language(acme: Any, question: str, wanted: str) -> None:
    inn = uuid4()
    for seq, text in enumerate([CUP, FORD, DOG], start=1):
        keep(acme, inn, seq, text)
    work_off(acme)

    assert told(acme, inn, query_vector=bundled().embed_query(question), limit=1) == [wanted]


def test_weight_and_age_order_what_is_equally_near(acme: Any) -> None:
    inn = uuid4()
    keep(acme, inn, 1, "old and grave", importance=1.0, game_time=0.0)
    keep(acme, inn, 2, "old and slight", importance=0.2, game_time=0.0)
    keep(acme, inn, 3, "new and slight", importance=0.2, game_time=900.0)

    assert told(acme, inn, now_game_time=1000.0) == ["old and grave", "new and slight", "old and slight"]


def test_a_memory_without_a_vector_yet_is_not_lost(acme: Any) -> None:
    inn = uuid4()
    keep(acme, inn, 1, CUP)
    keep(acme, inn, 2, FORD)
    work_off(acme)
    keep(acme, inn, 3, DOG)

    assert told(acme, inn, query_vector=bundled().embed_query("Who has the cup?")) == [CUP, DOG, FORD]


def test_vectors_are_made_store_by_store_and_not_of_what_is_forgotten(acme: Any) -> None:
    inn, mill = uuid4(), uuid4()
    [cup] = keep(acme, inn, 1, CUP)
    for seq in range(2, 40):
        keep(acme, inn, seq, f"Guest {seq} came.")
    keep(acme, mill, 1, DOG)
    with acme.scope():
        forget(tenant_id=acme.id, memory_id=cup)
        assert Job.objects.filter(queue="memory").count() == 2

    work_off(acme)

    with acme.scope():
        assert list(Memory.objects.filter(embedding=None)) == [Memory.objects.get(pk=cup)]
        assert not Job.objects.exclude(status=Job.Status.DONE).exists()


def test_what_is_forgotten_while_its_vector_is_made_stays_empty(acme: Any, monkeypatch: Any) -> None:
    inn = uuid4()
    [cup] = keep(acme, inn, 1, CUP)
    embedder = bundled()

    class Meanwhile:
        def embed_passages(self, texts: list[str]) -> Any:
            with acme.scope():
                forget(tenant_id=acme.id, memory_id=cup)
            return embedder.embed_passages(texts)

    monkeypatch.setattr("personas.memory_vectors.bundled", Meanwhile)
    work_off(acme)

    with acme.scope():
        memory = Memory.objects.get()
        assert (memory.text, memory.embedding) == ("", None)


def test_a_job_of_globex_about_acmes_store_finds_nothing(acme: Any, globex: Any) -> None:
    inn = uuid4()
    keep(acme, inn, 1, CUP)
    with globex.scope():
        job = enqueue(tenant_id=globex.id, kind=EMBED, queue="memory", subject_id=inn)

    run(tenant_id=globex.id, job_id=job.pk, worker="test")

    with acme.scope():
        assert Memory.objects.get().embedding is None


def test_recall_looks_at_each_memory_once(acme: Any) -> None:
    """A planner without statistics has taken the ranges of scores into the loop over the rows."""
    inn = uuid4()
    with acme.scope():
        for seq in range(200):
            Memory.objects.create(store=inn, seq=seq, holder="bram", kind="witnessed", text=DOG)
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, *more: Any) -> Any:
        asked.append((sql, values))
        return execute(sql, values, *more)

    with acme.scope():
        with connection.execute_wrapper(note):
            recall(tenant_id=acme.id, sights=[Sight(inn)], holder="bram", query_vector=None, now_game_time=0.0, limit=5)
        [(sql, values)] = asked
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
            [(plan,)] = cursor.fetchall()

    assert max(loops(plan[0]["Plan"])) <= 5


def loops(node: dict[str, Any]) -> Iterator[int]:
    """How often a plan read the table, and how often it computed the ranges.

    Which of two small sets it goes through for each row of the other is up to its statistics.
    """
    if node["Node Type"] == "Aggregate" or "Relation Name" in node:
        yield node["Actual Loops"]
    for inner in node.get("Plans", []):
        yield from loops(inner)


def test_forgetting_takes_along_what_was_made_of_it_and_holds(acme: Any) -> None:
    inn = uuid4()
    [seen] = keep(acme, inn, 1, CUP, "mira")
    [heard] = keep(acme, inn, 2, "Mira says: a cup!", "bram", derived_from=seen)
    [retold] = keep(acme, inn, 3, "They say: a cup!", "老王", derived_from=heard)
    keep(acme, inn, 4, DOG, "bram")

    with acme.scope():
        assert set(forget(tenant_id=acme.id, memory_id=seen)) == {seen, heard, retold}
        assert forget(tenant_id=acme.id, memory_id=seen) == []
    keep(acme, inn, 1, CUP, "mira")

    assert told(acme, inn, holder="mira") == told(acme, inn, holder="老王") == []
    assert told(acme, inn) == [DOG]
    with acme.scope():
        assert not Memory.objects.filter(text__contains="cup").exists()


def test_what_was_made_of_many_is_forgotten_with_any_of_them(acme: Any) -> None:
    inn, later = uuid4(), uuid4()
    [cup], [dog] = keep(acme, inn, 1, CUP), keep(acme, inn, 2, DOG)
    [thought] = keep(acme, later, 3, "What a night!", made_of=[cup, dog])
    [second] = keep(acme, later, 4, "What nights!", made_of=[thought])
    keep(acme, later, 5, FORD)

    with acme.scope():
        assert set(forget(tenant_id=acme.id, memory_id=dog)) == {dog, thought, second}
    assert told(acme, inn) == [CUP]
    assert told(acme, later) == [FORD]


def test_slight_things_are_forgotten_before_grave_ones(acme: Any) -> None:
    inn = uuid4()
    keep(acme, inn, 1, "grave", importance=0.8)
    keep(acme, inn, 2, "usual", importance=0.5)
    keep(acme, inn, 3, "slight", importance=0.4)

    def kept_at(time: float) -> list[str]:
        return told(acme, inn, now_game_time=time, lasting=10.0)

    assert kept_at(5) == ["grave", "usual", "slight"]
    assert kept_at(10) == ["grave", "usual"]
    assert kept_at(79) == ["grave"]
    assert kept_at(81) == []
    assert kept_at(5) == ["grave", "usual", "slight"]  # who loads an old save is young again
    assert len(told(acme, inn, now_game_time=1e9)) == 3


def test_mallory_recalls_and_forgets_nothing_of_acmes(acme: Any, globex: Any) -> None:
    inn = uuid4()
    [cup] = keep(acme, inn, 1, CUP)
    keep(globex, inn, 2, DOG)

    assert told(globex, inn) == [DOG]
    with globex.scope():
        assert forget(tenant_id=acme.id, memory_id=cup) == []
        assert (
            recall(tenant_id=acme.id, sights=[Sight(inn)], holder="bram", query_vector=None, now_game_time=0.0, limit=9)
            == []
        )
    assert told(acme, inn) == [CUP]


def test_nothing_is_made_of_a_neighbours_memory(acme: Any, globex: Any) -> None:
    [cup] = keep(acme, uuid4(), 1, CUP)

    with pytest.raises(IntegrityError):
        keep(globex, uuid4(), 1, "hearsay", derived_from=cup)


@dataclass(frozen=True)
class Kept:
    """A memory as the test knows it, to say without SQL who may recall it where."""

    store: int
    holder: str
    seq: int
    text: str
    is_forgotten: bool

    def is_seen(self, holder: str, sights: list[tuple[int, int | None]]) -> bool:
        within = any(self.store == store and (last is None or self.seq <= last) for store, last in sights)
        return within and self.holder == holder and not self.is_forgotten


HOLDERS = st.sampled_from(["bram", "mira", "老王"])
STORES = st.integers(0, 2)


@st.composite
def pasts(draw: st.DrawFn) -> list[Kept]:
    keys = draw(st.lists(st.tuples(STORES, HOLDERS, st.integers(1, 6)), max_size=15, unique=True))
    return [Kept(*key, text=f"canary {number}", is_forgotten=draw(st.booleans())) for number, key in enumerate(keys)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pasts(), HOLDERS, st.lists(st.tuples(STORES, st.none() | st.integers(0, 6)), max_size=3, unique_by=lambda it: it[0])
)
def test_exactly_what_the_holder_kept_in_sight_comes_to_mind(
    acme: Any, past: list[Kept], holder: str, sights: list[tuple[int, int | None]]
) -> None:
    stores = [uuid4() for _ in range(3)]
    for one in past:
        [memory_id] = keep(acme, stores[one.store], one.seq, one.text, one.holder)
        if one.is_forgotten:
            with acme.scope():
                forget(tenant_id=acme.id, memory_id=memory_id)

    seen = [Sight(stores[store], last) for store, last in sights]
    for vector in (None, bundled().embed_query("canary")):
        found = recalled(acme, seen, holder=holder, query_vector=vector, limit=50)
        assert sorted(one.text for one in found) == sorted(one.text for one in past if one.is_seen(holder, sights))
