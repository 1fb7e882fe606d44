"""What is wrong with something authored, and where."""

from collections.abc import Iterable
from typing import NamedTuple

from npc.errors import WorldInvalid
from tenants.errors import Invalid

# A document that is wrong in a thousand places is told its first hundred.
MAX_TOLD = 100


class Problem(NamedTuple):
    """`path` as `actions.3.when`, counted from 0; empty for the whole."""

    path: str
    reason: str


def path_of(*steps: object) -> str:
    return ".".join(str(step) for step in steps if step != "")


def refuse(problems: Iterable[Problem]) -> None:
    """Raise Invalid that names every path, if there is any."""
    if found := list(problems):
        raise refused(found)


def refused(problems: Iterable[Problem]) -> Invalid:
    told = list(problems)[:MAX_TOLD]
    return WorldInvalid(errors=[{"field": problem.path, "detail": problem.reason} for problem in told])
