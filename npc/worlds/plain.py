"""JSON that can be kept at all: what PostgreSQL, UTF-8 and a condition can hold."""

import math
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from llm.text import scrub
from npc.worlds.problems import Problem, path_of

MAX_DEPTH = 40
# Aliases of YAML let a page of text stand for billions of values; counting each visit stops there.
MAX_VALUES = 200_000
MAX_INTEGER = 2**53  # beyond it, JavaScript and PostgreSQL's jsonb no longer agree on numbers


def check_plain(value: Any, path: str = "") -> list[Problem]:
    """Everything in a parsed document that cannot be kept. A document that loops is too deep."""
    problems: list[Problem] = []
    waiting = [(value, path, 0)]
    seen = 0
    while waiting:
        current, where, depth = waiting.pop()
        seen += 1
        if seen > MAX_VALUES:
            return [Problem(path, _("This has too many values."))]
        if depth > MAX_DEPTH:
            return [Problem(where, _("This is nested too deeply."))]
        if reason := _wrong(current):
            problems.append(Problem(where, reason))
            continue
        waiting.extend((inner, path_of(where, step), depth + 1) for step, inner in _parts(current))
    return sorted(problems)


def _parts(value: Any) -> Iterator[tuple[object, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _wrong(value: Any) -> str | None:
    match value:
        case None | bool() | list():
            return None
        case dict():
            names = all(isinstance(name, str) and scrub(name) == name for name in value)
            return None if names else _("The names in an object must be text.")
        case str():
            return None if scrub(value) == value else _("This holds NUL or broken characters.")
        case int():
            return None if abs(value) <= MAX_INTEGER else _("This number is too large.")
        case float():
            return None if math.isfinite(value) else _("This must be a number.")
    return _("This is not JSON: %(type)s.") % {"type": type(value).__name__}


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396) on a value, which is left as it was."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def same(one: Any, other: Any) -> bool:
    """Equal as JSON has it, where true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
