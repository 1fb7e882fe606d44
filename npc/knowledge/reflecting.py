"""What characters make of what they keep: now and then many memories become one thought.

A thought stands where the newest of its memories does, so that whoever sees that one sees all of them, and goes with
any of them that is forgotten. A model words it if there is one; else it is counted.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Max

from jobs.handlers import Again, Run
from llm.door import stream_chat
from llm.errors import ProviderError
from llm.metering import Payer, record_call
from llm.routes import resolve_route
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, TextDelta, Usage
from npc.errors import BranchLeft, SessionNotFound
from npc.knowledge.remembering import name_of, sights_of
from npc.knowledge.telling import tells_secret
from npc.models import Branch, GameSession
from npc.sessions.writing import Reading, reading, writing
from npc.turns import texts
from npc.turns.ladder import SMALL_SLUG
from personas.memories import remember
from personas.models import Memory
from personas.quoting import one_line
from tenants.errors import NotFound
from tenants.looping import run_in_loop
from tenants.scope import tenant_scope

# So many memories become one thought. What was only heard of is not counted: it is somebody else's.
MANY = 20
_OWN = (Memory.Kind.WITNESSED, Memory.Kind.SAID, Memory.Kind.DONE)
# Each may ask a model; then others have a turn.
AT_ONCE = 4
LONGEST = 600
MAX_OUTPUT_TOKENS = 200
# A thought weighs a little more than what it is about.
ADDED_WEIGHT = 0.1


class Due(NamedTuple):
    """What a character has not thought about yet, oldest first."""

    holder: str
    memories: list[Memory]

    @property
    def newest(self) -> Memory:
        return self.memories[-1]


def reflect(run: Run) -> None:
    """Let the characters of a branch (the job's subject) think about what they keep. One that was left is left alone.

    Raises Again.
    """
    for _number in range(AT_ONCE):
        with tenant_scope(run.tenant_id):
            at = _standing(run.tenant_id, run.subject_id)
            due = next(_due(at), None) if at else None
        if at is None or due is None:
            return
        thought, by = _thought(at, due)
        try:
            with writing(run.tenant_id, at.session.pk, branch_id=at.branch.pk) as writer:
                run.check_in()
                _keep(writer.session, due, thought, by)
        except (BranchLeft, SessionNotFound):
            return
    raise Again


def _standing(tenant_id: UUID, branch_id: UUID) -> Reading | None:
    """The session of a branch, if that is the one which is played."""
    session = GameSession.objects.for_tenant(tenant_id).filter(live_id=branch_id).first()
    return reading(tenant_id, session.pk) if session else None


def _due(at: Reading) -> Iterator[Due]:
    """Who has enough to think about, in order of ids. What was deleted is not thought about, nor thought again."""
    sights = sights_of(at.branch)
    kept = Memory.objects.for_tenant(at.session.tenant_id).in_sight(sights).filter(kind__in=_OWN)
    many = kept.order_by().values("holder").annotate(count=Count("pk")).filter(count__gte=MANY)
    for holder in sorted(many.values_list("holder", flat=True)):
        last = _thoughts(at.session.tenant_id, at.branch, holder)
        found = kept.filter(holder=holder, seq__gt=last).order_by("seq", "kind").defer("embedding")[:MANY]
        if len(memories := list(found)) == MANY:
            yield Due(holder, memories)


def _thoughts(tenant_id: UUID, branch: Branch, holder: str) -> int:
    """Up to where in the log a character has thought about what it keeps."""
    found = Memory.objects.for_tenant(tenant_id).ever_in_sight(sights_of(branch))
    last = found.filter(holder=holder, kind=Memory.Kind.REFLECTION).aggregate(last=Max("seq"))["last"]
    return last or 0


def _keep(session: GameSession, due: Due, thought: str, by: str) -> None:
    """Unless something of it was deleted meanwhile: then it is thought about without that next time."""
    ids = [memory.pk for memory in due.memories]
    if Memory.objects.for_tenant(session.tenant_id).filter(pk__in=ids, forgotten_at=None).count() < len(ids):
        return
    remember(
        tenant_id=session.tenant_id,
        store=due.newest.store,
        seq=due.newest.seq,
        holders={due.holder: Memory.Kind.REFLECTION},
        text=thought,
        importance=min(1.0, max(memory.importance for memory in due.memories) + ADDED_WEIGHT),
        game_time=due.newest.game_time,
        source={"entry": due.newest.seq, "type": "reflection", "of": len(ids), "by": by},
        made_of=ids,
    )


# --- The thought ------------------------------------------------------------------------------------------
def _thought(at: Reading, due: Due) -> tuple[str, str]:
    """What the character thinks and the model that worded it, empty for none."""
    with tenant_scope(at.session.tenant_id):
        route = _route(at, due.holder)
    if route is not None:
        thought = one_line(_worded(at, due, route), LONGEST)
        if thought and not tells_secret(at.world, due.holder, thought):
            return thought, route.chat_name
    return counted(at, due), ""


def _route(at: Reading, holder: str) -> RouteConfig | None:
    """The small model, or else the usual one. None where the world has characters do without, or counts its coins."""
    document, tenant_id = at.world.document, at.session.tenant_id
    if at.world.tier_of(holder).model == "none" or document.purse.session is not None:
        return None
    try:
        route = resolve_route(tenant_id, SMALL_SLUG)
    except NotFound:
        route = resolve_route(tenant_id, None)
    return None if route.is_reader else route


def _worded(at: Reading, due: Due, route: RouteConfig) -> str:
    """By a model; empty if that fails."""
    language, persona = at.world.language, at.world.persona_of(due.holder)
    lines = "\n".join(f"- {one_line(memory.text, LONGEST)}" for memory in due.memories)
    system = texts.REFLECT[language].format(name=one_line(persona.name, 100))
    request = ChatRequest(
        messages=[ChatMessage("system", system), ChatMessage("user", f"<context>\n{lines}\n</context>")],
        max_output_tokens=MAX_OUTPUT_TOKENS,
    )
    began = time.monotonic()
    try:
        said, usage = run_in_loop(_asked(route, request))
    except ProviderError:
        return ""
    with tenant_scope(at.session.tenant_id):
        took_ms = round((time.monotonic() - began) * 1000)
        record_call(route=route, usage=usage, duration_ms=took_ms, payer=Payer(end_user=at.session.player_id))
    return said


async def _asked(route: RouteConfig, request: ChatRequest) -> tuple[str, Usage]:
    """Raises ProviderError."""
    parts, usage = [], Usage(0, 0)
    async with aclosing(stream_chat(route, request)) as stream:
        async for item in stream:
            if isinstance(item, TextDelta):
                parts.append(item.text)
            elif isinstance(item, Finished):
                usage = item.usage
    return "".join(parts), usage


def counted(at: Reading, due: Due) -> str:
    """With whom the character talked, what it did, what else it saw; and what of it weighs most."""
    language = at.world.language
    talks, deeds, seen = Counter[str](), Counter[str](), 0
    for memory in due.memories:
        match memory.kind, memory.source:
            case Memory.Kind.SAID, {"speaker": str(speaker)}:
                talks[name_of(at, speaker)] += 1
            case Memory.Kind.DONE, {"action": str(action)}:
                deeds[action] += 1
            case _:
                seen += 1
    parts = [
        *(texts.TALKED[language].format(name=name, count=count) for name, count in _most(talks)),
        *(texts.DID[language].format(name=name, count=count) for name, count in _most(deeds)),
        *([texts.SAW[language].format(count=seen)] if seen else []),
    ]
    text = texts.LATELY[language].format(parts=texts.AND_THEN[language].join(parts))
    by_weight = sorted(due.memories, key=lambda one: (-one.importance, -one.seq))
    weighty = next((one.text for one in by_weight if not tells_secret(at.world, due.holder, one.text)), "")
    return text + (texts.WEIGHS[language].format(text=one_line(weighty, 200)) if weighty else "")


def _most(counts: Counter[str]) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:5]
