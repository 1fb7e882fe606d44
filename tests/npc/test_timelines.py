"""Saves, loads and slow work, interleaved at random, end as a straight run of what still counts would."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from npc.errors import BranchLeft
from npc.models import LogEntry
from npc.sessions.changing import patch_state
from npc.sessions.entries import ActionOutcome, ProposedAction, TurnClosed
from npc.sessions.happening import record_event
from npc.sessions.opening import load_save, open_session
from npc.sessions.play import Play, Player
from npc.sessions.saving import save_play
from npc.sessions.writing import Writer, play_at, reading, writing
from npc.worlds.access import access_world
from tenants.errors import PlatformError

Deed = Callable[[Writer], Any]

CAROL = Player(id="carol", name="Carol")
PLACES = st.sampled_from(["taproom", "cellar", None])


def action_id(number: int) -> str:
    return str(uuid5(UUID(int=0), str(number)))


def patches(**patch: Any) -> Deed:
    return lambda writer: patch_state(writer, patch)


def happens(kind: str, who: str, where: str | None, time: float | None) -> Deed:
    return lambda writer: record_event(writer, type=kind, moves={who: where}, game_time=time)


def proposes(number: int) -> Deed:
    action = ProposedAction(
        id=action_id(number),
        name="sell",
        arguments={"item": "ale", "price": 1},
        timing="after_speech",
        ttl_s=30,
        expires_at="2030-01-01T00:00:00Z",
    )
    closed = TurnClosed(turn_id=action.id, character="bram", say="Here.", emotion="happy", actions=[action])
    return lambda writer: writer.add(closed)


def settles(number: int, outcome: Any) -> Deed:
    return lambda writer: writer.add(ActionOutcome(action_id=action_id(number), outcome=outcome))


DEEDS = st.one_of(
    st.builds(lambda gold: patches(gold=gold), st.integers(-2, 5)),  # a negative one is refused
    st.builds(happens, st.sampled_from(["gift", "bell"]), st.sampled_from(["carol", "ghost"]), PLACES, st.none()),
    st.builds(happens, st.just("gift"), st.just("mira"), PLACES, st.floats(0, 100)),
    st.builds(proposes, st.integers(0, 3)),
    st.builds(settles, st.integers(0, 3), st.sampled_from(["accepted", "rejected", "expired"])),
)


class Timelines(RuleBasedStateMachine):
    """One session. `deeds` are those that still count: a load takes back what was done since the save."""

    saves = Bundle("saves")
    begun = Bundle("begun")

    def __init__(self, business: Any) -> None:
        super().__init__()
        self.business = business
        self.deeds: list[Deed] = []
        with business.scope():
            self.world = access_world(business.id, "inn")
            self.session_id = open_session(world=self.world, player=CAROL).session.pk

    def does(self, deed: Deed, session_id: UUID, **branch: Any) -> bool:
        """Whether it was taken; one that was refused has left nothing."""
        before = self.stands(session_id)
        try:
            with writing(self.business.id, session_id, **branch) as writer:
                deed(writer)
        except PlatformError:
            assert self.stands(session_id) == before
            return False
        return True

    def stands(self, session_id: UUID) -> Play:
        with self.business.scope():
            return reading(self.business.id, session_id).play

    @rule(deed=DEEDS)
    def something_is_done(self, deed: Deed) -> None:
        if self.does(deed, self.session_id):
            self.deeds.append(deed)

    @rule(target=begun, deed=DEEDS)
    def slow_work_begins(self, deed: Deed) -> Any:
        with self.business.scope():
            return reading(self.business.id, self.session_id).branch.pk, deed

    @rule(work=consumes(begun))
    def slow_work_ends(self, work: Any) -> None:
        branch_id, deed = work
        with self.business.scope():
            is_late = reading(self.business.id, self.session_id).branch.pk != branch_id
        if self.does(deed, self.session_id, branch_id=branch_id):
            assert not is_late
            self.deeds.append(deed)

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
    def the_play_is_what_the_log_makes_of_it(self) -> None:
        with self.business.scope():
            now = reading(self.business.id, self.session_id)
            assert play_at(now.world, now.branch, now.branch.head_seq) == now.play
            seen = [entry.seq for entry in LogEntry.objects.on(now.branch)]
            assert seen == list(range(1, now.branch.head_seq + 1))
            assert not now.world.state_problems(now.play.state)

    def teardown(self) -> None:
        with self.business.scope():
            straight = open_session(world=self.world, player=CAROL).session.pk
        for deed in self.deeds:
            assert self.does(deed, straight)
        assert self.stands(straight) == self.stands(self.session_id)


def test_any_interleaving_equals_a_straight_run(acme: Any, world: Any) -> None:
    run_state_machine_as_test(
        lambda: Timelines(acme),
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_late_work_for_a_branch_that_was_left_is_dropped(acme: Any, game: Any) -> None:
    save = game.save()
    branch_id = UUID(game.opened["branch_id"])
    acme.api.post("/api/v1/npc/sessions/", {"world": "inn", "player": {"id": "carol"}, "save": save})
    before = game.now()

    with pytest.raises(BranchLeft), writing(acme.id, UUID(game.id), branch_id=branch_id) as writer:
        writer.add(ActionOutcome(action_id=action_id(1), outcome="accepted"))

    assert game.now() == before
