"""The only way to add to a play's log, and the way to read where it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from npc.errors import BranchLeft
from npc.models import Branch, GameSession, LogEntry
from npc.sessions.access import access_live, hold_live
from npc.sessions.entries import KIND_OF, Data, TurnClosed, TurnOpened, read_entry
from npc.sessions.folding import fold
from npc.sessions.logbook import TOLD_ENTRIES, TOLD_KINDS, TURN_KINDS, entries_of_turn, opening_page, told_of
from npc.sessions.play import Play, stored
from npc.sessions.recent import Page, Seen, as_read, recent
from npc.sessions.situations import Views
from npc.worlds.compiled import CompiledWorld, world_of
from npc.worlds.conditions import Situation
from tenants.scope import tenant_scope
from tenants.statements import Param, Select, Update, Write, insertion, write, write_together


@dataclass(frozen=True)
class Reading:
    """Where a session stands. Others may go on meanwhile."""

    session: GameSession
    branch: Branch
    world: CompiledWorld
    play: Play


class Writer:
    """A session held by this transaction. `play` always is what the entries so far make of it."""

    def __init__(self, reading: Reading, seen: Seen | None = None) -> None:
        """`seen` is what is known of the very same moment, or of one before."""
        self.session = reading.session
        self.branch = reading.branch
        self.world = reading.world
        self.play = reading.play
        self._read = reading.play  # as it is in the database
        self._views = seen.views if seen else Views()
        self._old_page, self._old_seq = (seen.page, seen.told_seq) if seen else ((), 0)
        self._page: Page | None = self._old_page if self._old_seq == reading.branch.head_seq else None
        self._added: list[LogEntry] = []
        self._also: list[Write] = []
        self._turns: dict[UUID, list[LogEntry]] = {}

    def sees(self, *, actor: str, **others: Any) -> Situation:
        """`npc.sessions.situations.situation` of the play as it is now."""
        return self._views.of(self.world, self.play, actor=actor, **others)

    def add(self, data: Data, *, subject: UUID | None = None, game_time: float | None = None) -> LogEntry:
        """Append an entry and fold it into the play. `subject` may have one entry of a kind on a branch."""
        self.play = fold(self.world, self.play, data, game_time=game_time)
        self.branch.head_seq += 1
        entry = LogEntry(
            branch=self.branch,
            seq=self.branch.head_seq,
            kind=KIND_OF[type(data)],
            subject=subject,
            data=data.model_dump(mode="json"),
            game_time=game_time,
        )
        self._added.append(entry)
        return entry

    def also(self, *writes: Write) -> None:
        """What is to be written together with the entries. None of it sees what another one writes."""
        self._also += writes

    def find(self, kind: type[Data], subject: UUID) -> LogEntry | None:
        """The entry of this kind about a subject, as this branch sees it, its ancestors' part included."""
        name = KIND_OF[kind]
        known = [one for one in self._added if (one.kind, one.subject) == (name, subject)]
        if not known and kind is TurnClosed and self._goes_on(subject):
            return None
        if not known and name in TURN_KINDS:
            known = [one for one in self._of_turn(subject) if one.kind == name]
        elif not known:
            known = list(LogEntry.objects.on(self.branch).filter(kind=name, subject=subject))
        return next(iter(known), None)

    def opening_of(self, turn_id: UUID) -> TurnOpened | None:
        """How a turn began, without what it read."""
        if opened := next((data for data in self._told_of(turn_id) if isinstance(data, TurnOpened)), None):
            return opened
        found = self.find(TurnOpened, turn_id)
        return None if found is None else read_entry(found.kind, found.data)

    def open_page(self, turn_id: UUID) -> Page:
        """The newest of what can be told, oldest first; whether this turn was opened is then known as well."""
        if self._page is None:
            self._turns[turn_id], self._page = opening_page(self.branch, turn_id, self._old_page)
        elif not (self.session.has_turn or self.branch.lineage or self._told_of(turn_id)):
            self._turns[turn_id] = []
        return self._page

    def _of_turn(self, turn_id: UUID) -> list[LogEntry]:
        """How a turn began and ended, which are read together: who asks for one asks for the other."""
        if turn_id not in self._turns:
            self._turns[turn_id] = entries_of_turn(self.branch, turn_id)
        return self._turns[turn_id]

    def _goes_on(self, turn_id: UUID) -> bool:
        """Whether a turn is known to have begun and not to have ended."""
        return [type(data) for data in self._told_of(turn_id)] == [TurnOpened]

    def _told_of(self, turn_id: UUID) -> list[TurnOpened | TurnClosed]:
        its = str(turn_id)
        told = [data for _, data in self._page or () if isinstance(data, (TurnOpened, TurnClosed))]
        return [data for data in told if data.turn_id == its]

    def store(self) -> None:
        """Write down what was added. Called when the block of `writing` ends well."""
        if self._added:
            branch = self.branch
            at = {"id": branch.pk, "tenant_id": branch.tenant_id, "head_seq": branch.head_seq}
            if self.play is self._read:
                end = _HEAD_SEQ.of(**at)
            else:
                head = stored(self.play)
                end = _HEAD.of(**at, head=head)
                self._read = as_read(self._read, self.play, head)
            *before, last = map(insertion, self._added)
            write(*before)
            write_together(*self._also, Write(last), Write(end))
            if self._page is not None:
                told = (one for one in self._added if one.kind in TOLD_KINDS)
                self._page = [*self._page, *((one.seq, told_of(one.kind, one.data)) for one in told)][-TOLD_ENTRIES:]
            self._added, self._also = [], []
        transaction.on_commit(partial(recent.keep, self.session.pk, self._seen()), robust=True)

    def _seen(self) -> Seen:
        page, told_seq = (self._old_page, self._old_seq) if self._page is None else (self._page, self.branch.head_seq)
        return Seen(self.branch.pk, self.branch.head_seq, self._read, self._views, page, told_seq)


