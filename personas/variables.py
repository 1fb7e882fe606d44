"""Values that a client sends along and an author names in instructions as `{{name}}`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from personas.quoting import one_line
from tenants.errors import Invalid

MAX_VARIABLES = 50
VALUE_MAX_CHARACTERS = 500

_NAME = r"[^\W\d]\w{0,63}"
_PLACE = re.compile(rf"\{{\{{\s*({_NAME})\s*\}}\}}")


def check_variables(sent: Any) -> dict[str, str]:
    """A client's `variables` as texts. Raises Invalid that names each one that is wrong."""
    if sent is None:
        return {}
    if not isinstance(sent, Mapping) or len(sent) > MAX_VARIABLES:
        raise Invalid.field("variables", _("An object of at most %(count)s values.") % {"count": MAX_VARIABLES})
    errors = [
        {"field": f"variables.{name}", "detail": problem}
        for name, value in sent.items()
        if (problem := _problem(name, value))
    ]
    if errors:
        raise Invalid(errors=errors)
    return {name: _as_text(value) for name, value in sent.items()}


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Put the values in their places; an unknown name leaves its place empty. Values are literal."""
    return _PLACE.sub(lambda place: variables.get(place[1], ""), text)


def unknown_names(texts: Iterable[str], variables: Mapping[str, str]) -> list[str]:
    """The names that texts ask for and nobody gave, each once."""
    return list(dict.fromkeys(name for text in texts for name in _PLACE.findall(text) if name not in variables))


def _problem(name: Any, value: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        return _("A name has letters, digits and underscores, at most 64, and begins with a letter.")
    if value is not None and not isinstance(value, str | int | float | bool):
        return _("A value is a text, a number, true, false or null.")
    if len(str(value)) > VALUE_MAX_CHARACTERS:
        return _("At most %(count)s characters.") % {"count": VALUE_MAX_CHARACTERS}
    return ""


def _as_text(value: str | int | float | bool | None) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
    return one_line(str(value), VALUE_MAX_CHARACTERS)
