"""JSON Schema 2020-12 as authors write it: compiled offline, with patterns that match in linear time."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError
from jsonschema_rs.canonical import find_unsatisfiable

from npc.worlds.problems import Problem, path_of

_PATTERNS = RegexOptions()
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


class CannotCompileSchema(Exception):
    """`problems` have paths inside the schema."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


class ObjectSchema:
    """A compiled schema of objects: of a world's state, or of an action's arguments."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises CannotCompileSchema, also for a schema under which no object is valid."""
        self.source = dict(schema)
        try:
            self._validator = Draft202012Validator(self.source, pattern_options=_PATTERNS, offline=True)
        except ValidationError as failure:
            raise CannotCompileSchema(_problem(failure)) from None
        except ValueError as failure:
            raise CannotCompileSchema(Problem("", str(failure))) from None
        if not _admits_objects(self.source):
            raise CannotCompileSchema(Problem("", _("No object can ever be valid under this schema.")))

    def problems(self, value: Any, path: str = "") -> list[Problem]:
        """What is wrong with a value; empty if it is valid."""
        if self._validator.is_valid(value):
            return []
        found = [_problem(error) for error in self._validator.iter_errors(value)]
        return [Problem(path_of(path, problem.path), problem.reason) for problem in found]


def arguments_schema(parameters: Mapping[str, Any]) -> ObjectSchema:
    """Of an action. One without parameters takes no arguments."""
    return ObjectSchema(parameters or _NOTHING)


def _admits_objects(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", "object")
    named = "object" in kinds if isinstance(kinds, list) else kinds == "object"
    return named and "" not in find_unsatisfiable(schema, offline=True, pattern_options=_PATTERNS)


def _problem(failure: ValidationError) -> Problem:
    return Problem(path_of(*failure.instance_path), failure.message)
