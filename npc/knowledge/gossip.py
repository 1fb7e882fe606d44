"""What characters tell each other while the player is elsewhere: hearsay, without a model.

A new part of the game's day notes in the log who is together. What is told then follows from that entry, from what was
kept before it and from the session's seed, and has its place there: however late the job comes, it finds the same, and
who loads a save from before has not heard it.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

from jobs.handlers import Again, Run
from jobs.models import Queue
from jobs.queueing import enqueue
from npc.errors import BranchLeft, SessionNotFound
from npc.knowledge.remembering import name_of, sights_of
from npc.knowledge.telling import tells_secret
from npc.models import Branch, LogEntry
from npc.sessions.entries import Gossiped, TimePassed, Told, read_entry
from npc.sessions.writing import Writer, writing
from npc.turns.texts import HEARD, HEARD_BEFORE, HEARD_DOUBTFUL
from personas.memories import remember
from personas.models import Memory, Sight
from personas.quoting import one_line
from tenants.scope import tenant_scope

# The kind of job; its subject is a branch.
GOSSIP = "npc.gossip"
# A day has so many parts, and in each of them a character hears one thing at most.
PARTS_OF_DAY = 4
# Of what a character keeps, so many of the newest may be told on.
NEWEST = 24
# With each mouth: less certain, and of less weight. What is no more certain than DOUBTFUL is told as such, and what
# would be no more than LEAST_CERTAIN is not told on.
CERTAINTY_KEPT, WEIGHT_KEPT = 0.7, 0.8
DOUBTFUL, LEAST_CERTAIN = 0.5, 0.3
# How much more is told of the player by who feels strongly for it.
FEELING_ADDS = 0.5
LONGEST = 500
# Each part of a day asks some questions of the database; then others have a turn.
PARTS_AT_ONCE = 16
_OWN = (Memory.Kind.WITNESSED, Memory.Kind.SAID, Memory.Kind.DONE)


@dataclass(frozen=True, slots=True)
class Story:
    """What somebody may tell on. `chain` are those through whom it came, the one who was there first."""

    memory_id: UUID
    entry: int  # where in the log it happened
    text: str
    importance: float
    certainty: float
    game_time: float
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    teller: str
    hearer: str
    story: Story


# --- When -------------------------------------------------------------------------------------------------
def note_time(writer: Writer, before: float) -> None:
    """Note that a new part of the day has begun, if it has, and have those who are together gossip in it."""
    settings, play = writer.world.document.memory, writer.play
    part = _part(play.game_time, settings.day)
    if part <= _part(before, settings.day) or not settings.gossip:
        return
    scenes = sorted({where for where in play.scenes.values() if where is not None})
    present = ([who for who in play.present_in(where) if who in writer.world.characters] for where in scenes)
    company = [those for those in present if len(those) > 1]
    if company:
        passed = TimePassed(part=part, company=company, feelings=_feelings(play.affinity, company))
        writer.add(passed, subject=uuid5(writer.session.pk, f"part:{part}"), game_time=play.game_time)
        gossip_later(writer.branch)


def gossip_later(branch: Branch) -> None:
    """In the caller's transaction."""
    enqueue(tenant_id=branch.tenant_id, kind=GOSSIP, queue=Queue.MEMORY, subject_id=branch.pk)


def catch_up(branch: Branch) -> None:
    """Have done what was left undone before a save that is loaded: what the left branch did late is not seen here."""
    if _undone(branch).exists():
        gossip_later(branch)


def _part(game_time: float, day: float) -> int:
    return math.floor(game_time / day * PARTS_OF_DAY)


def _feelings(affinity: Mapping[str, Mapping[str, float]], company: Sequence[Sequence[str]]) -> dict[str, float]:
    """How strongly each of them feels for the player, from 0 to 1; whether well or ill does not matter."""
    strongest = {who: max(map(abs, affinity.get(who, {}).values()), default=0.0) for one in company for who in one}
    return {who: round(felt / (1 + felt), 3) for who, felt in strongest.items() if felt}


def _undone(branch: Branch) -> Any:
    seen = LogEntry.objects.on(branch)
    last = seen.filter(kind="gossip").order_by("-seq").first()
    done = read_entry(last.kind, last.data).entry if last else 0
    return seen.filter(kind="time.passed", seq__gt=done).select_related("branch")


# --- The job ----------------------------------------------------------------------------------------------
def gossip(run: Run) -> None:
    """Let the characters of a branch (the job's subject) tell each other what is due. One that was left is left alone.

    Raises Again.
    """
    with tenant_scope(run.tenant_id):
        branch = Branch.objects.for_tenant(run.tenant_id).filter(pk=run.subject_id).first()
    if branch is None:
        return
    try:
        with writing(run.tenant_id, branch.session_id, branch_id=branch.pk) as writer:
            run.check_in()
            due = list(_undone(writer.branch)[: PARTS_AT_ONCE + 1])
            for entry in due[:PARTS_AT_ONCE]:
                _gossip_at(writer, entry)
    except (BranchLeft, SessionNotFound):
        return
    if len(due) > PARTS_AT_ONCE:
        raise Again


