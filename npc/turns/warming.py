"""Before the player speaks: the world, what those present know, and the beginning of their prompts are laid ready.

Models that keep the beginnings of prompts answer sooner to one that they have read; a call that asks for one token has
them read it. It goes on when the game has its answer.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from llm.door import stream_chat
from llm.embedding import bundled, off_loop
from llm.errors import ProviderError
from llm.metering import Payer, record_call
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, Usage, Vector
from npc.knowledge.facts import may_know
from npc.knowledge.nearest import nearest_facts
from npc.knowledge.remembering import sights_of
from npc.sessions.situations import situation
from npc.sessions.writing import Writer, writing
from npc.turns.ladder import ladder_for
from npc.turns.prompt import Scenery, prompt_of
from npc.turns.purse import dearest, left_in, spend
from npc.worlds.problems import Problem, path_of, refuse
from personas.memories import recall
from tenants.perloop import PerLoop
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

# Of a crowd, only the first are likely to be spoken to.
MAX_WARM = 8
# Models forget what nobody asks for; until then, reading it again would only cost.
READ_AGAIN_AFTER_S = 240.0
REMEMBERED_PREFIXES = 2_000
READING_S = 30.0
GREETING = "…"


@dataclass(frozen=True, slots=True)
class Prefix:
    """The beginning of a character's prompts, for the model that will get them."""

    character: str
    route: RouteConfig
    request: ChatRequest

    @property
    def key(self) -> tuple[str, str, int]:
        return self.route.base_url, self.route.chat_model, hash(self.request.messages[0].content)


class _Readings:
    """What the models of one event loop were given to read lately."""

    def __init__(self) -> None:
        self._read_at: OrderedDict[tuple[str, str, int], float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def is_fresh(self, prefix: Prefix) -> bool:
        return time.monotonic() - self._read_at.get(prefix.key, -READ_AGAIN_AFTER_S) < READ_AGAIN_AFTER_S

    def begin(self, tenant_id: UUID, prefix: Prefix, payer: Payer) -> None:
        self._read_at[prefix.key] = time.monotonic()
        self._read_at.move_to_end(prefix.key)
        if len(self._read_at) > REMEMBERED_PREFIXES:
            self._read_at.popitem(last=False)
        task = asyncio.create_task(_read(tenant_id, prefix, payer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_readings = PerLoop(_Readings)


async def warm(
    tenant_id: UUID, session_id: UUID, characters: Sequence[str] | None, *, api_key_id: UUID | None
) -> dict[str, Any]:
    """Lay all ready for these characters, or for those where the player is; `{characters, facts, memories, models}`.

    `models` are those that are reading now. Raises SessionNotFound, and Invalid for ids that are not there.
    """
    vector = await off_loop(lambda: bundled().embed_query(GREETING))
    readings = _readings()
    laid = await in_tenant(tenant_id, _lay_ready, tenant_id, session_id, characters, vector, readings)
    for prefix in laid.prefixes:
        readings.begin(tenant_id, prefix, Payer(api_key_id=api_key_id, end_user=laid.player_id))
    models = sorted({prefix.route.chat_name for prefix in laid.prefixes})
    return {"characters": laid.characters, "facts": laid.facts, "memories": laid.memories, "models": models}


@dataclass(frozen=True, slots=True)
class _Laid:
    player_id: str
    characters: list[str]
    facts: int
    memories: int
    prefixes: list[Prefix]


def _lay_ready(
    tenant_id: UUID, session_id: UUID, wanted: Sequence[str] | None, vector: Vector, readings: _Readings
) -> _Laid:
    with writing(tenant_id, session_id) as writer:
        characters = _characters(writer, wanted)
        facts = {fact for who in characters for fact in _facts(writer, who, vector)}
        memories = sum(_memories(writer, who, vector) for who in characters)
        prefixes = [found for who in characters if (found := _prefix(writer, who)) and not readings.is_fresh(found)]
        affordable = [prefix for prefix in prefixes if _pay(writer, prefix)]
        return _Laid(writer.play.player.id, characters, len(facts), memories, affordable)


def _characters(writer: Writer, wanted: Sequence[str] | None) -> list[str]:
    if wanted is None:
        play = writer.play
        present = play.present_in(play.scenes.get(play.player.id))
        wanted = [who for who in writer.world.characters if who in present]
    unknown = _("There is no «%(id)s».")
    refuse(
        Problem(path_of("characters", number), unknown % {"id": who})
        for number, who in enumerate(wanted)
        if who not in writer.world.characters
    )
    return list(dict.fromkeys(wanted))[:MAX_WARM]


def _facts(writer: Writer, character: str, vector: Vector) -> list[str]:
    seen = situation(writer.world, writer.play, actor=character)
    known = may_know(writer.world, character, seen).may_know
    return nearest_facts(writer.session, writer.world, known, vector)


def _memories(writer: Writer, character: str, vector: Vector) -> int:
    limit = writer.world.tier_of(character).memories
    if not limit:
        return 0
    return len(
        recall(
            tenant_id=writer.session.tenant_id,
            sights=sights_of(writer.branch),
            holder=character,
            query_vector=vector,
            now_game_time=writer.play.game_time,
            limit=limit,
        )
    )


def _prefix(writer: Writer, character: str) -> Prefix | None:
    """What is the same in all prompts of a character; None where no model would be asked."""
    world, play = writer.world, writer.play
    empty = Scenery(
        world=world,
        play=play,
        character=character,
        speaker=play.player.id,
        scene=None,
        present=(),
        names={},
        text=GREETING,
        event=None,
        goals=(),
        facts=(),
        memories=(),
        offers={},
        history=(),
    )
    stable = prompt_of(empty).messages[0]
    request = ChatRequest([stable, ChatMessage("user", GREETING)], max_output_tokens=1)
    tier = world.tier_of(character)
    ladder = ladder_for(writer.session.tenant_id, tier, float("inf"), price=lambda route: dearest(request, route))
    return Prefix(character, ladder.top, request) if ladder.routes else None


def _pay(writer: Writer, prefix: Prefix) -> bool:
    """Whether the purse of the play has it; it is then spent."""
    session, purse, scene = writer.session, writer.world.document.purse, writer.play.scenes.get(prefix.character)
    cost, left = dearest(prefix.request, prefix.route), left_in(purse, session, scene)
    if left is not None and cost > left:
        return False
    spend(purse, session, scene, cost)
    return True


async def _read(tenant_id: UUID, prefix: Prefix, payer: Payer) -> None:
    """Have the model read. What it answers is of no interest, and that it does not is no harm."""
    loop = asyncio.get_running_loop()
    began, usage, error_code = loop.time(), Usage(0, 0), ""
    route = replace(prefix.route, timeout_s=min(READING_S, prefix.route.timeout_s))
    try:
        async with asyncio.timeout(READING_S), aclosing(stream_chat(route, prefix.request)) as stream:
            async for item in stream:
                if isinstance(item, Finished):
                    usage = item.usage
    except ProviderError as error:
        error_code = error.code
    except TimeoutError:
        error_code = "provider_timeout"
    took_ms = round((loop.time() - began) * 1000)
    outcome = "failed" if error_code else "ok"
    await in_tenant(
        tenant_id,
        lambda: record_call(
            route=route, usage=usage, duration_ms=took_ms, payer=payer, outcome=outcome, error_code=error_code
        ),
    )
