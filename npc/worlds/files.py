"""Worlds as files in a game's own repository: YAML or JSON."""

import re
from typing import Any

import yaml
from django.utils.translation import gettext as _

from npc.worlds.problems import Problem, refused
from tenants.asynchronous import lenient_json
from tenants.errors import Invalid

MAX_WORLD_BYTES = 4 * 1024 * 1024


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's core schema: «no», «on» and «12:30» are texts, as a writer means them, and so are dates.

    A name that stands twice is a mistake, not the last one's win.
    """

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                problem = _("«%(name)s» stands twice.") % {"name": key.value}
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", list("-0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def parse_world(text: str | bytes, *, is_yaml: bool) -> Any:
    """The document in a file, unchecked. Raises Invalid with line and column where it cannot be read."""
    if len(text) > MAX_WORLD_BYTES:
        raise Invalid(_("A world may have 4 MiB."))
    try:
        return yaml.load(text, _Loader) if is_yaml else lenient_json(text)  # noqa: S506 - derived from the safe loader
    except yaml.MarkedYAMLError as failure:
        mark = failure.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise refused([Problem(where, str(failure.problem or failure.context))]) from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as failure:
        raise Invalid(_("The file could not be read: %(why)s") % {"why": failure}) from None
