"""Everything a turn needs before the model is asked, gathered with no connection held in between."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chat.history import asked_past
from chat.models import Message, Turn
from chat.posting import KNOBS, ON_BEHALF, Posted
from knowledge.searching import embedding_of, search_bases
from llm.door import embed
from llm.metering import Payer, record_call
from llm.routes import asked_route, cost_of, route_found
from llm.tokens import count_tokens
from llm.types import ChatRequest, RouteConfig, Usage
from personas.context import EndUser, Language, Said
from personas.kinds import ReplyParser
from personas.language import is_chinese
from personas.lookups import Asking, LookedUp, OnBehalf, look_up
from personas.models import Persona, PersonaVersion
from personas.running import RunningPersona, running_draft, running_version
from personas.turns import Asked, PreparedTurn, TurnPlan, compile_turn, plan_turn
from tenants.errors import PlatformError
from tenants.scope import in_tenant
from tenants.statements import read

if TYPE_CHECKING:
    from chat.settling import Outcome

VERSIONS_KEPT_S = 60


@dataclass
class Prepared:
    """A turn that is ready to be asked, and how to read and account for what comes back."""

    turn: PreparedTurn
    route: RouteConfig
    request: ChatRequest
    payer: Payer
    parser: ReplyParser
    knobs: dict[str, Any] = field(default_factory=dict)

    @property
    def author(self) -> str:
        return self.turn.persona.name

    @property
    def persona_version(self) -> int | None:
        return self.turn.persona.version

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The passages that are in the prompt, as clients see them."""
        return [source.as_citation() for source in self.turn.sources]

    @property
    def trace(self) -> dict[str, Any]:
        """What the turn's record says of how it was asked."""
        return {
            **self.turn.trace,
            "route": self.route.slug,
            "model": self.request.model or self.route.chat_model or "reader",
            **({KNOBS: self.knobs} if self.knobs else {}),
        }

    def estimate(self, text: str) -> Usage:
        """For an answer that broke off before the endpoint said what it used."""
        return Usage(self.turn.input_tokens, count_tokens(text), is_estimate=True)

    def cost(self, usage: Usage) -> Decimal:
        return cost_of(usage, self.route)

    def meter(self, usage: Usage, outcome: "Outcome") -> None:
        """Write the metering row, in the transaction that stores the answer."""
        how = "failed" if outcome.error else "stopped" if outcome.finish_reason == "stopped" else "ok"
        record_call(
            route=self.route,
            usage=usage,
            duration_ms=outcome.total_ms or 0,
            payer=self.payer,
            model=self.request.model,
            first_token_ms=outcome.first_token_ms,
            outcome=how,
            error_code=outcome.error.code if outcome.error else "",
        )


@dataclass(frozen=True)
class Loaded:
    """What the first look into the database brings."""

    plan: TurnPlan
    route: RouteConfig
    embedding: dict[str, RouteConfig]
    payer: Payer
    on_behalf: OnBehalf | None = None


def take_in(
    how: Callable[..., Posted],
    history: tuple[Said, ...] | None,
    said: dict[str, Any],
    ask: Callable[[Posted, Loaded], None],
) -> Posted:
    """Post by `post_message` or `regenerate`, in one transaction with loading what the turn needs.

    A second one costs as much as the model's first token. So does storing: `ask` is called before that, unless
    something cannot be loaded. Then the turn loads it, which can tell why.
    """

    def load_and_ask(posted: Posted) -> None:
        if posted.runs_here:
            with suppress(PlatformError):
                ask(posted, load(posted.turn, posted.message, history))

    return how(**said, before_storing=load_and_ask)


async def prepare(
    turn: Turn, question: Message, history: tuple[Said, ...] | None = None, loaded: Loaded | None = None
) -> Prepared:
    """Recall and compile: history and settings, then passages by both sides of the search, then the prompt.

    `history` is what was said before, where the caller keeps that himself. Raises PlatformError.
    """
    tenant_id = turn.tenant_id
    if loaded is None:
        loaded = await in_tenant(tenant_id, load, turn, question, history)
    plan = loaded.plan
    if plan.persona.settings.tools:
        found, (looked, told) = await asyncio.gather(_search(loaded), _look_up(loaded))
        compiled = compile_turn(plan, [*looked, *found], looked_up=told)
    else:
        compiled = compile_turn(plan, await _search(loaded))
    knobs = turn.trace.get(KNOBS, {})
    request = turned(compiled.request(), knobs)
    return Prepared(compiled, loaded.route, request, loaded.payer, compiled.parser(), knobs)


