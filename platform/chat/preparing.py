"""Everything a turn needs before the model is asked, gathered with no connection held in between."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connection, transaction

from chat.history import asked_past
from chat.knobs import extra_tokens, reply_parser, turned
from chat.models import Message, Turn
from chat.posting import KNOBS, ON_BEHALF, Posted
from chat.spending import key_of, spending_of
from knowledge.searching import SearchResult, search_bases
from llm.budgets import Rung, Spending
from llm.door import embed, embed_known
from llm.errors import ProviderError
from llm.fallback import Fallback, told
from llm.metering import Payer, record_call, record_misses, settle_calls, write_calls
from llm.models import ModelCall, Route
from llm.routes import asked_routes, cost_of, known_routes, routes_for_embedding, routes_found
from llm.tokens import count_tokens
from llm.types import ChatRequest, RouteConfig, Usage
from personas.calling import CallingParser, take_call
from personas.context import EndUser, Language, Said
from personas.followups import search_query
from personas.kinds import ReplyParser
from personas.language import is_chinese
from personas.lookups import Asking, LookedUp, OnBehalf, look_up
from personas.models import Persona, PersonaVersion
from personas.running import RunningPersona, running_draft, running_version
from personas.schema import Handoff
from personas.turns import Asked, PreparedTurn, TurnPlan, compile_turn, plan_turn
from tenants.errors import PlatformError
from tenants.scope import in_tenant
from tenants.statements import read

if TYPE_CHECKING:
    from chat.settling import Outcome

logger = logging.getLogger(__name__)

VERSIONS_KEPT_S = 60
# Passages found by words alone are worth more than those that are waited for.
EMBEDDING_PATIENCE_S = 3.0


@dataclass
class Prepared:
    """A turn that is ready to be asked, and how to read and account for what comes back."""

    turn: PreparedTurn
    call: Fallback
    payer: Payer
    parser: ReplyParser
    knobs: dict[str, Any] = field(default_factory=dict)
    # What the search went without, since an embedding model did not answer.
    left_out: list[dict[str, str]] = field(default_factory=list)
    spending: Spending = field(kw_only=True)
    # Endpoints that embedded the question.
    embedded_by: list[RouteConfig] = field(default_factory=list)

    @property
    def route(self) -> RouteConfig:
        """The one that answers, or was asked last."""
        return self.call.route

    @property
    def request(self) -> ChatRequest:
        return self.call.request

    @property
    def author(self) -> str:
        return self.turn.persona.name

    @property
    def handoff(self) -> Handoff:
        """When the persona calls a person."""
        return self.turn.persona.settings.handoff

    def why_called(self, calls: dict[int, dict[str, Any]]) -> str | None:
        """Why the model called a person, if it did: by the tool, whose calls are taken out of these, or by a mark."""
        by_tool = take_call(calls, self.request.tools)
        return getattr(self.parser, "called", None) if by_tool is None else by_tool

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
        trace = self.turn.trace
        return {
            **trace,
            **({"search": {**trace["search"], "left_out": self.left_out}} if self.left_out else {}),
            "route": self.route.slug,
            "model": self.request.model or self.route.chat_model or "reader",
            **({"budget": self.spending.rung.value} if self.spending.rung != Rung.NORMAL else {}),
            **({"missed_routes": [miss.as_dict() for miss in self.call.misses]} if self.call.misses else {}),
            **({KNOBS: self.knobs} if self.knobs else {}),
        }

    def trace_of(self, error: PlatformError | None) -> dict[str, Any]:
        """The trace, and what the model's endpoint said when it failed."""
        failure = {"failure": dict(told(error, self.route))} if isinstance(error, ProviderError) else {}
        return {**self.trace, **failure}

    def estimate(self, text: str) -> Usage:
        """For an answer that broke off before the endpoint said what it used."""
        return Usage(self.turn.input_tokens + extra_tokens(self.knobs), count_tokens(text), is_estimate=True)

    def cost(self, usage: Usage) -> Decimal:
        return cost_of(usage, self.route, self.request.model)

    def meter(self, usage: Usage, outcome: "Outcome") -> None:
        """Write the metering rows and settle with the budgets, in the transaction that stores the answer."""
        calls = [*record_misses(self.call.misses, self.payer), *self._record_embedding()]
        how = "failed" if outcome.error else "stopped" if outcome.finish_reason == "stopped" else "ok"
        answered = record_call(
            route=self.route,
            usage=usage,
            duration_ms=outcome.total_ms or 0,
            payer=self.payer,
            model=self.request.model,
            first_token_ms=outcome.first_token_ms,
            outcome=how,
            error_code=outcome.error.code if outcome.error else "",
            is_reserved=True,
        )
        calls.append(answered)
        write_calls(calls)
        if self.spending.is_held or self.spending.rung != Rung.NORMAL:
            settle_calls(cast(UUID, self.payer.turn_id), calls, answered.tenant_id, self.payer)

    def _record_embedding(self) -> list[ModelCall]:
        """The question's vectors, where an endpoint made them."""
        query = self.turn.plan.query
        return [
            record_call(
                route=route,
                usage=Usage(count_tokens(query), 0, is_estimate=True),
                duration_ms=0,
                payer=self.payer,
                operation=ModelCall.Operation.EMBED,
                is_reserved=True,
            )
            for route in self.embedded_by
        ]


