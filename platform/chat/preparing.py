"""Everything a turn needs before the model is asked, gathered with no connection held in between."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chat.history import past_messages
from chat.models import Conversation, Message, Turn
from knowledge.searching import embedding_of, search_bases
from llm.door import embed
from llm.metering import Payer, record_call
from llm.routes import cost_of, resolve_route
from llm.tokens import count_tokens
from llm.types import ChatRequest, RouteConfig, Usage
from personas.context import EndUser, Said
from personas.kinds import ReplyParser
from personas.models import Persona, PersonaVersion
from personas.running import RunningPersona, running_draft, running_version
from personas.turns import Asked, PreparedTurn, TurnPlan, compile_turn, plan_turn
from tenants.scope import in_tenant

if TYPE_CHECKING:
    from chat.settling import Outcome


@dataclass
class Prepared:
    """A turn that is ready to be asked, and how to read and account for what comes back."""

    turn: PreparedTurn
    route: RouteConfig
    request: ChatRequest
    payer: Payer
    parser: ReplyParser
    trace: dict[str, Any] = field(default_factory=dict)

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
class Overrides:
    """What the caller of one turn wants otherwise: knobs of the request, and a history that he keeps himself."""

    request: dict[str, Any] = field(default_factory=dict)
    history: tuple[Said, ...] | None = None


@dataclass(frozen=True)
class _Loaded:
    """What the first look into the database brings."""

    plan: TurnPlan
    route: RouteConfig
    embedding: dict[str, RouteConfig]
    payer: Payer


async def prepare(turn: Turn, question: Message, overrides: Overrides) -> Prepared:
    """Recall and compile: history and settings, then passages by both sides of the search, then the prompt.

    Raises PlatformError.
    """
    tenant_id = turn.tenant_id
    loaded = await in_tenant(tenant_id, _load, turn, question, overrides.history)
    plan = loaded.plan
    found: Any = ()
    if plan.query:
        vectors = {
            model: (await embed(route, [plan.query], "query"))[0] for model, route in loaded.embedding.items()
        }
        found = await in_tenant(
            tenant_id, search_bases, tenant_id, plan.base_ids, plan.query, vectors, top_k=plan.top_k
        )
    compiled = compile_turn(plan, found)
    request = replace(compiled.request(), **overrides.request)
    trace = {**compiled.trace, "route": loaded.route.slug, "model": request.model or loaded.route.chat_model or "reader"}
    return Prepared(compiled, loaded.route, request, loaded.payer, compiled.parser(), trace)


def _load(turn: Turn, question: Message, history: tuple[Said, ...] | None) -> _Loaded:
    conversation = Conversation.objects.select_related("persona", "persona__live_version", "end_user").get(
        pk=turn.conversation_id
    )
    persona = running_persona(conversation.persona, is_test=conversation.is_test)
    asked = Asked(
        text=question.text,
        history=history if history is not None else said_before(conversation, question, persona),
        end_user=EndUser(conversation.end_user.name, conversation.end_user.locale),
        variables=turn.variables,
    )
    plan = plan_turn(persona, asked)
    return _Loaded(
        plan=plan,
        route=resolve_route(turn.tenant_id, persona.settings.route or None),
        embedding=embedding_of(turn.tenant_id, plan.base_ids) if plan.query else {},
        payer=Payer(
            persona_id=conversation.persona_id,
            conversation_id=conversation.pk,
            turn_id=turn.pk,
            end_user=conversation.end_user.external_id,
        ),
    )


def running_persona(persona: Persona, *, is_test: bool) -> RunningPersona:
    """The draft in a test chat, else the version that was published last."""
    version: PersonaVersion | None = persona.live_version
    return running_draft(persona) if is_test or version is None else running_version(version)


def said_before(conversation: Conversation, question: Message, persona: RunningPersona) -> tuple[Said, ...]:
    """The conversation up to the question, oldest first, as far as the persona remembers."""
    limit = persona.settings.memory.history_messages
    rows = past_messages(conversation, before_seq=question.seq, limit=limit) if limit else []
    return tuple(Said(role=role, text=text) for role, text in rows)  # type: ignore[arg-type]
