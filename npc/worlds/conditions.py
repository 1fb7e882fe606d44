"""Conditions: Common Expression Language over what a character sees.

Compiled once, when a world is put, with types checked and the position of an error. Evaluation is bounded by the
library: 10 000 iterations, a depth of 32, patterns in linear time. It has no effects and reads no clock.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from cel_expr_python import cel

R = TypeVar("R")

# A game may allow other actions each time.
MOST_KNOWN = 32

_OBJECT = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
_NAMES = {
    "state": _OBJECT,
    "actor": _OBJECT,
    "speaker": _OBJECT,
    "scene": _OBJECT,
    "present": cel.Type.List(cel.Type.STRING),
}
_BEFORE = cel.NewEnv(variables=_NAMES)
# A `check` comes after the model has proposed, and sees with what arguments.
_AFTER = cel.NewEnv(variables={**_NAMES, "args": _OBJECT})

_ERROR = re.compile(r"<input>:(-?\d+):(-?\d+): ([^\n]*)")

Gives = Literal["truth", "list"]


class Fault(NamedTuple):
    """Why a text does not compile. `line` and `column` count from 1; None where the whole is at fault."""

    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}, column {self.column}: {self.message}"


class CannotCompile(Exception):
    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(map(str, faults)))


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled text. `sees_args` says in which of the two environments."""

    source: str
    sees_args: bool
    program: Any


class Outcome(NamedTuple):
    """What a condition gave, as plain JSON values; or why it gave nothing."""

    value: Any
    error: str | None = None


class Situation:
    """What conditions see at one moment. Handed over to CEL once, then read by any number of conditions."""

    def __init__(
        self,
        *,
        state: Mapping[str, Any],
        actor: Mapping[str, Any],
        speaker: Mapping[str, Any],
        scene: Mapping[str, Any],
        present: Sequence[str],
        args: Mapping[str, Any] | None = None,
    ) -> None:
        self.names: dict[str, Any] = {
            "state": state,
            "actor": actor,
            "speaker": speaker,
            "scene": scene,
            "present": list(present),
        }
        self.args = args
        self._activations: dict[bool, Any] = {}
        self._holding: dict[tuple[str, bool], bool] = {}
        self._known: dict[Any, Any] = {}

    def with_args(self, args: Mapping[str, Any]) -> "Situation":
        return Situation(**self.names, args=args)

    def evaluate(self, condition: Condition) -> Outcome:
        """A failing condition (a key that is not there, numbers and texts compared) gives None and why."""
        try:
            result = condition.program.eval(self._activation(condition.sees_args))
        except RuntimeError as failure:  # the budget of iterations
            return Outcome(None, str(failure))
        if result.type() == cel.Type.ERROR:
            return Outcome(None, str(result.value()))
        return Outcome(result.plain_value())

    def holds(self, condition: Condition) -> bool:
        """Whether it gives true. What fails or gives anything else does not hold. Asked often of the same."""
        key = (condition.source, condition.sees_args)
        if (known := self._holding.get(key)) is None:
            known = self._holding[key] = self.evaluate(condition).value is True
        return known

    def once(self, key: Any, find: Callable[[], R]) -> R:
        """What follows from this moment and a key, found the first time. It is not to be changed."""
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known = {}
            self._known[key] = find()
        found: R = self._known[key]
        return found

    def _activation(self, sees_args: bool) -> Any:
        if sees_args not in self._activations:
            names = {**self.names, "args": self.args or {}} if sees_args else self.names
            self._activations[sees_args] = (_AFTER if sees_args else _BEFORE).Activation(names)
        return self._activations[sees_args]


@lru_cache(maxsize=20_000)
def compile_condition(source: str, *, gives: Gives = "truth", sees_args: bool = False) -> Condition:
    """Raises CannotCompile, with every fault and its position, also for a text of another type than `gives`.

    Worlds repeat themselves, and so do their versions: what has been compiled is kept.
    """
    try:
        program = (_AFTER if sees_args else _BEFORE).compile(source)
    except RuntimeError as failure:
        raise CannotCompile(_faults(str(failure))) from None
    given = program.return_type().name()
    fits = given == "DYN" or (given == "BOOL" if gives == "truth" else given.startswith("LIST"))
    if not fits:
        wanted = "true or false" if gives == "truth" else "a list"
        raise CannotCompile([Fault(f"this must give {wanted}, not {given.lower()}")])
    return Condition(source, sees_args, program)


def _faults(message: str) -> list[Fault]:
    faults = [Fault(text, int(line), int(column)) for line, column, text in _ERROR.findall(message)]
    return [Fault(fault.message) if (fault.line or 0) < 1 else fault for fault in faults] or [
        Fault(message.split(" [")[0])
    ]