def _gossip_at(writer: Writer, entry: LogEntry) -> None:
    passed: TimePassed = read_entry(entry.kind, entry.data)
    # Without what is told now: whoever does this once more finds what was there the first time.
    sights = [*sights_of(entry.branch)[:-1], Sight(entry.branch_id, entry.seq - 1)]
    told = []
    for company in passed.company:
        here = [who for who in company if who in writer.world.characters]
        stories = {who: _stories(writer, sights, who) for who in here}
        known = _known(writer, sights, here, {one.entry for each in stories.values() for one in each})
        for telling in tellings(writer, passed, stories, known):
            [memory_id] = _hear(writer, entry, telling)
            told.append(Told(teller=telling.teller, hearer=telling.hearer, memory_id=str(memory_id)))
    writer.add(Gossiped(entry=entry.seq, told=told), subject=entry.subject)


def _stories(writer: Writer, sights: Sequence[Sight], who: str) -> list[Story]:
    kept = Memory.objects.for_tenant(writer.session.tenant_id).in_sight(sights).filter(holder=who)
    told_on = kept.filter(kind__in=(*_OWN, Memory.Kind.HEARSAY)).order_by("-seq", "kind").defer("embedding")[:NEWEST]
    stories = (_story(memory) for memory in told_on)
    return [one for one in stories if one.certainty * CERTAINTY_KEPT > LEAST_CERTAIN]


def _story(memory: Memory) -> Story:
    source = memory.source
    return Story(
        memory_id=memory.pk,
        entry=source.get("entry", memory.seq),
        text=source.get("said", memory.text),
        importance=memory.importance,
        certainty=source.get("confidence", 1.0),
        game_time=source.get("game_time", memory.game_time),
        chain=(*source.get("from", ()), memory.holder),
    )


def _known(writer: Writer, sights: Sequence[Sight], who: Sequence[str], entries: set[int]) -> set[tuple[str, int]]:
    """Of these entries of the log, which each of them has perceived or heard of, even if it was deleted since."""
    kept = Memory.objects.for_tenant(writer.session.tenant_id).ever_in_sight(sights).filter(holder__in=who)
    own = kept.filter(kind__in=_OWN, seq__in=entries).values_list("holder", "seq")
    heard = kept.filter(kind=Memory.Kind.HEARSAY).values_list("holder", "source__entry")
    return {*own, *heard}


# --- What is told to whom ---------------------------------------------------------------------------------
def tellings(
    writer: Writer, passed: TimePassed, stories: Mapping[str, Sequence[Story]], known: set[tuple[str, int]]
) -> Iterator[Telling]:
    """One for each who hears something new: of what comes up at all, the likeliest."""
    for hearer in stories:
        chances = []
        for teller in stories.keys() - {hearer}:
            for story in stories[teller]:
                chance = _chance(writer, passed, teller, story)
                rolled = _rolled(writer.session.seed, passed.part, teller, hearer, story)
                if rolled < chance and (hearer, story.entry) not in known and hearer not in story.chain:
                    chances.append((chance - rolled, teller, story))
        for _, teller, story in sorted(chances, key=lambda one: (-one[0], one[1], one[2].text)):
            if not tells_secret(writer.world, hearer, story.text):
                yield Telling(teller, hearer, story)
                break


def _chance(writer: Writer, passed: TimePassed, teller: str, story: Story) -> float:
    """Weighty, certain things are told rather than others, most by the chatty, and of the player by who is moved."""
    world, player = writer.world, writer.play.player
    is_of_player = bool(player.name) and player.name in story.text
    felt = passed.feelings.get(teller, 0.0) if is_of_player else 0.0
    ready = world.document.memory.gossip * world.characters[teller].chattiness
    return ready * story.importance * story.certainty * (1 + FEELING_ADDS * felt)


def _rolled(seed: int, part: int, teller: str, hearer: str, story: Story) -> float:
    """From 0 to 1, by what is told and not by its number: a log may be numbered otherwise and tell the same."""
    key = f"{seed}:{part}:{teller}:{hearer}:{story.game_time}:{story.text}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48


def _hear(writer: Writer, entry: LogEntry, telling: Telling) -> list[UUID]:
    story = telling.story
    certainty = round(story.certainty * CERTAINTY_KEPT, 3)
    return remember(
        tenant_id=writer.session.tenant_id,
        store=entry.branch_id,
        seq=entry.seq,
        holders={telling.hearer: Memory.Kind.HEARSAY},
        text=as_heard(writer, story, certainty),
        importance=story.importance * WEIGHT_KEPT,
        game_time=entry.game_time or 0.0,
        source={
            "entry": story.entry,
            "type": "gossip",
            "from": list(story.chain),
            "memory": str(story.memory_id),
            "confidence": certainty,
            "said": story.text,
            "game_time": story.game_time,
        },
        derived_from=story.memory_id,
    )


def as_heard(writer: Writer, story: Story, certainty: float) -> str:
    """«Heard from Bram, who had it from Mira: …», in the world's language."""
    language = writer.world.language
    *before, teller = [name_of(writer, who) for who in story.chain]
    names = [teller, *reversed(before)]
    through = "".join(HEARD_BEFORE[language].format(name=name, source=source) for name, source in pairwise(names))
    text = HEARD[language].format(name=teller, through=through, text=one_line(story.text, LONGEST))
    return text + (HEARD_DOUBTFUL[language] if certainty <= DOUBTFUL else "")