@contextmanager
def writing(
    tenant_id: UUID, session_id: UUID, *, branch_id: UUID | None = None, turn_id: UUID | None = None
) -> Iterator[Writer]:
    """Hold a session and add to its live branch; nothing is stored if the block raises.

    Work that began earlier names the branch it was for, who opens a turn that one. Raises BranchLeft if the player has
    loaded a save since, and SessionNotFound.
    """
    with tenant_scope(tenant_id):
        session = hold_live(tenant_id, session_id, turn_id)
        if branch_id is not None and session.live_id != branch_id:
            raise BranchLeft
        seen = recent.of(session.live)
        writer = Writer(_standing(session, seen), seen)
        yield writer
        writer.store()


def reading(tenant_id: UUID, session_id: UUID) -> Reading:
    """Where a session stands now. Inside the tenant's scope. Raises SessionNotFound."""
    return _standing(access_live(tenant_id, session_id))


def play_at(world: CompiledWorld, branch: Branch, seq: int) -> Play:
    """The play as it was after the entry of this number, folded from the base of this branch."""
    play = Play.model_validate(branch.base)
    for entry in LogEntry.objects.filter(branch=branch, seq__gt=branch.base_seq, seq__lte=seq).order_by("seq"):
        play = fold(world, play, read_entry(entry.kind, entry.data), game_time=entry.game_time)
    return play


def _standing(session: GameSession, seen: Seen | None = None) -> Reading:
    branch = session.live
    if seen and seen.seq == branch.head_seq:
        return Reading(session, branch, world_of(session.version_id), seen.play)
    ((branch.head_seq, branch.head),) = _HEAD_OF.all(id=branch.pk, tenant_id=branch.tenant_id)
    return Reading(session, branch, world_of(session.version_id), Play.model_validate(branch.head))


_HEAD_OF: Select[tuple[int, Any]] = Select(
    lambda: Branch.objects.filter(pk=Param("id"), tenant_id=Param("tenant_id")).values_list("head_seq", "head")
)
_HEAD = Update(lambda: Branch.objects.filter(pk=Param("id"), tenant_id=Param("tenant_id")), "head", "head_seq")
_HEAD_SEQ = Update(lambda: Branch.objects.filter(pk=Param("id"), tenant_id=Param("tenant_id")), "head_seq")