async def _search(loaded: Loaded) -> Any:
    plan = loaded.plan
    if not plan.query:
        return ()
    vectors = {model: (await embed(route, [plan.query], "query"))[0] for model, route in loaded.embedding.items()}
    tenant_id = plan.persona.tenant_id
    return await in_tenant(tenant_id, search_bases, tenant_id, plan.base_ids, plan.query, vectors, top_k=plan.top_k)


async def _look_up(loaded: Loaded) -> tuple[list[LookedUp], list[dict[str, Any]]]:
    context, persona = loaded.plan.context, loaded.plan.persona
    language: Language = "zh" if is_chinese(context.question) else "en"
    asking = (
        Asking(persona.tenant_id, context.question, language, loaded.on_behalf)
        if loaded.on_behalf is not None
        else None
    )
    return await look_up(persona.settings.tools, asking)


def turned(request: ChatRequest, knobs: Mapping[str, Any]) -> ChatRequest:
    """The request as the caller of this turn wants it.

    He may ask for a shorter answer, not for a longer one.
    """
    changes = dict(knobs)
    if "stop" in changes:
        changes["stop"] = tuple(changes["stop"])
    if "max_output_tokens" in changes:
        changes["max_output_tokens"] = min(changes["max_output_tokens"], request.max_output_tokens or 2**31)
    return replace(request, **changes)


def load(turn: Turn, question: Message, history: tuple[Said, ...] | None) -> Loaded:
    """Who answers, what was said, where the call goes. Inside the tenant's scope. Raises PlatformError."""
    conversation = turn.conversation  # as it was locked for a new turn, or read now for one that waited
    persona = running_persona(conversation.persona, is_test=conversation.is_test)
    route, past = route_and_past(turn, question, persona, has_history=history is not None)
    asked = Asked(
        text=question.text,
        history=past if history is None else history,
        end_user=EndUser(conversation.end_user.name, conversation.end_user.locale),
        variables=turn.variables,
    )
    plan = plan_turn(persona, asked)
    return Loaded(
        plan=plan,
        route=route,
        embedding=embedding_of(turn.tenant_id, plan.base_ids) if plan.query else {},
        payer=Payer(
            persona_id=conversation.persona_id,
            conversation_id=conversation.pk,
            turn_id=turn.pk,
            end_user=conversation.end_user.external_id,
        ),
        on_behalf=OnBehalf.of(turn.trace.get(ON_BEHALF)),
    )


def running_persona(persona: Persona, *, is_test: bool) -> RunningPersona:
    """The draft in a test chat, else the version that was published last."""
    if is_test or persona.live_version_id is None:
        return running_draft(persona)
    return _version(persona.live_version_id, int(time.monotonic() // VERSIONS_KEPT_S))


@lru_cache(maxsize=256)
def _version(version_id: UUID, period: int) -> RunningPersona:
    """A published version never changes, so its settings are read once in a while. Its id came from a row of
    the tenant whose scope we are in.
    """
    return running_version(PersonaVersion.objects.select_related("tenant").get(pk=version_id))


def route_and_past(
    turn: Turn, question: Message, persona: RunningPersona, *, has_history: bool
) -> tuple[RouteConfig, tuple[Said, ...]]:
    """Where the call goes; and the conversation up to the question, oldest first, as far as the persona remembers."""
    slug = persona.settings.route or None
    limit = 0 if has_history else persona.settings.memory.history_messages
    past = [asked_past(turn.conversation_id, before_seq=question.seq, limit=limit)] if limit else []
    routes, *said = read(asked_route(turn.tenant_id, slug), *past)
    told = tuple(Said(role=role, text=text) for rows in said for role, text in reversed(rows))
    return route_found(routes, slug), told
