"""A world ready to play: a checked document with its conditions and schemas compiled and its ids indexed."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from npc.models import WorldVersion
from npc.worlds.conditions import Situation, compile_condition
from npc.worlds.document import EMOTIONS, EVERYONE, Action, Character, Fact, Goal, InlinePersona, Scene, Tier, World
from npc.worlds.problems import Problem
from npc.worlds.schemas import ObjectSchema, arguments_schema
from personas.context import Language

R = TypeVar("R")

# Of all tenants together. A compiled world of 10 000 facts takes some 20 MB.
KEPT_WORLDS = 32
_USUAL = Tier()


class CompiledWorld:
    """What the rules of the game read. Never changed, so that all threads share it."""

    def __init__(self, version_id: UUID, document: World, personas: Mapping[str, InlinePersona]) -> None:
        """`document` has been checked: one that was not may raise here. `personas` are those it names by slug."""
        self.version_id = version_id
        self.document = document
        self.scenes: Mapping[str, Scene] = {scene.id: scene for scene in document.scenes}
        self.characters: Mapping[str, Character] = {one.id: one for one in document.characters}
        self.facts: Mapping[str, Fact] = {fact.id: fact for fact in document.facts}
        self.actions: Mapping[str, Action] = {action.name: action for action in document.actions}
        self.emotions = frozenset((*EMOTIONS, *document.emotions))
        self._state_schema = ObjectSchema(document.state_schema)
        self._arguments = {action.name: arguments_schema(action.parameters) for action in document.actions}
        self._personas = personas
        self._known: dict[Any, Any] = {}
        self._facts_by_condition: dict[str | None, list[str]] = {}
        for fact in document.facts:
            self._facts_by_condition.setdefault(fact.when, []).append(fact.id)

    def once(self, key: Any, find: Callable[[], R]) -> R:
        """What follows from the world and a key, found the first time. It is not to be changed."""
        if key not in self._known:
            self._known[key] = find()
        found: R = self._known[key]
        return found

    @property
    def language(self) -> Language:
        """In which of our languages the platform speaks in this world."""
        return "zh" if self.document.language.lower().startswith("zh") else "en"

    def persona_of(self, character_id: str) -> InlinePersona:
        persona = self.characters[character_id].persona
        return self._personas[persona] if isinstance(persona, str) else persona

    def tier_of(self, character_id: str) -> Tier:
        """What a character may cost. A tier that the world does not spell out costs what is usual."""
        return self.document.tiers.get(self.characters[character_id].tier, _USUAL)

    def is_open(self, condition: str | None, situation: Situation) -> bool:
        """Whether an authored condition holds. None always does; one that fails to evaluate does not.

        An action's `check` goes by `passes`.
        """
        return condition is None or situation.holds(compile_condition(condition))

    def passes(self, action: Action, situation: Situation) -> bool:
        """Whether an action's `check` holds in a situation with `args`."""
        return action.check is None or situation.holds(compile_condition(action.check, sees_args=True))

    def candidates(self, action: Action, situation: Situation) -> dict[str, list[Any]]:
        """What each parameter with candidates may be now. A text that fails to evaluate gives none."""
        found = {}
        for name, source in action.candidates.items():
            value = situation.evaluate(compile_condition(source, gives="list")).value
            found[name] = value if isinstance(value, list) else []
        return found

    def open_facts(self, situation: Situation) -> frozenset[str]:
        """Facts whose `when` holds. Each distinct text is evaluated once, however many facts share it."""
        holding = (ids for when, ids in self._facts_by_condition.items() if self.is_open(when, situation))
        return frozenset(fact_id for ids in holding for fact_id in ids)

    def knows(self, character_id: str, fact_id: str) -> bool:
        """Whether a character is among those who know a fact, open or closed."""
        known_by = self.facts[fact_id].known_by
        return EVERYONE in known_by or character_id in known_by

    def goals(self, character_id: str, situation: Situation) -> list[dict[str, str]]:
        """Each goal with its state, which follows from the situation."""
        goals = self.characters[character_id].goals
        return [{"id": goal.id, "state": self._goal_state(goal, situation)} for goal in goals]

    def _goal_state(self, goal: Goal, situation: Situation) -> str:
        if goal.done_when and self.is_open(goal.done_when, situation):
            return "done"
        if goal.failed_when and self.is_open(goal.failed_when, situation):
            return "failed"
        return "open" if self.is_open(goal.when, situation) else "dormant"

    def state_problems(self, state: Mapping[str, Any], path: str = "state") -> list[Problem]:
        return self._state_schema.problems(state, path)

    def argument_problems(self, action: Action, arguments: Mapping[str, Any]) -> list[Problem]:
        return self._arguments[action.name].problems(arguments, "arguments")

    def at_start(self) -> dict[str, str | None]:
        """Where the characters are when a session begins."""
        return {one.id: one.scene for one in self.document.characters}

    def reactions(
        self, *, event: str | None = None, action: str | None = None, rejected: bool = False
    ) -> Sequence[Any]:
        """The rules of affinity that an event or an action calls upon."""
        return [
            rule
            for rule in self.document.reactions
            if (rule.event, rule.action) == (event, action) and (action is None or rule.rejected == rejected)
        ]


@lru_cache(maxsize=KEPT_WORLDS)
def world_of(version_id: UUID) -> CompiledWorld:
    """The world of a version, which never changes. Inside the scope of its tenant; raises DoesNotExist."""
    version = WorldVersion.objects.get(pk=version_id)
    personas = {slug: InlinePersona.model_validate(one) for slug, one in version.personas.items()}
    return CompiledWorld(version_id, World.model_validate(version.document), personas)