@dataclass(frozen=True)
class Loaded:
    """What the first look into the database brings."""

    plan: TurnPlan
    spending: Spending
    embedding: dict[str, RouteConfig]
    left_out: list[dict[str, str]]
    payer: Payer
    on_behalf: OnBehalf | None = None
    # Passages, where the question's vectors were known: then no second transaction is needed for them.
    found: Sequence[SearchResult] | None = None
    # The prompt, where nothing else has to be waited for: made on this thread, while the event loop does for others.
    compiled: PreparedTurn | None = None


def take_in(
    how: Callable[..., Posted],
    history: tuple[Said, ...] | None,
    said: dict[str, Any],
    ask: Callable[[Turn, Message, Loaded], None],
) -> Posted:
    """Post by `post_message` or its like, in one transaction with loading what the turn needs.

    A second one costs as much as the model's first token. So does storing: `ask` is called before that, unless
    something cannot be loaded. Then the turn loads it, which can tell why.
    """

    def load_and_ask(posted: Posted) -> None:
        if posted.turn and posted.runs_here:
            with suppress(PlatformError):
                ask(posted.turn, posted.message, load(posted.turn, posted.message, history))

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
    if loaded.compiled is not None:
        compiled, left_out = loaded.compiled, loaded.left_out
    elif plan.persona.settings.tools:
        (found, left_out), (looked, told) = await asyncio.gather(_search(loaded), _look_up(loaded))
        compiled = compile_turn(plan, [*looked, *found], looked_up=told)
    else:
        found, left_out = await _search(loaded)
        compiled = compile_turn(plan, found)
    knobs = turn.trace.get(KNOBS, {})
    request = turned(compiled.request(), knobs)
    spending, silent = loaded.spending, {each.get("embedding_model") for each in left_out}
    return Prepared(
        compiled,
        Fallback(spending.routes, request),
        loaded.payer,
        reply_parser(_parser(compiled), knobs),
        knobs,
        left_out,
        spending=spending,
        embedded_by=[
            route for model, route in loaded.embedding.items() if route.embedding_model and model not in silent
        ],
    )


def _parser(compiled: PreparedTurn) -> ReplyParser:
    """Its own, and around it one that finds the model's call for a person, where it may call one."""
    handoff = compiled.persona.settings.handoff
    return CallingParser(compiled.parser()) if handoff.enabled and handoff.by_persona else compiled.parser()


async def _search(loaded: Loaded) -> tuple[Sequence[SearchResult], list[dict[str, str]]]:
    """Passages; and what is missing of their search, which then goes by words alone."""
    plan = loaded.plan
    if loaded.found is not None:
        return loaded.found, loaded.left_out
    vectors, left_out = {}, list(loaded.left_out)
    for model, route in loaded.embedding.items():
        route = replace(route, timeout_s=min(route.timeout_s, EMBEDDING_PATIENCE_S))
        try:
            vectors[model] = (await embed(route, [plan.query], "query"))[0]
        except ProviderError as error:
            left_out.append({"embedding_model": model, **told(error, route)})
    tenant_id, search = plan.persona.tenant_id, partial(search_bases, top_k=plan.top_k)
    return await in_tenant(tenant_id, search, tenant_id, plan.base_ids, plan.query, vectors), left_out


