"""What the gate refuses, by rule: each has a name that clients may rely on and a sentence that says what to do."""

from collections.abc import Sequence
from typing import Any, NoReturn

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from analytics.errors import SqlRejected

RULES = {
    "too_long": _("This SQL is too long: ask for less at once. {limit} KiB are read at most."),
    "too_deep": _("This SQL is nested too deeply: use WITH to name its parts."),
    "characters": _("The character {letter} has no place in SQL: put names in double quotes and text in single ones."),
    "quoting": _("Write text as 'text', with '' for an apostrophe: other ways of quoting are not read here."),
    "parameters": _("There are no parameters here: write the value itself."),
    "unreadable": _("This is not SQL that PostgreSQL would read: look near the position."),
    "one_statement": _("Give exactly one statement."),
    "not_a_query": _("Only questions may be asked here: begin with SELECT or WITH."),
    "construct": _("{what} has no place in a question: leave it out."),
    "table_unknown": _("There is no table {name} in this dataset.{nearest}"),
    "schema": _("Only the tables of this dataset may be read: leave {name} out."),
    "column_unknown": _("{table} has no column {name}.{nearest}"),
    "name": _("The name {name} is the system's: choose another."),
    "function": _("The function {name} may not be called here: only those that compute from the data may."),
    "type": _("A value cannot be made a {name} here: use text, numbers, dates, times, booleans or json."),
    "operator": _("The operator {name} is not known here."),
    "row_count": _("generate_series needs its ends and its step written out, for at most {limit} rows."),
    "text_size": _("{name} needs its length written as a number of at most {limit}, and not inside another."),
    "powers": _("At most {limit} powers may be computed in one statement."),
    "recursion": _("This recursion has no end that can be seen: add a WHERE that stops it."),
    "rewritten": _("This SQL cannot be written anew without changing it: write it more simply."),
}


def refuse(rule: str, *, position: int | None = None, nearest: Sequence[str] = (), **said: object) -> NoReturn:
    """Raise SqlRejected with the rule's sentence. `said` fills in what it names; `nearest`: names that may be meant."""
    values: dict[str, Any] = {name: _short(value) for name, value in said.items()}
    values["nearest"] = format_lazy(_(" Did you mean {names}?"), names=", ".join(nearest)) if nearest else ""
    raise SqlRejected(rule, format_lazy(RULES[rule], **values), position=position, names=nearest)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"
