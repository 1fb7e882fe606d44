"""What characters keep: written once, found again by meaning, weight and age, and forgotten on demand.

A character sees its own memories and nobody else's, and of each store only as much as its line of events shares. Both
are said in SQL, so that nothing else can come near a prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.db import connection

from jobs.models import Job, Queue
from jobs.queueing import lining_up
from llm.types import Vector
from llm.vectors import as_halfvec
from personas.models import Memory, Sight
from tenants.statements import Write, insertion, planning_cursor, prepared_cursor, write_together

# The kind of job that makes vectors; its subject is a store.
EMBED = "personas.embed_memories"
# How much each side counts, and how it decays: Park et al., "Generative Agents" (2023), by the weights of its code.
RELEVANCE, IMPORTANCE, RECENCY = 3.0, 2.0, 0.5
# Games count time in their own units, so age is measured against how long the character remembers at all: what is
# as old as its oldest memory has faded to e^-3, one twentieth.
DECAY = 3.0


@dataclass(frozen=True, slots=True)
class Recalled:
    """A memory that came to mind. `score` orders those of one recall and means nothing beyond it."""

    id: UUID
    seq: int
    kind: str
    text: str
    game_time: float
    score: float


def memory_id(store: UUID, seq: int, holder: str, kind: str) -> UUID:
    """The same for the same memory, whoever writes it and however often."""
    return uuid5(store, f"{seq}:{holder}:{kind}")


def remember(
    *,
    tenant_id: UUID,
    store: UUID,
    seq: int,
    holders: Mapping[str, str],
    text: str,
    importance: float = 0.5,
    game_time: float = 0.0,
    source: Mapping[str, Any] | None = None,
    derived_from: UUID | None = None,
    made_of: Sequence[UUID] = (),
    write: Callable[..., None] = write_together,
) -> list[UUID]:
    """Let each holder keep this; returns the memories' ids. What is kept already, or was forgotten, stays as it is.

    In the caller's transaction. `holders` are those who keep it, each with the kind of memory that it is to them;
    `importance` runs from 0 to 1. `write` is given what is to be written, for who writes more than that.
    """
    memories = [
        Memory(
            id=memory_id(store, seq, holder, kind),
            tenant_id=tenant_id,
            store=store,
            seq=seq,
            holder=holder,
            kind=kind,
            text=text,
            importance=importance,
            game_time=game_time,
            source=dict(source or {}),
            derived_from_id=derived_from,
            made_of=list(made_of),
        )
        for holder, kind in holders.items()
    ]
    if memories:
        rows = (Write((f"{sql} ON CONFLICT DO NOTHING", values)) for sql, values in map(insertion, memories))
        # One that comes while the job of its store is ending waits for the next one, and is found by weight and age.
        job = Job(tenant_id=tenant_id, kind=EMBED, queue=Queue.MEMORY, subject_id=store)
        write(*rows, lining_up(job))
    return [memory.pk for memory in memories]


def recall(
    *,
    tenant_id: UUID,
    sights: Sequence[Sight],
    holder: str,
    query_vector: Vector | None,
    now_game_time: float,
    limit: int,
    lasting: float | None = None,
) -> list[Recalled]:
    """What comes to the holder's mind, best first: near to the question, weighty, not long ago. Inside the scope.

    `lasting` is for how long, in game time, a memory of weight 0.5 does; each tenth of weight doubles it. What is older
    has been forgotten, though it is kept, and comes back to who loads a save of that time. None forgets nothing.
    Without a vector, or for memories that have none yet, nearness counts as middling. `query_vector` is the bundled
    model's, of its query side.
    """
    parameters: dict[str, Any] = {
        "tenant": tenant_id,
        "holder": holder,
        "vector": None if query_vector is None else as_halfvec(query_vector),
        "now": now_game_time,
        "limit": limit,
        "relevance": RELEVANCE,
        "importance": IMPORTANCE,
        "recency": RECENCY,
        "decay": DECAY,
        "lasting": lasting,
    }
    match sights:
        case [Sight(store=store, last_seq=None)]:
            sql, cursor = _RECALL_OF_ONE, prepared_cursor()
            parameters["store"] = store
        case _:
            # Planned for these values each time: a plan for any took three times as long among 10 000 memories.
            sql, cursor = _RECALL_OF_MANY, planning_cursor()
            parameters["stores"] = [sight.store for sight in sights]
            parameters["lasts"] = [sight.last_seq for sight in sights]
    with cursor:
        cursor.execute(sql, parameters)
        return [Recalled(*row) for row in cursor.fetchall()]


def forget(*, tenant_id: UUID, memory_id: UUID) -> list[UUID]:
    """Take a memory's words away for good, with all that was made of it; returns what was forgotten.

    The empty row stays with its place in the log, so that whoever writes the same memory again, late or from the log,
    does not bring it back.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, {"tenant": tenant_id, "memory": memory_id})
        return [row[0] for row in cursor.fetchall()]


