"""What every turn reads of its log. Of a branch with ancestors it is asked as elsewhere: that question differs."""

from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, TextField, Value

from npc.models import Branch, LogEntry
from npc.models.fields import JSONField
from npc.sessions.entries import Data, read_entry
from npc.sessions.recent import Page, as_kept
from tenants.statements import Asked, Param, Select, read

TURN_KINDS = ("turn.opened", "turn.closed")
# Of the log, told in prompts as they were. What is older comes back as memories.
TOLD_ENTRIES = 60
TOLD_KINDS = (*TURN_KINDS, "event", "action.outcome")
# What entries also hold, for replay and for designers: most of their bytes, and nothing that is ever told.
NOT_TOLD = ["read", "chunks", "removed", "timing", "usage"]


def entries_of_turn(branch: Branch, turn_id: UUID) -> list[LogEntry]:
    """How a turn began and how it ended, as far as it has, as this branch sees it."""
    if branch.lineage:
        return list(LogEntry.objects.on(branch).filter(kind__in=TURN_KINDS, subject=turn_id))
    return _OF_TURN.all(tenant_id=branch.tenant_id, branch_id=branch.pk, turn_id=turn_id)


def opening_page(branch: Branch, turn_id: UUID, known: Page = ()) -> tuple[list[LogEntry], Page]:
    """`entries_of_turn` and `newest_told`, in which nothing is read again of a page that is `known`."""
    if branch.lineage:
        return entries_of_turn(branch, turn_id), newest_told(branch)
    of_turn, newest = read(
        _OF_TURN.of(tenant_id=branch.tenant_id, branch_id=branch.pk, turn_id=turn_id), _newest(branch, known)
    )
    return of_turn, [*known, *_in_order(newest)][-TOLD_ENTRIES:]


def newest_told(branch: Branch) -> Page:
    """The newest part of the log that can be told, each with its number, oldest first, without `NOT_TOLD`."""
    if branch.lineage:
        rows = LogEntry.objects.on(branch).filter(kind__in=TOLD_KINDS).order_by("-seq")
        found: list[Any] = list(rows.values_list("seq", "kind", _told())[:TOLD_ENTRIES])
    else:
        (found,) = read(_newest(branch, ()))
    return _in_order(found)


def told_of(kind: str, data: dict[str, Any]) -> Data:
    """An entry as a page has it, of what was written."""
    value: Data = read_entry(kind, as_kept({name: told for name, told in data.items() if name not in NOT_TOLD}))
    return value


def _newest(branch: Branch, known: Page) -> Asked:
    after = known[-1][0] if known else 0
    return _NEWEST.of(tenant_id=branch.tenant_id, branch_id=branch.pk, after=after)


def _in_order(newest: list[Any]) -> Page:
    return [(seq, read_entry(kind, data)) for seq, kind, data in reversed(newest)]


def _told() -> Func:
    keys = Value(NOT_TOLD, output_field=ArrayField(TextField()))
    return Func(F("data"), keys, template="(%(expressions)s)", arg_joiner=" - ", output_field=JSONField())


def _own() -> Any:
    return LogEntry.objects.filter(tenant_id=Param("tenant_id"), branch_id=Param("branch_id"))


_OF_TURN: Select[LogEntry] = Select(lambda: _own().filter(kind__in=TURN_KINDS, subject=Param("turn_id")))
_NEWEST: Select[tuple[int, str, Any]] = Select(
    lambda: (
        _own()
        .filter(kind__in=TOLD_KINDS, seq__gt=Param("after"))
        .order_by("-seq")
        .values_list("seq", "kind", _told())[:TOLD_ENTRIES]
    )
)
