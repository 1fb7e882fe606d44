"""Errors of PostgreSQL as ours. What it prints of a failed cast is the value: values never come out."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

import psycopg
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from analytics.catalogue import Catalogue
from analytics.errors import RunCancelled, SqlFailed, SqlTimedOut, TooCostly
from analytics.gate import FUNCTIONS
from tenants.errors import PlatformError

# By SQLSTATE. Of class 22 (data) no message of PostgreSQL's is ever passed on.
_SENTENCES: dict[str, str | Promise] = {
    "22P02": _("A value cannot be read as the type it is cast to: leave such rows out, or compare as text."),
    "22007": _("A value cannot be read as a date or time: leave such rows out, or give to_date its shape."),
    "22008": _("A date or time is out of range."),
    "22003": _("A number is out of range: cast to numeric."),
    "22012": _("Division by zero: write nullif(…, 0) below the line."),
    "21000": _("A subquery in the place of one value gave several rows: add an aggregate or LIMIT 1."),
    "2201B": _("This regular expression cannot be read."),
    "54000": _("A value or an intermediate result grew too large."),
    "54001": _("This SQL is nested too deeply: use WITH to name its parts."),
    "53200": _("This needs more memory than there is: ask about fewer rows at once."),
    "42501": _("The dataset's role may not read this."),
}
_DATA = _("A value does not suit what is computed with it.")
_SAYS = _("PostgreSQL says: {message}.{nearest}")
_NAME_MISSING = re.compile(r'^(?:column|relation|function|type|missing FROM-clause entry for table) "?([^\s"(]+)')
_SHOWS_NO_DATA = "42"  # syntax, names and types: said before a row was read
_TOO_LARGE = {"53400", "53100"}  # temp_file_limit, disk full
_STOPPED = {"57014", "57P01", "57P02", "25P03", "25P04"}


def failure(error: psycopg.Error, catalogue: Catalogue, *, has_read: bool, is_late: bool) -> PlatformError:
    """What to raise for it. `has_read`: rows may have been read when it came. `is_late`: the time was up."""
    state = error.sqlstate or ""
    if state in _STOPPED:
        return SqlTimedOut() if is_late or "timeout" in _primary(error) else RunCancelled()
    if state == "55P03":
        return SqlTimedOut(_("The tables are being changed just now: try again."))
    if state in _TOO_LARGE:
        return TooCostly()
    if state.startswith(_SHOWS_NO_DATA) and not has_read:
        return _about_names(error, state, catalogue)
    sentence = _SENTENCES.get(state) or (_DATA if state.startswith("22") else SqlFailed.default_detail)
    return SqlFailed(sentence, condition=state)


def _about_names(error: psycopg.Error, state: str, catalogue: Catalogue) -> SqlFailed:
    message = _primary(error)
    nearest = _nearest(message, state, catalogue)
    said = format_lazy(_(" Did you mean {names}?"), names=", ".join(nearest)) if nearest else ""
    hint = (error.diag.message_hint or "") if state == "42803" else ""
    detail = format_lazy(_SAYS, message=message, nearest=said)
    return SqlFailed(detail, condition=state, message=message, hint=hint, names=nearest)


def _nearest(message: str, state: str, catalogue: Catalogue) -> list[str]:
    found = _NAME_MISSING.match(message)
    if not found:
        return []
    name = found[1].rpartition(".")[2]
    return get_close_matches(name, sorted(_candidates(state, catalogue)), n=3, cutoff=0.6)


def _candidates(state: str, catalogue: Catalogue) -> Iterable[str]:
    if state == "42883":
        return FUNCTIONS
    if state == "42P01":
        return {table.name for table in catalogue.tables}
    return {column.name for table in catalogue.tables for column in table.columns}


def _primary(error: psycopg.Error) -> str:
    return (error.diag.message_primary or "")[:500]