# The policy alone would do for the tenant; naming it lets the index be used. `ranges` is materialised, or a planner
# that knows nothing of the table yet computes it again for every row: 20 s for 10 000 memories. Its values are read
# once each; joined with every memory they took a sixth of the time. Words come along: a join that
# was planned for an empty table went through all memories for each of the best.
_RECALL = """
    WITH kept AS MATERIALIZED (
        SELECT m.id, m.seq, m.kind, m.text, m.game_time, m.importance, greatest(%(now)s - m.game_time, 0) AS age,
               1 - (m.embedding <=> %(vector)s::halfvec) AS similarity
        FROM {stores}
        WHERE m.tenant_id = %(tenant)s AND m.holder = %(holder)s AND m.forgotten_at IS NULL
              AND (%(lasting)s::float IS NULL
                   OR %(now)s - m.game_time <= %(lasting)s::float * power(2, 10 * (m.importance - 0.5)))
    ), ranges AS MATERIALIZED (
        SELECT min(similarity) AS least, nullif(max(similarity) - min(similarity), 0) AS spread,
               nullif(max(age), 0) AS oldest, max(seq) AS newest, nullif(max(seq) - min(seq), 0) AS entries
        FROM kept
    )
    SELECT id, seq, kind, text, game_time,
           %(relevance)s
               * coalesce((similarity - (SELECT least FROM ranges)) / (SELECT spread FROM ranges), 0.5)
           + %(importance)s * importance
           + %(recency)s * exp(-%(decay)s * coalesce(
               age / (SELECT oldest FROM ranges),
               ((SELECT newest FROM ranges) - seq)::float / (SELECT entries FROM ranges),
               0
           )) AS score
    FROM kept
    ORDER BY score DESC, seq DESC, id
    LIMIT %(limit)s
"""

# A store that has no other before it, seen whole: what most are. One plan does for any.
_RECALL_OF_ONE = _RECALL.format(stores="personas_memory m").replace("WHERE ", "WHERE m.store = %(store)s AND ", 1)
_RECALL_OF_MANY = _RECALL.format(
    stores="""unnest(%(stores)s::uuid[], %(lasts)s::bigint[]) AS sight (store, last_seq)
        JOIN personas_memory m ON m.store = sight.store AND m.seq <= coalesce(sight.last_seq, m.seq)"""
)

_FORGET = """
    WITH RECURSIVE chain AS (
        SELECT id FROM personas_memory WHERE tenant_id = %(tenant)s AND id = %(memory)s
        UNION
        SELECT m.id FROM personas_memory m JOIN chain ON m.tenant_id = %(tenant)s
            AND (m.derived_from_id = chain.id OR (m.made_of @> ARRAY[chain.id] AND m.made_of <> '{}'))
    )
    UPDATE personas_memory m
    SET text = '', source = jsonb_strip_nulls(jsonb_build_object('entry', m.source -> 'entry')), embedding = NULL,
        forgotten_at = now()
    FROM chain WHERE m.tenant_id = %(tenant)s AND m.id = chain.id AND m.forgotten_at IS NULL
    RETURNING m.id
"""
