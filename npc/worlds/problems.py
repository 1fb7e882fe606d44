"""What is wrong with something authored, and where."""

from collections.abc import Iterable
from typing import NamedTuple

from tenants.errors import Invalid

# A document that is wrong in a thousand places is told its first hundred.
MAX_TOLD = 100


class Problem(NamedTuple):
    """`path` as `actions.3.when`, counted from 0; empty for the whole."""

    path: str
    reason: str


def path_of(*steps: object) -> str:
    return ".".join(str(step) for step in steps if step != "")


def refuse(problems: Iterable[Problem], failure: type[Invalid] = Invalid) -> None:
    """Raise Invalid, or the one that says more, naming every path, if there is any."""
    if found := list(problems):
        raise refused(found, failure)


def refused(problems: Iterable[Problem], failure: type[Invalid] = Invalid) -> Invalid:
    told = list(problems)[:MAX_TOLD]
    return failure(errors=[{"field": problem.path, "detail": problem.reason} for problem in told])
