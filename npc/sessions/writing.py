"""The only way to add to a play's log, and the way to read where it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from npc.errors import BranchLeft
from npc.models import Branch, GameSession, LogEntry
from npc.sessions.access import asked_session, session_found
from npc.sessions.entries import KIND_OF, Data, read_entry
from npc.sessions.folding import fold
from npc.sessions.logbook import TURN_KINDS, entries_of_turn, opening_page
from npc.sessions.play import Play, stored
from npc.worlds.compiled import CompiledWorld, world_of
from tenants.scope import tenant_scope
from tenants.statements import Param, Select, Update, insertion, read, write, write_at_once


@dataclass(frozen=True)
class Reading:
    """Where a session stands. Others may go on meanwhile."""

    session: GameSession
    branch: Branch
    world: CompiledWorld
    play: Play


class Writer:
    """A session held by this transaction. `play` always is what the entries so far make of it."""

    def __init__(self, reading: Reading) -> None:
        self.session = reading.session
        self.branch = reading.branch
        self.world = reading.world
        self.play = reading.play
        self._added: list[LogEntry] = []
        self._turns: dict[UUID, list[LogEntry]] = {}

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

    def find(self, kind: type[Data], subject: UUID) -> LogEntry | None:
        """The entry of this kind about a subject, as this branch sees it, its ancestors' part included."""
        name = KIND_OF[kind]
        known = [one for one in self._added if (one.kind, one.subject) == (name, subject)]
        if not known and name in TURN_KINDS:
            known = [one for one in self._of_turn(subject) if one.kind == name]
        elif not known:
            known = list(LogEntry.objects.on(self.branch).filter(kind=name, subject=subject))
        return next(iter(known), None)

    def open_page(self, turn_id: UUID) -> list[tuple[int, Data]]:
        """The newest of what can be told, oldest first; whether this turn was opened is then known as well."""
        self._turns[turn_id], told = opening_page(self.branch, turn_id)
        return told

    def _of_turn(self, turn_id: UUID) -> list[LogEntry]:
        """How a turn began and ended, which are read together: who asks for one asks for the other."""
        if turn_id not in self._turns:
            self._turns[turn_id] = entries_of_turn(self.branch, turn_id)
        return self._turns[turn_id]

    def store(self) -> None:
        """Write down what was added. Called when the block of `writing` ends well."""
        if self._added:
            branch = self.branch
            branch.head = stored(self.play)
            head = _HEAD.of(id=branch.pk, tenant_id=branch.tenant_id, head=branch.head, head_seq=branch.head_seq)
            *before, last = map(insertion, self._added)
            write(*before)
            write_at_once(last, head)
            self._added = []


@contextmanager
def writing(tenant_id: UUID, session_id: UUID, *, branch_id: UUID | None = None) -> Iterator[Writer]:
    """Hold a session and add to its live branch; nothing is stored if the block raises.

    Work that began earlier names the branch it was for. Raises BranchLeft if the player has loaded a save since, and
    SessionNotFound.
    """
    with tenant_scope(tenant_id):
        writer = Writer(_standing(tenant_id, session_id, locked=True))
        if branch_id is not None and writer.branch.pk != branch_id:
            raise BranchLeft
        yield writer
        writer.store()


def reading(tenant_id: UUID, session_id: UUID) -> Reading:
    """Where a session stands now. Inside the tenant's scope. Raises SessionNotFound."""
    return _standing(tenant_id, session_id, locked=False)


def play_at(world: CompiledWorld, branch: Branch, seq: int) -> Play:
    """The play as it was after the entry of this number, folded from the base of this branch."""
    play = Play.model_validate(branch.base)
    for entry in LogEntry.objects.filter(branch=branch, seq__gt=branch.base_seq, seq__lte=seq).order_by("seq"):
        play = fold(world, play, read_entry(entry.kind, entry.data), game_time=entry.game_time)
    return play


def _standing(tenant_id: UUID, session_id: UUID, *, locked: bool) -> Reading:
    """In one round trip, yet each statement sees what was committed before it: the branch is that of a held session."""
    sessions, branches = read(
        asked_session(tenant_id, session_id, locked=locked), _LIVE.of(tenant_id=tenant_id, session_id=session_id)
    )
    session = session_found(sessions)
    (branch,) = branches
    return Reading(session, branch, world_of(session.version_id), Play.model_validate(branch.head))


_LIVE: Select[Branch] = Select(
    lambda: Branch.objects.filter(
        tenant_id=Param("tenant_id"), pk__in=GameSession.objects.filter(pk=Param("session_id")).values("live_id")
    ).defer("base")
)
_HEAD = Update(lambda: Branch.objects.filter(pk=Param("id"), tenant_id=Param("tenant_id")), "head", "head_seq")
