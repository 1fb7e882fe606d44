"""A document from outside becomes a `World`, or every path that is wrong is named."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.utils.translation import gettext as _

from npc.errors import WorldInvalid
from npc.worlds.conditions import CannotCompile, Gives, compile_condition
from npc.worlds.document import EVERYONE, Action, Character, Reaction, World
from npc.worlds.plain import check_plain, merged
from npc.worlds.problems import Problem, path_of, refuse
from npc.worlds.schemas import CannotCompileSchema, ObjectSchema, arguments_schema
from npc.worlds.shape import Shaped, shape_of

# What the API adds to a document that it gives; a document that comes back may still hold it.
READ_ONLY = ("id", "version", "updated_at")


def read_world(raw: Any) -> World:
    """Raises Invalid that names every wrong path."""
    world, problems = check_world(raw)
    refuse(problems, WorldInvalid)
    return cast(World, world)


def check_world(raw: Any) -> tuple[World | None, list[Problem]]:
    """The world if nothing is wrong with it, and else all that is."""
    if not isinstance(raw, dict):
        return None, [Problem("", _("A world is one object."))]
    if problems := check_plain(raw):
        return None, problems
    shaped = shape_of({name: value for name, value in raw.items() if name not in READ_ONLY})
    problems = [*shaped.problems, *_Checks(shaped).problems()]
    return (None if problems else shaped.world), problems


class _Checks:
    """Checks that need more than one piece of the document."""

    def __init__(self, shaped: Shaped) -> None:
        self.shaped = shaped
        self.world = shaped.world
        self.characters = shaped.ids("characters")
        self.scenes = shaped.ids("scenes")
        self.actions = shaped.ids("actions", "name")

    def problems(self) -> Iterator[Problem]:
        yield from self._twice()
        yield from self._state()
        for path, character in self._each("characters", self.world.characters):
            yield from self._character(path, character)
        for path, fact in self._each("facts", self.world.facts):
            yield from _unknown(fact.known_by, self.characters | {EVERYONE}, path_of(path, "known_by"))
            yield from _condition(fact.when, path_of(path, "when"))
        for path, action in self._each("actions", self.world.actions):
            yield from self._action(path, action)
        for path, reaction in self._each("reactions", self.world.reactions):
            yield from self._reaction(path, reaction)

    def _each(self, name: str, entries: Iterable[Any]) -> Iterator[tuple[str, Any]]:
        for place, entry in zip(self.shaped.places[name], entries, strict=True):
            yield path_of(name, place), entry

    def _twice(self) -> Iterator[Problem]:
        for name, key in (("scenes", "id"), ("characters", "id"), ("facts", "id"), ("actions", "name")):
            entries = list(self._each(name, getattr(self.world, name)))
            counted = Counter(getattr(entry, key) for _path, entry in entries)
            for path, entry in entries:
                if counted[getattr(entry, key)] > 1:
                    yield Problem(path_of(path, key), _("Another one has this name too."))

    def _state(self) -> Iterator[Problem]:
        try:
            schema = ObjectSchema(self.world.state_schema)
        except CannotCompileSchema as failure:
            yield Problem(path_of("state_schema", failure.problem.path), failure.problem.reason)
            return
        yield from schema.problems(self.world.initial_state, "initial_state")
        for name, stage in self.world.stages.items():
            yield from schema.problems(merged(self.world.initial_state, stage), path_of("stages", name))

    def _character(self, path: str, character: Character) -> Iterator[Problem]:
        if character.scene is not None:
            yield from _unknown([character.scene], self.scenes, path_of(path, "scene"), is_list=False)
        if self.world.tiers:
            yield from _unknown([character.tier], set(self.world.tiers), path_of(path, "tier"), is_list=False)
        counted = Counter(goal.id for goal in character.goals)
        for number, goal in enumerate(character.goals):
            here = path_of(path, "goals", number)
            if counted[goal.id] > 1:
                yield Problem(path_of(here, "id"), _("Another one has this name too."))
            for name in ("when", "done_when", "failed_when"):
                yield from _condition(getattr(goal, name), path_of(here, name))
        for number, line in enumerate(character.fallbacks):
            yield from _condition(line.when, path_of(path, "fallbacks", number, "when"))

    def _action(self, path: str, action: Action) -> Iterator[Problem]:
        yield from _condition(action.when, path_of(path, "when"))
        yield from _condition(action.check, path_of(path, "check"), sees_args=True)
        parameters = action.parameters.get("properties")
        for name, source in action.candidates.items():
            yield from _condition(source, path_of(path, "candidates", name), gives="list")
            if not (isinstance(parameters, dict) and name in parameters):
                yield Problem(path_of(path, "candidates", name), _("The action has no parameter of this name."))
        yield from _unknown(action.actors or [], self.characters, path_of(path, "actors"))
        try:
            arguments_schema(action.parameters)
        except CannotCompileSchema as failure:
            yield Problem(path_of(path, "parameters", failure.problem.path), failure.problem.reason)

    def _reaction(self, path: str, reaction: Reaction) -> Iterator[Problem]:
        if (reaction.event is None) == (reaction.action is None):
            yield Problem(path, _("Name either an event or an action."))
        if reaction.action is not None:
            yield from _unknown([reaction.action], self.actions, path_of(path, "action"), is_list=False)
        yield from _unknown(reaction.characters or [], self.characters, path_of(path, "characters"))
        yield from _condition(reaction.when, path_of(path, "when"))


def _unknown(named: Iterable[str], known: set[str], path: str, *, is_list: bool = True) -> Iterator[Problem]:
    for number, name in enumerate(named):
        if name not in known:
            yield Problem(path_of(path, number) if is_list else path, _("There is no «%(id)s».") % {"id": name})


def _condition(source: str | None, path: str, *, gives: Gives = "truth", sees_args: bool = False) -> Iterator[Problem]:
    if source is None:
        return
    try:
        compile_condition(source, gives=gives, sees_args=sees_args)
    except CannotCompile as failure:
        for fault in failure.faults:
            yield Problem(path, str(fault))
