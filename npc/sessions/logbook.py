"""What every turn reads of its log. Of a branch with ancestors it is asked as elsewhere: that question differs."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, TextField, Value

from npc.models import Branch, LogEntry
from npc.models.fields import JSONField
from npc.sessions.entries import Data, read_entry
from tenants.statements import Asked, Param, Select, read

Page = list[tuple[int, Data]]

TURN_KINDS = ("turn.opened", "turn.closed")
# Of the log, told in prompts as they were. What is older comes back as memories.
TOLD_ENTRIES = 60
KEPT_PAGES = 256  # some 50 KB each
TOLD_KINDS = (*TURN_KINDS, "event", "action.outcome")
# What entries also hold, for replay and for designers: most of their bytes, and nothing that is ever told.
NOT_TOLD = ["read", "chunks", "removed", "timing", "usage"]


def entries_of_turn(branch: Branch, turn_id: UUID) -> list[LogEntry]:
    """How a turn began and how it ended, as far as it has, as this branch sees it."""
    if branch.lineage:
        return list(LogEntry.objects.on(branch).filter(kind__in=TURN_KINDS, subject=turn_id))
    return _OF_TURN.all(tenant_id=branch.tenant_id, branch_id=branch.pk, turn_id=turn_id)


def opening_page(branch: Branch, turn_id: UUID) -> tuple[list[LogEntry], list[tuple[int, Data]]]:
    """Both of these, in one round trip."""
    if branch.lineage:
        return entries_of_turn(branch, turn_id), newest_told(branch)
    known = _pages.get(branch)
    of_turn, newest = read(
        _OF_TURN.of(tenant_id=branch.tenant_id, branch_id=branch.pk, turn_id=turn_id), _newest(branch, known)
    )
    return of_turn, _pages.keep(branch, [*known, *_in_order(newest)])


def newest_told(branch: Branch) -> list[tuple[int, Data]]:
    """The newest part of the log that can be told, each with its number, oldest first, without `NOT_TOLD`."""
    if branch.lineage:
        rows = LogEntry.objects.on(branch).filter(kind__in=TOLD_KINDS).order_by("-seq")
        found: list[Any] = list(rows.values_list("seq", "kind", _told())[:TOLD_ENTRIES])
    else:
        (found,) = read(_newest(branch, ()))
    return _in_order(found)


class Pages:
    """What this process has last read of some logs, so that of what only grows the rest alone is read again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._told: OrderedDict[UUID, Page] = OrderedDict()
        self._lock = Lock()

    def get(self, branch: Branch) -> Page:
        """As far as it is known; the branch itself has just been found in the tenant's scope."""
        with self._lock:
            page = self._told.get(branch.pk, [])
        # A database that was brought back from a backup may have less.
        return page if not page or page[-1][0] <= branch.head_seq else []

    def keep(self, branch: Branch, page: Page) -> Page:
        page = page[-TOLD_ENTRIES:]
        with self._lock:
            self._told[branch.pk] = page
            self._told.move_to_end(branch.pk)
            if len(self._told) > self._most:
                self._told.popitem(last=False)
        return page


_pages = Pages(KEPT_PAGES)


def _newest(branch: Branch, known: Sequence[tuple[int, Data]]) -> Asked:
    after = known[-1][0] if known else 0
    return _NEWEST.of(tenant_id=branch.tenant_id, branch_id=branch.pk, after=after)


def _in_order(newest: list[Any]) -> list[tuple[int, Data]]:
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
