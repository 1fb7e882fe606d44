"""Saves, loads and slow minds, interleaved at random, end with the memories that a straight run has."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobs.models import Job
from jobs.queueing import enqueue
from jobs.running import run
from npc import tasks  # registers the handlers
from npc.knowledge.gossip import GOSSIP
from npc.knowledge.remembering import REFLECT, sights_of
from npc.models import Branch
from npc.sessions.happening import record_event
from npc.sessions.opening import load_save, open_session
from npc.sessions.play import Player
from npc.sessions.saving import save_play
from npc.sessions.writing import Writer, reading, writing
from npc.worlds.access import access_world
from personas.memories import EMBED
from personas.models import Memory
from tests.npc.conftest import INN, inn, put
from tests.npc.test_memories import talk

assert tasks
Deed = Callable[[Writer], Any]

CAROL = Player(id="carol", name="Carol")
WHO = st.sampled_from(["bram", "mira", "老王"])
MINDS = (GOSSIP, REFLECT, EMBED)


def sees(number: int, who: str) -> Deed:
    return lambda writer: record_event(writer, type="sight", text=f"Carol did deed {number}.", witnesses=[who])


def hears(who: str) -> Deed:
    return lambda writer: talk(writer, who, "Any news?", "None.")


def waits(hours: float) -> Deed:
    return lambda writer: record_event(writer, type="bell", witnesses=[], game_time=writer.play.game_time + hours)


def goes(who: str, where: str | None) -> Deed:
    return lambda writer: record_event(writer, type="walk", witnesses=[], moves={who: where})


DEEDS = st.one_of(
    st.builds(sees, st.integers(0, 9), WHO),
    st.builds(hears, WHO),
    st.builds(waits, st.sampled_from([3.0, 6.0, 30.0])),
    st.builds(waits, st.just(6.0)),
    st.builds(waits, st.just(6.0)),
    st.builds(goes, WHO, st.sampled_from(["taproom", "cellar", None])),
)


class SlowMinds(RuleBasedStateMachine):
    """One session whose jobs run now and then, or not before the end. `deeds` are those that still count."""

    saves = Bundle("saves")

    def __init__(self, business: Any) -> None:
        super().__init__()
        self.business = business
        self.deeds: list[Deed] = []
        with business.scope():
            self.world = access_world(business.id, "inn")
        self.session_id = self.opened()
        self.something_is_done([sees(0, "mira"), hears("bram"), waits(6.0), waits(6.0)])

    def opened(self) -> UUID:
        with self.business.scope():
            return open_session(world=self.world, player=CAROL, seed=11).session.pk

    def does(self, deeds: Sequence[Deed], session_id: UUID) -> None:
        with writing(self.business.id, session_id) as writer:
            for deed in deeds:
                deed(writer)

    def waiting(self) -> list[Job]:
        with self.business.scope():
            return list(Job.objects.filter(kind__in=MINDS, status=Job.Status.QUEUED).order_by("created_at"))

    def work(self, job: Job) -> None:
        with self.business.scope():
            Job.objects.filter(pk=job.pk).update(available_at=job.created_at)
        run(tenant_id=self.business.id, job_id=job.pk, worker="test")

    @rule(deeds=st.lists(DEEDS, min_size=1, max_size=6))
    def much_is_done(self, deeds: list[Deed]) -> None:
        self.something_is_done(deeds)

    def something_is_done(self, deeds: list[Deed]) -> None:
        self.does(deeds, self.session_id)
        self.deeds += deeds

    @rule(number=st.integers(0, 100))
    def a_job_runs(self, number: int) -> None:
        if jobs := self.waiting():
            self.work(jobs[number % len(jobs)])

    @rule(target=saves)
    def the_player_saves(self) -> Any:
        with self.business.scope():
            return save_play(tenant_id=self.business.id, session_id=self.session_id).pk, list(self.deeds)

    @rule(save=saves)
    def the_player_loads(self, save: Any) -> None:
        save_id, deeds = save
        with self.business.scope():
            load_save(tenant_id=self.business.id, save_id=save_id, world=self.world, player=CAROL)
        self.deeds = list(deeds)

    @invariant()
    def nobody_hears_of_what_has_not_happened(self) -> None:
        with self.business.scope():
            now = reading(self.business.id, self.session_id)
            kept = list(Memory.objects.in_sight(sights_of(now.branch)))
        own = {memory.text for memory in kept if memory.kind not in ("hearsay", "reflection")}
        assert {memory.source["said"] for memory in kept if memory.kind == "hearsay"} <= own
        ids = {memory.pk for memory in kept}
        assert {one for memory in kept for one in memory.made_of} <= ids
        assert {memory.derived_from_id for memory in kept} - {None} <= ids

    def teardown(self) -> None:
        self.something_is_done([sees(1, "bram"), *[waits(6.0)] * 5])
        straight = self.opened()
        self.does(self.deeds, straight)
        assert self.minds_of(self.session_id) == self.minds_of(straight)

    def minds_of(self, session_id: UUID) -> list[tuple[Any, ...]]:
        """All that is kept once every job has run, without the numbers, which a save and a load may change."""
        with self.business.scope():
            branch_id = reading(self.business.id, session_id).branch.pk
            for kind in (GOSSIP, REFLECT):
                enqueue(tenant_id=self.business.id, kind=kind, queue="memory", subject_id=branch_id)
        while jobs := self.waiting():
            for job in jobs:
                self.work(job)
        with self.business.scope():
            kept = list(Memory.objects.in_sight(sights_of(Branch.objects.get(pk=branch_id))))
            assert all(memory.embedding is not None for memory in kept)
            named = ("type", "from", "confidence", "of")
            return sorted(
                (one.holder, one.kind, one.text, one.game_time, one.importance, str([one.source.get(n) for n in named]))
                for one in kept
            )


def test_any_interleaving_leaves_the_memories_of_a_straight_run(acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [{**one, "chattiness": 1, "scene": "taproom"} for one in INN["characters"]]
    put(acme, inn(characters=people, slug="inn", facts=[]))
    monkeypatch.setattr("npc.knowledge.reflecting.MANY", 3)
    monkeypatch.setattr("personas.memory_vectors.bundled", Vectors)

    run_state_machine_as_test(
        lambda: SlowMinds(acme),
        settings=settings(
            max_examples=4,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


class Vectors:
    """In place of the model: what is near to what does not matter here."""

    def embed_passages(self, texts: list[str]) -> Any:
        return np.ones((len(texts), 384), dtype=np.float32)
