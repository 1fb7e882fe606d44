"""What changed between two versions of a world, in the authors' terms: by id, not by place in a list."""

from collections.abc import Iterator, Mapping
from typing import Any

from npc.worlds.plain import same
from npc.worlds.problems import path_of

# Lists whose entries have a name: reordering them changes nothing.
KEYS = {"scenes": "id", "characters": "id", "facts": "id", "actions": "name", "goals": "id"}


def differences(before: Any, after: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """`{path, kind: added|removed|changed, before?, after?}` of two documents, in order of paths.

    Entries of named lists stand in a path by their names: `characters.smith.goals`.
    """
    if _is_object(before) and _is_object(after):
        for name in sorted({*before, *after}):
            here = path_of(path, name)
            if name not in after:
                yield {"path": here, "kind": "removed", "before": before[name]}
            elif name not in before:
                yield {"path": here, "kind": "added", "after": after[name]}
            else:
                yield from differences(_named(name, before[name]), _named(name, after[name]), here)
    elif not same(before, after):
        yield {"path": path, "kind": "changed", "before": before, "after": after}


def _named(name: str, value: Any) -> Any:
    key = KEYS.get(name)
    if key and isinstance(value, list) and all(isinstance(entry, dict) and key in entry for entry in value):
        return {entry[key]: entry for entry in value}
    return value


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)
