"""What this process has last seen of some plays, so that of what is unchanged nothing is read again.

Whoever holds a session is told by the database up to where its log goes, and takes what is kept here only if that is
where it went then. Kept is what was committed, in the form in which it would be read.
"""

from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

from npc.models import Branch
from npc.sessions.entries import Data
from npc.sessions.play import Play
from npc.sessions.situations import Views

Page = Sequence[tuple[int, Data]]

KEPT_PLAYS = 512  # some 50 KB each
BEYOND_DIGITS = 1e16  # from here on Python writes floats with an exponent


class Seen(NamedTuple):
    """A play as it was behind the entry `seq` of its branch, with situations of it.

    `page` is the newest part of the log that can be told, up to the entry `told_seq`.
    """

    branch_id: UUID
    seq: int
    play: Play
    views: Views
    page: Page = ()
    told_seq: int = 0


class Recent:
    """By session; the least used goes first. Safe between threads: what is kept is replaced, never changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: OrderedDict[UUID, Seen] = OrderedDict()
        self._lock = Lock()

    def of(self, branch: Branch) -> Seen | None:
        """What is known of a branch that has just been found in the tenant's scope; the play may have gone on since."""
        with self._lock:
            seen = self._seen.get(branch.session_id)
        # A database that was brought back from a backup may have less.
        return seen if seen and seen.branch_id == branch.pk and seen.seq <= branch.head_seq else None

    def keep(self, session_id: UUID, seen: Seen) -> None:
        with self._lock:
            self._seen[session_id] = seen
            self._seen.move_to_end(session_id)
            if len(self._seen) > self._most:
                self._seen.popitem(last=False)


recent = Recent(KEPT_PLAYS)


def as_read(before: Play, after: Play, head: dict[str, Any]) -> Play:
    """A play that was stored as `head`, as it will be read; what is unchanged since it was read stays the same object.

    Of what is the same nothing has to be looked at, and situations know by that whether they still hold.
    """
    changed = [name for name in Play.model_fields if getattr(after, name) is not getattr(before, name)]
    stored = {"player": head["player"], "state": {}, **{name: as_kept(head[name]) for name in changed}}
    read = Play.model_validate(stored)
    return before.with_(**{name: getattr(read, name) for name in changed})


def as_kept(value: Any) -> Any:
    """A JSON value as PostgreSQL gives it back: its numbers have no exponent, its objects are in an order of theirs."""
    if isinstance(value, dict):
        return {name: as_kept(value[name]) for name in sorted(value, key=_place)}
    if isinstance(value, list):
        return [as_kept(one) for one in value]
    if isinstance(value, float):
        return int(Decimal(repr(value))) if abs(value) >= BEYOND_DIGITS else value or 0.0
    return value


def _place(name: str) -> tuple[int, bytes]:
    encoded = name.encode()
    return len(encoded), encoded
