"""The only way to add to a play's log, and the way to read where it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from npc.errors import BranchLeft
from npc.models import Branch, GameSession, LogEntry
from npc.sessions.access import access_session
from npc.sessions.entries import KIND_OF, Data, read_entry
from npc.sessions.folding import fold
from npc.sessions.play import Play, stored
from npc.worlds.compiled import CompiledWorld, world_of
from tenants.scope import tenant_scope


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
        for entry in self._added:
            if (entry.kind, entry.subject) == (name, subject):
                return entry
        found: LogEntry | None = LogEntry.objects.on(self.branch).filter(kind=name, subject=subject).first()
        return found

    def store(self) -> None:
        """Write down what was added. Called when the block of `writing` ends well."""
        if self._added:
            LogEntry.objects.bulk_create(self._added)
            self.branch.head = stored(self.play)
            self.branch.save(update_fields=["head", "head_seq"])
            self._added = []


@contextmanager
def writing(tenant_id: UUID, session_id: UUID, *, branch_id: UUID | None = None) -> Iterator[Writer]:
    """Hold a session and add to its live branch; nothing is stored if the block raises.

    Work that began earlier names the branch it was for. Raises BranchLeft if the player has loaded a save since, and
    SessionNotFound.
    """
    with tenant_scope(tenant_id):
        session = access_session(tenant_id, session_id, locked=True)
        if branch_id is not None and session.live_id != branch_id:
            raise BranchLeft
        writer = Writer(_standing(session))
        yield writer
        writer.store()


def reading(tenant_id: UUID, session_id: UUID) -> Reading:
    """Where a session stands now. Inside the tenant's scope. Raises SessionNotFound."""
    return _standing(access_session(tenant_id, session_id))


def play_at(world: CompiledWorld, branch: Branch, seq: int) -> Play:
    """The play as it was after the entry of this number, folded from the base of this branch."""
    play = Play.model_validate(branch.base)
    for entry in LogEntry.objects.filter(branch=branch, seq__gt=branch.base_seq, seq__lte=seq).order_by("seq"):
        play = fold(world, play, read_entry(entry.kind, entry.data), game_time=entry.game_time)
    return play


def _standing(session: GameSession) -> Reading:
    branch = Branch.objects.for_tenant(session.tenant_id).get(pk=session.live_id)
    return Reading(session, branch, world_of(session.version_id), Play.model_validate(branch.head))
