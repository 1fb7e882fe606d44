"""Changing a state by JSON Patch (RFC 6902) or JSON merge patch (RFC 7396): pure, and bounded whatever is sent."""

from typing import Any, cast

import orjson
from django.utils.translation import gettext as _
from jsonpatch import JsonPatch, JsonPatchException
from jsonpointer import JsonPointerException, resolve_pointer

from npc.errors import StateStale
from npc.worlds.compiled import CompiledWorld
from npc.worlds.plain import check_plain, merged, same
from npc.worlds.problems import Problem, refuse
from tenants.errors import Invalid

Patch = list[dict[str, Any]] | dict[str, Any]
State = dict[str, Any]

MAX_OPERATIONS = 1_000
# A state is read whole into every prompt and condition. `copy` could else double it with each operation.
MAX_STATE_BYTES = 128 * 1024

# What the library raises for an operation that cannot be done, and for what is none: its words are Python's then.
_FAILURES = (JsonPatchException, JsonPointerException)
_NO_OPERATION = (TypeError, ValueError, KeyError, IndexError, AttributeError)


def checked_patch(world: CompiledWorld, state: State, patch: Any) -> State:
    """The state after a patch that came from outside; the old one stays as it was.

    Raises Invalid, naming the operation or the path in the state, and StateStale where a `test` fails.
    """
    refuse(check_plain(patch, "patch"))
    if not isinstance(patch, list | dict):
        raise Invalid.field("patch", _("A JSON Patch is a list of operations, a merge patch an object."))
    after = apply_patch(state, patch)
    if not isinstance(after, dict):
        raise Invalid.field("state", _("A state is an object."))
    refuse([*check_plain(after, "state"), *world.state_problems(after)])
    return after


def apply_patch(state: State, patch: Patch) -> State:
    """As `checked_patch`, without the world's schema: for a patch that was checked when it was logged."""
    after = merged(state, patch) if isinstance(patch, dict) else _apply_operations(state, patch)
    check_size(after)
    return cast(State, after)


def _apply_operations(state: State, operations: list[dict[str, Any]]) -> Any:
    if len(operations) > MAX_OPERATIONS:
        raise Invalid.field("patch", _("At most %(limit)s operations.") % {"limit": MAX_OPERATIONS})
    document: Any = orjson.loads(orjson.dumps(state))  # a copy; `copy.deepcopy` takes fifty times as long
    for number, operation in enumerate(operations):
        try:
            if operation.get("op") == "test":
                _check_test(document, operation)
            else:
                document = JsonPatch([operation]).apply(document, in_place=True)
        except _FAILURES as failure:
            raise Invalid.field(f"patch.{number}", _("This operation fails: %(why)s") % {"why": failure}) from None
        except _NO_OPERATION:
            raise Invalid.field(f"patch.{number}", _("This is no operation of a JSON Patch.")) from None
        if operation.get("op") == "copy":
            check_size(document)
    return document


def _check_test(document: Any, operation: dict[str, Any]) -> None:
    """Not the library's, for which true equals 1. Raises StateStale."""
    found = resolve_pointer(document, operation["path"])
    if not same(found, operation["value"]):
        raise StateStale


def check_size(state: Any) -> None:
    """Raise Invalid for a state that is too large."""
    if len(orjson.dumps(state)) > MAX_STATE_BYTES:
        limit = MAX_STATE_BYTES // 1024
        refuse([Problem("state", _("A state may have %(limit)s KiB.") % {"limit": limit})])
