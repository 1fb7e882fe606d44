"""From the log to memories: whoever perceived what happened keeps it, and nobody else.

Called in the transaction that adds the entry, so that a play and what its characters know of it never part. Only what
the game accepted is kept as a deed.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jobs.models import Job, Queue
from jobs.queueing import lining_up
from npc.models import Branch, LogEntry
from npc.sessions.entries import ActionOutcome, Happened, TurnClosed, read_entry
from npc.sessions.play import Play, Proposed
from npc.sessions.writing import Reading, Writer
from personas.memories import remember
from personas.models import Memory, Sight

# Without a model nobody judges what was said, so the kind of a thing gives its weight, from 0 to 1: talk is light, an
# event that the game took the trouble to tell weighs more, a deed more still.
TALK, EVENT, DEED = 0.3, 0.5, 0.6
# What moves somebody's affinity matters to people.
MOVING = 0.3


# The kind of job in which characters think about what they keep; its subject is a branch. It is due every so many
# entries of the log, of which two in a row seldom leave no memory; what is missed is due the next time.
REFLECT = "npc.reflect"
REFLECTS_EVERY = 20


def sights_of(branch: Branch) -> list[Sight]:
    """The stores that a branch sees: its ancestors', as far as they belong to it, and its own."""
    return [*(Sight(UUID(one), last_seq) for one, last_seq in branch.lineage), Sight(branch.pk)]


def remember_entry(writer: Writer, entry: LogEntry, *, proposed: Proposed | None = None) -> list[UUID]:
    """Let those who perceived an entry keep it; returns the memories' ids. Other entries leave none.

    For the outcome of an action, `proposed` is what the play held under its id before the entry was added.
    """
    match data := read_entry(entry.kind, entry.data):
        case Happened():
            return _remember_event(writer, entry, data)
        case TurnClosed():
            return _remember_turn(writer, entry, data)
        case ActionOutcome(outcome="accepted") if proposed:
            return _remember_deed(writer, entry, proposed)
    return []


def _remember_event(writer: Writer, entry: LogEntry, event: Happened) -> list[UUID]:
    moving = MOVING if writer.world.reactions(event=event.type) else 0.0
    return _keep(
        writer,
        entry,
        dict.fromkeys(sorted(event.witnesses), Memory.Kind.WITNESSED),
        event.text or event.type,
        importance=EVENT + moving,
        source={"type": "event", "event": event.type, "scene": event.scene},
    )


def _remember_turn(writer: Writer, entry: LogEntry, closed: TurnClosed) -> list[UUID]:
    """What was said to the character and what it said; it keeps both, and so do all who stood by."""
    opened = writer.opening_of(UUID(closed.turn_id))
    if opened is None:
        return []
    asked = opened.text or str((opened.event or {}).get("text") or "")
    lines = [
        f"{name_of(writer, who)}: {said}"
        for who, said in ((opened.speaker, asked), (closed.character, closed.say))
        if said
    ]
    if not lines:
        return []
    text, source = "\n".join(lines), {"type": "turn", "turn_id": closed.turn_id, "speaker": opened.speaker}
    around = {opened.speaker, *(opened.present or _beside(writer.play, closed.character))} - {closed.character}
    holders = {closed.character: Memory.Kind.SAID, **dict.fromkeys(sorted(around), Memory.Kind.WITNESSED)}
    return _keep(writer, entry, holders, text, importance=TALK, source=source)


def _remember_deed(writer: Writer, entry: LogEntry, deed: Proposed) -> list[UUID]:
    action = writer.world.actions[deed.name]
    arguments = ", ".join(f"{name}: {value}" for name, value in deed.arguments.items())
    text = f"{name_of(writer, deed.actor)}: {action.description or action.name}" + (
        f" ({arguments})" if arguments else ""
    )
    importance = DEED + (MOVING if writer.world.reactions(action=deed.name) else 0.0)
    source = {"type": "action", "action": deed.name, "turn_id": deed.turn_id, "actor": deed.actor}
    around = set(_beside(writer.play, deed.actor)) - {deed.actor}
    holders = {deed.actor: Memory.Kind.DONE, **dict.fromkeys(sorted(around), Memory.Kind.WITNESSED)}
    return _keep(writer, entry, holders, text, importance=importance, source=source)


def _keep(
    writer: Writer,
    entry: LogEntry,
    holders: Mapping[str, Memory.Kind],
    text: str,
    *,
    importance: float,
    source: Mapping[str, Any],
) -> list[UUID]:
    """Only characters have memories: the player's are the player's own."""
    if entry.seq % REFLECTS_EVERY < 2:
        job = Job(tenant_id=writer.session.tenant_id, kind=REFLECT, queue=Queue.MEMORY, subject_id=writer.branch.pk)
        writer.also(lining_up(job))
    return remember(
        tenant_id=writer.session.tenant_id,
        store=writer.branch.pk,
        seq=entry.seq,
        holders={who: kind for who, kind in holders.items() if who in writer.world.characters},
        text=text,
        importance=importance,
        game_time=writer.play.game_time,
        source={"entry": entry.seq, **source},
        write=writer.also,
    )


def _beside(play: Play, who: str) -> list[str]:
    return play.present_in(play.scenes.get(who))


def name_of(writer: Reading | Writer, who: str) -> str:
    """As others call them. The player goes by the name that the game gave, or by its id."""
    if who in writer.world.characters:
        return writer.world.persona_of(who).name
    return writer.play.player.name or who
