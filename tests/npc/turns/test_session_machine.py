"""Whatever game and model send, in any order, twice or too late, is taken whole or refused; the play stays valid."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from npc.models import LogEntry
from npc.sessions.changing import expect_version, patch_state
from npc.sessions.happening import record_event
from npc.sessions.opening import load_save, open_session
from npc.sessions.play import Play, Player
from npc.sessions.saving import save_play
from npc.sessions.writing import play_at, reading, writing
from npc.turns.asking import Asked
from npc.turns.closing import Outcome, close_turn
from npc.turns.opening import AlreadyOpened, Turn, open_turn
from npc.turns.settling import Result, settle_action
from npc.worlds.access import access_world
from tenants.errors import PlatformError

CAROL = Player(id="carol", name="Carol")
WHO = st.sampled_from(["bram", "mira", "老王", "carol", "ghost"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 9), st.floats(), st.sampled_from(["ale", " ALE", "3", "*"])
)
ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
NAMES = st.sampled_from(["sell", " Sell ", "sell|bow", "bow", "fly", "", "sell\x00"])
ARGUMENTS = st.dictionaries(st.sampled_from(["item", " price", "price", "much"]), ANYTHING, max_size=4) | ANYTHING
SALES = st.builds(lambda price: {"name": "sell", "arguments": {"item": "ale", "price": price}}, VALUES)
PROPOSALS = st.lists(st.fixed_dictionaries({"name": NAMES, "arguments": ARGUMENTS}) | SALES | ANYTHING, max_size=12)
PATCHES = st.one_of(
    st.fixed_dictionaries({"gold": ANYTHING}),
    st.fixed_dictionaries({"stock": st.lists(st.sampled_from(["ale", "bread"]), max_size=2)}),
    st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "remove", "replace", "move", "test", "explode"]),
                "path": st.sampled_from(["/gold", "/stock/0", "/stock/-", "/night", "", "gold", "/a/b"]),
                "value": ANYTHING,
            }
        ),
        max_size=3,
    ),
    ANYTHING,
)


class Session(RuleBasedStateMachine):
    turns, saves = Bundle("turns"), Bundle("saves")

    def __init__(self, business: Any) -> None:
        super().__init__()
        self.business = business
        self.actions: list[UUID] = [uuid4()]  # one that nobody proposed
        with business.scope():
            self.world = access_world(business.id, "inn")
            self.session_id = open_session(world=self.world, player=CAROL).session.pk

    def stands(self) -> Play:
        with self.business.scope():
            return reading(self.business.id, self.session_id).play

    def does(self, what: Callable[[], Any]) -> Any:
        """What it gives; what is refused leaves nothing."""
        before = self.stands()
        try:
            return what()
        except PlatformError:
            assert self.stands() == before
            return None

    @rule(target=turns, character=WHO, speaker=WHO, patch=st.none() | PATCHES, version=st.none() | st.integers(0, 4))
    def a_turn_is_opened(self, character: str, speaker: str, patch: Any, version: int | None) -> Any:
        asked = Asked(
            uuid4(),
            speaker,
            character,
            "An ale, please.",
            state_patch=patch,
            base_state_version=version,
            deadline_ms=50,
        )
        turn = self.does(lambda: open_turn(self.business.id, self.session_id, asked))
        if turn:
            assert isinstance(self.does(lambda: open_turn(self.business.id, self.session_id, asked)), AlreadyOpened)
        return turn

    @rule(
        turn=consumes(turns),
        proposed=PROPOSALS | st.lists(SALES, min_size=1, max_size=3),
        say=st.text(max_size=20),
        emotion=st.text(max_size=8),
    )
    def its_model_answers(self, turn: Turn | None, proposed: list[Any], say: str, emotion: str) -> None:
        if turn is None:
            return
        outcome = Outcome(say=say.replace("\x00", ""), emotion=emotion.replace("\x00", ""), proposed=proposed)
        first = self.does(lambda: close_turn(turn, outcome, api_key_id=None))
        again = self.does(lambda: close_turn(turn, Outcome(say="Other words."), api_key_id=None))
        assert first == again
        if first:
            self.actions += [UUID(action["id"]) for action in first["actions"]]

    @rule(number=st.integers(0, 9), accepted=st.booleans(), patch=st.none() | PATCHES)
    def the_game_tells_what_became_of_an_action(self, number: int, accepted: bool, patch: Any) -> None:
        result = Result(self.actions[number % len(self.actions)], accepted, "no coin", patch)
        self.does(lambda: settle_action(self.business.id, self.session_id, result))

    @rule(patch=PATCHES, version=st.integers(0, 6))
    def the_game_patches_a_version(self, patch: Any, version: int) -> None:
        def change() -> None:
            with writing(self.business.id, self.session_id) as writer:
                expect_version(writer.play, version)
                patch_state(writer, patch)

        self.does(change)

    @rule(who=WHO, where=st.sampled_from(["taproom", "cellar", "moon", None]), data=st.none() | ANYTHING)
    def the_game_tells_an_event(self, who: str, where: str | None, data: Any) -> None:
        def happens() -> None:
            with writing(self.business.id, self.session_id) as writer:
                told = data if isinstance(data, dict) else None
                record_event(writer, type="gift", moves={who: where}, data=told, game_time=None)

        self.does(happens)

    @rule(target=saves)
    def the_player_saves(self) -> Any:
        with self.business.scope():
            return save_play(tenant_id=self.business.id, session_id=self.session_id).pk

    @rule(save=saves)
    def the_player_loads(self, save: Any) -> None:
        with self.business.scope():
            load_save(tenant_id=self.business.id, save_id=save, world=self.world, player=CAROL)

    @invariant()
    def the_play_is_valid_and_what_the_log_makes_of_it(self) -> None:
        with self.business.scope():
            now = reading(self.business.id, self.session_id)
            assert play_at(now.world, now.branch, now.branch.head_seq) == now.play
            assert [one.seq for one in LogEntry.objects.on(now.branch)] == list(range(1, now.branch.head_seq + 1))
        assert not now.world.state_problems(now.play.state)
        for action in now.play.proposed.values():
            assert not now.world.argument_problems(now.world.actions[action.name], action.arguments)
        assert set(now.play.emotions.values()) <= now.world.emotions
        assert set(now.play.scenes.values()) <= {None, *now.world.scenes}


def test_a_session_stays_valid_whatever_is_sent(acme: Any, world: Any) -> None:
    run_state_machine_as_test(
        lambda: Session(acme),
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