async def _look_up(loaded: Loaded) -> tuple[list[LookedUp], list[dict[str, Any]]]:
    context, persona = loaded.plan.context, loaded.plan.persona
    language: Language = "zh" if is_chinese(context.question) else "en"
    asking = (
        Asking(persona.tenant_id, search_query(context.history, context.question), language, loaded.on_behalf)
        if loaded.on_behalf is not None
        else None
    )
    return await look_up(persona.settings.tools, asking)


def load(turn: Turn, question: Message, history: tuple[Said, ...] | None) -> Loaded:
    """Who answers, what was said, where the call goes. Inside the tenant's scope. Raises PlatformError."""
    conversation = turn.conversation  # as it was locked for a new turn, or read now for one that waited
    persona = running_persona(conversation.persona, is_test=conversation.is_test)
    rows, past = routes_and_past(turn, question, persona, has_history=history is not None)
    routes = routes_found(rows, persona.settings.route or None, persona.settings.fallback_routes)
    asked = Asked(
        text=question.text,
        history=past if history is None else history,
        end_user=EndUser(conversation.end_user.name, conversation.end_user.locale),
        variables=turn.variables,
    )
    plan = plan_turn(persona, asked)
    embedding, left_out = _embedding_of(turn.tenant_id, plan, rows)
    found = _found_at_once(plan, embedding)
    return Loaded(
        plan=plan,
        spending=spending_of(turn, plan, routes),
        embedding=embedding,
        left_out=left_out,
        payer=Payer(
            persona_id=conversation.persona_id,
            api_key_id=key_of(turn),
            conversation_id=conversation.pk,
            turn_id=turn.pk,
            end_user=conversation.end_user.external_id,
        ),
        on_behalf=OnBehalf.of(turn.trace.get(ON_BEHALF)),
        found=found,
        compiled=None if found is None or persona.settings.tools else compile_turn(plan, found),
    )


def load_next(turn: Turn) -> Loaded | None:
    """As `load`, beside what else a transaction stores. None if it fails: then the turn loads it, and can tell why.

    Raises what undoes the transaction with all that it stores, such as a lost connection.
    """
    try:
        with transaction.atomic():
            return load(turn, turn.question, None)
    except Exception as error:  # whatever is wrong with the next turn, the one before it is stored
        if connection.needs_rollback:
            raise
        logger.warning("What turn %s needs could not be loaded: %r", turn.pk, error)
        return None


def _found_at_once(plan: TurnPlan, embedding: dict[str, RouteConfig]) -> Sequence[SearchResult] | None:
    """The passages, if nothing has to be embedded for them."""
    if not plan.query:
        return ()
    known = {model: embed_known(route, plan.query) for model, route in embedding.items()}
    vectors = {model: vector for model, vector in known.items() if vector is not None}
    if len(vectors) < len(known):
        return None
    return search_bases(plan.persona.tenant_id, plan.base_ids, plan.query, vectors, top_k=plan.top_k)


def _embedding_of(
    tenant_id: UUID, plan: TurnPlan, routes: Sequence[Route]
) -> tuple[dict[str, RouteConfig], list[dict[str, str]]]:
    try:
        return routes_for_embedding(tenant_id, plan.models, routes) if plan.query else {}, []
    except ProviderError as error:  # a route that is gone, or whose key cannot be read
        return {}, [dict(told(error, None))]


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


def routes_and_past(
    turn: Turn, question: Message, persona: RunningPersona, *, has_history: bool
) -> tuple[list[Route], tuple[Said, ...]]:
    """All routes of the tenant; and what was said before, oldest first, as far as the persona remembers."""
    version = getattr(turn.conversation, "routes_version", None)
    known = known_routes.of(turn.tenant_id, version)
    limit = 0 if has_history else persona.settings.memory.history_messages
    asked = [] if known is not None else [asked_routes(turn.tenant_id)]
    past = [asked_past(turn.conversation_id, before_seq=question.seq, limit=limit)] if limit else []
    found = read(*asked, *past)
    if known is None:
        known = found.pop(0)
        known_routes.keep(turn.tenant_id, version, known)
    told = tuple(Said(role=role, text=text) for rows in found for role, text in reversed(rows))
    return known, told
