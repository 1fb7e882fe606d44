"""From a parsed document to its typed form, or to as much of it as has the right shape.

The rest is still checked then, so that an author sees all that is wrong at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from npc.worlds.document import World
from npc.worlds.problems import Problem, path_of
from personas.schema import sentence

LISTS = ("scenes", "characters", "facts", "actions", "reactions")
_PLACEHOLDERS = {"slug": "unnamed", "name": "Unnamed"}


@dataclass(frozen=True)
class Shaped:
    """`world` lacks what has the wrong shape. `raw` is the document as it came."""

    raw: Mapping[str, Any]
    world: World
    problems: list[Problem]
    # Of each list, where its entries stand in the document as it came.
    places: Mapping[str, list[int]]

    def ids(self, name: str, key: str = "id") -> set[str]:
        """All ids in a list of the document, of entries with faults too: they are not missing."""
        entries = self.raw.get(name, [])
        if not isinstance(entries, list):
            return set()
        return {entry[key] for entry in entries if isinstance(entry, dict) and isinstance(entry.get(key), str)}


def shape_of(raw: Mapping[str, Any]) -> Shaped:
    """Read what can be read of a plain JSON object."""
    places = {name: list(range(len(_list(raw, name)))) for name in LISTS}
    try:
        return Shaped(raw, World.model_validate(raw), [], places)
    except ValidationError as failure:
        errors = failure.errors(include_url=False)
    broken = {(error["loc"][0], error["loc"][1]) for error in errors if _is_about_an_entry(error)}
    wrong_wholes = {error["loc"][0] for error in errors if not _is_about_an_entry(error)}
    places = {
        name: [n for n in places[name] if (name, n) not in broken] if name not in wrong_wholes else [] for name in LISTS
    }
    kept = {name: [raw[name][n] for n in places[name]] for name in LISTS}
    rest = {name: value for name, value in raw.items() if name not in wrong_wholes}
    world = World.model_validate({**_PLACEHOLDERS, **rest, **kept})
    return Shaped(raw, world, [_problem(error) for error in errors], places)


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    value = raw.get(name, [])
    return value if isinstance(value, list) else []


def _is_about_an_entry(error: ErrorDetails) -> bool:
    loc = error["loc"]
    return len(loc) > 1 and loc[0] in LISTS and isinstance(loc[1], int)


def _problem(error: ErrorDetails) -> Problem:
    steps = [step for step in error["loc"] if not (isinstance(step, str) and step.startswith("~"))]
    if error["type"] == "string_pattern_mismatch":
        return Problem(path_of(*steps), _("This has characters that do not belong here."))
    return Problem(path_of(*steps), sentence(error))
