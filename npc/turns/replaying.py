"""A turn again from its log: everything but the model is done once more, and must come out the same.

What a turn read is named in the log by ids, the model's words are in it as they came. What only the clock decided (that
a deadline had passed, that the player walked away) is taken from the log as it was.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from llm.reader.types import Example, ReaderTask
from npc.knowledge.facts import may_know
from npc.knowledge.secrets import lookout
from npc.models import LogEntry
from npc.sessions.entries import TurnClosed, TurnOpened, read_entry
from npc.sessions.logbook import TOLD_ENTRIES, TOLD_KINDS
from npc.sessions.play import Play
from npc.sessions.situations import situation
from npc.sessions.writing import Reading, Writer, play_at, reading
from npc.turns.authored import answer_by_meaning, line_for, lines_now
from npc.turns.closing import Outcome, TurnNotFound, closed_as
from npc.turns.guarding import Guard, broken_off
from npc.turns.planning import may_act, offers
from npc.turns.prompt import Scenery, prompt_of
from npc.turns.recounting import recount
from npc.turns.reply import ReplyReader
from npc.worlds.access import access_version
from npc.worlds.compiled import world_of
from npc.worlds.diffing import differences
from npc.worlds.plain import same
from personas.models import Memory
from personas.prompt import CompiledPrompt

READER = "reader"
# Of an action, what follows from the turn; when it expires follows from the clock.
_OF_AN_ACTION = ("id", "name", "arguments", "timing", "ttl_s")


def replay_turn(
    tenant_id: UUID, session_id: UUID, turn_id: UUID, *, world_version: int | None = None
) -> dict[str, Any]:
    """`{identical, differences: [{path, logged, replayed}]}` of a turn that is over. Inside the tenant's scope.

    With `world_version`, as if the whole play had been in that version of its world, place by place in offers and
    actions. Raises SessionNotFound, WorldNotFound for a version that never was, and TurnNotFound for a turn that the
    live branch does not know or that is not over.
    """
    at = reading(tenant_id, session_id)
    if world_version is None:
        found = list(replay_of(at, turn_id).differences())
    else:
        world = world_of(access_version(at.session.world, world_version).pk)
        found = list(_elsewhere(replace(at, world=world), turn_id))
    return {"identical": not found, "differences": found}


def _elsewhere(at: Reading, turn_id: UUID) -> Iterator[dict[str, Any]]:
    """What would be different in another version of the world than the turn was played in."""
    found = _entries_of(at, turn_id)
    character = found[0].data["character"]
    if character not in at.world.characters:
        yield {"path": "character", "logged": character, "replayed": None}
        return
    turn = Replay(at, *found)
    for problem in at.world.state_problems(turn.play.state):
        yield {"path": problem.path, "logged": None, "replayed": problem.reason}
    for one in turn.differences():
        if one["path"] == "read.world_version":
            continue
        for part in differences(one["logged"], one["replayed"], one["path"]):
            yield {"path": part["path"], "logged": part.get("before"), "replayed": part.get("after")}


def replay_of(at: Reading, turn_id: UUID) -> "Replay":
    """Raises TurnNotFound for a turn that the live branch does not know or that is not over."""
    return Replay(at, *_entries_of(at, turn_id))


def _entries_of(at: Reading, turn_id: UUID) -> tuple[LogEntry, LogEntry]:
    """How it was opened and how it was closed. Raises TurnNotFound."""
    found = LogEntry.objects.on(at.branch).filter(subject=turn_id).select_related("branch")
    entries = {entry.kind: entry for entry in found.filter(kind__in=("turn.opened", "turn.closed"))}
    if len(entries) < 2:
        raise TurnNotFound
    return entries["turn.opened"], entries["turn.closed"]


class Replay:
    """A turn that is over, and all that it read, as it was when it began."""

    def __init__(self, at: Reading, opened_at: LogEntry, closed_at: LogEntry) -> None:
        self.at = at
        self.world = at.world
        self.opened: TurnOpened = read_entry(opened_at.kind, opened_at.data)
        self.closed: TurnClosed = read_entry(closed_at.kind, closed_at.data)
        self.opened_at, self.closed_at = opened_at, closed_at
        self.play = self._before(opened_at)
        self.seen = situation(
            self.world,
            self.play,
            actor=self.opened.character,
            speaker=self.opened.speaker,
            scene=self.opened.scene,
            present=self.opened.present,
        )
        self.offers = offers(self.world, self.seen, self.opened.character, self.opened.allowed_actions)
        self.names = {one: self.world.persona_of(one).name for one in self.world.characters}
        self.names |= {self.play.player.id: self.play.player.name or self.play.player.id}
        self.told = recount(self._entries(), self.opened.character, self.names)

    def differences(self) -> Iterator[dict[str, Any]]:
        for path, logged, replayed in (*self._read(), *self._answered()):
            if not same(logged, replayed):
                yield {"path": path, "logged": logged, "replayed": replayed}

    # --- What the turn read -------------------------------------------------------------------------------
    def _read(self) -> Iterator[tuple[str, Any, Any]]:
        read = self.opened.read
        open_now = may_know(self.world, self.opened.character, self.seen).may_know
        memories = self.memories(read["memories"])
        yield "read.world_version", read["world_version"], str(self.world.version_id)
        yield "read.state_version", read["state_version"], self.play.version
        yield "read.offers", read["offers"], {name: offer.candidates for name, offer in self.offers.items()}
        yield "read.facts", read["facts"], [one for one in read["facts"] if one in open_now]
        yield "read.memories", read["memories"], [one for one in read["memories"] if one in memories]
        yield "read.entries", read["entries"], list(self.told.seqs)
        texts = [memories[one] for one in read["memories"] if one in memories]
        yield "read.prompt", read["prompt"], self._digest(read["facts"], texts)

    def _digest(self, facts: Sequence[str], memories: Sequence[str]) -> str:
        messages = self.prompt(facts, memories).messages
        return hashlib.sha256(orjson.dumps([(one.role, one.content) for one in messages])).hexdigest()

    def prompt(self, facts: Sequence[str], memories: Sequence[str]) -> CompiledPrompt:
        """Laid out again, with these facts, by id, and these memories' texts."""
        goals = self.world.characters[self.opened.character].goals
        is_open = {goal["id"] for goal in self.world.goals(self.opened.character, self.seen) if goal["state"] == "open"}
        scenery = Scenery(
            world=self.world,
            play=self.play,
            character=self.opened.character,
            speaker=self.opened.speaker,
            scene=self.opened.scene,
            present=self.opened.present,
            names=self.names,
            text=self.opened.text,
            event=self.opened.event,
            goals=[goal.description or goal.id for goal in goals if goal.id in is_open],
            facts=[one for one in facts if one in self.world.facts],
            memories=memories,
            offers=self.offers,
            history=self.told.said,
        )
        return prompt_of(scenery)

    def memories(self, ids: Sequence[str]) -> dict[str, str]:
        rows = Memory.objects.for_tenant(self.at.session.tenant_id).filter(pk__in=[UUID(one) for one in ids])
        return {str(memory_id): text for memory_id, text in rows.values_list("id", "text")}

    def _entries(self) -> list[tuple[int, Any]]:
        """What could be told when the turn began: not the event that it itself brought, which is the entry before."""
        last = self.opened_at.seq - (2 if self.opened.event is not None else 1)
        before = LogEntry.objects.on(self.opened_at.branch, up_to=last).filter(kind__in=TOLD_KINDS)
        return [(one.seq, read_entry(one.kind, one.data)) for one in reversed(before.order_by("-seq")[:TOLD_ENTRIES])]

    # --- What came of it ----------------------------------------------------------------------------------
    def _answered(self) -> Iterator[tuple[str, Any, Any]]:
        outcome, is_whole = self._outcome()
        branch = self.closed_at.branch
        writer = Writer(Reading(self.at.session, branch, self.world, self._before(self.closed_at)))
        again = closed_as(writer, self.opened, outcome)  # nothing is stored: the writer is only asked
        yield "say", self.closed.say, again.say
        yield "emotion", self.closed.emotion, again.emotion if is_whole else self.closed.emotion
        yield "actions", _actions(self.closed), _actions(again)
        if is_whole:
            yield "fallback", self.closed.fallback, again.fallback
            yield "removed", self.closed.removed, again.removed

    def _outcome(self) -> tuple[Outcome, bool]:
        """What the model's words came to; and whether all of it follows from them."""
        if self.closed.fallback not in (None, "guard") or self.closed.cancelled:
            proposed = [{"name": one.name, "arguments": one.arguments} for one in self.closed.actions]
            return Outcome(say=self.closed.say, proposed=proposed), False
        if self.closed.usage.get("model") == READER:
            return self._read_out(), True
        reader = ReplyReader((self.world.persona_of(self.opened.character).name, self.opened.character))
        guard = Guard(lookout(self.world, self.opened.character, self._withheld()), self.opened.text)
        said = "".join(guard.feed(reader.feed(chunk)) for chunk in self.closed.chunks)
        reply = reader.finish()
        said += guard.feed(reply.tail) + guard.finish()
        if guard.breach:
            say = said + broken_off(said, self._line())
            return Outcome(say=say, fallback="guard", repairs=reply.repairs, breach=guard.breach), True
        return Outcome(say=said, emotion=reply.emotion, proposed=reply.actions, repairs=reply.repairs), True

    def _withheld(self) -> list[str]:
        return [one.id for one in may_know(self.world, self.opened.character, self.seen).withheld]

    def _line(self) -> str:
        """That was laid ready for this turn."""
        lines = lines_now(self.world, self.seen, self.opened.character)
        return line_for(lines, self.told.own_lines, self.opened.seed, self.world.document.language)

    def _read_out(self) -> Outcome:
        """What is said without a model."""
        character, language, line = self.opened.character, self.world.document.language, self._line()
        if not self.opened.text:
            return Outcome(say=line)
        persona = self.world.persona_of(character)
        task = ReaderTask(
            question=self.opened.text,
            examples=[Example(one.user, one.say) for one in persona.examples],
            language=language,
            names=(persona.name,),
            said=self.told.own_lines,
        )
        own = [one for one in self.world.actions.values() if may_act(one, character, None)]
        say, proposed = answer_by_meaning(task, self.world, own, self.offers, line)
        return Outcome(say=say, proposed=proposed)

    def _before(self, entry: LogEntry) -> Play:
        return play_at(self.world, entry.branch, entry.seq - 1)


def _actions(closed: TurnClosed) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in _OF_AN_ACTION} for one in closed.actions]
