"""One turn's recall and prompt, in steps, so that no transaction is open while a provider is called.

    plan = plan_turn(persona, asked)              # in the tenant's scope
    vector = … plan.query …                       # outside: embedding may be a call to a provider
    found = … plan.base_ids, plan.query, vector … # in the scope: knowledge.searching
    turn = compile_turn(plan, found)              # anywhere: no database

`turn.request()` is what goes to the models' door, and `turn.parser()` reads what comes back.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import orjson
from django.utils.translation import gettext_noop as _

from llm.reader.types import Example, Passage, ReaderTask
from llm.tokens import count_tokens
from llm.types import ChatMessage, ChatRequest
from personas.context import NOBODY, EndUser, Said, Source, TurnContext
from personas.followups import search_query
from personas.kinds import ReplyParser
from personas.language import language_of
from personas.lookups import LookedUp
from personas.prompt import CompiledPrompt, SectionReport, compile_prompt
from personas.quoting import one_line, quoted
from personas.references import bases_named
from personas.running import RunningPersona
from personas.variables import unknown_names

# What a turn may send to a model. Small enough for any model of today and cheap enough for every turn.
CONTEXT_BUDGET_TOKENS = 8000
# Passages that are searched for; about as many as fit into the section's budget.
TOP_K = 8


class Found(Protocol):
    """One search result, as `knowledge.searching` gives it."""

    @property
    def chunk_id(self) -> UUID: ...
    @property
    def document_id(self) -> UUID: ...
    @property
    def title(self) -> str: ...
    @property
    def heading(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def similarity(self) -> float | None: ...
    @property
    def page(self) -> int | None: ...
    @property
    def metadata(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What came in: the message, what was said before it (oldest first), and who says it."""

    text: str
    history: tuple[Said, ...] = ()
    summary: str = ""
    end_user: EndUser = NOBODY
    variables: Mapping[str, str] = field(default_factory=dict)  # as `check_variables` returns them
    now: datetime | None = None  # None: the moment of planning


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """What to search before the prompt can be compiled. `query` is "" when there is nothing to search."""

    persona: RunningPersona
    context: TurnContext
    query: str
    base_ids: tuple[UUID, ...]
    missing_bases: tuple[str, ...]  # named by the settings, deleted since
    models: tuple[str, ...] = ()  # the bases' embedding models
    top_k: int = TOP_K


@dataclass(frozen=True, slots=True)
class PreparedTurn:
    """All that is needed to ask the model and to read its answer."""

    plan: TurnPlan
    context: TurnContext
    prompt: CompiledPrompt
    reader_task: ReaderTask
    # What the persona's tools brought, for the trace.
    looked_up: tuple[dict[str, Any], ...] = ()

    @property
    def persona(self) -> RunningPersona:
        return self.plan.persona

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        return self.prompt.messages

    @property
    def tools(self) -> Sequence[Mapping[str, Any]]:
        """What the model may call."""
        return self.persona.kind.tools(self.context)

    @property
    def sections(self) -> tuple[SectionReport, ...]:
        """Of the prompt; and the tools, which endpoints put in front of it."""
        if not self.tools:
            return self.prompt.sections
        tokens = _tool_tokens(self.tools)
        return (SectionReport("tools", "system", tokens, tokens, _("What the model may call")), *self.prompt.sections)

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.prompt.sources

    @property
    def input_tokens(self) -> int:
        return self.prompt.input_tokens + _tool_tokens(self.tools)

    @property
    def trace(self) -> dict[str, Any]:
        """JSON-able: why the prompt is as it is. Made when it is asked for, since the model need not wait for it."""
        plan = self.plan
        return {
            "persona_version": plan.persona.version,
            "language": self.context.language,
            "search": {
                "query": plan.query,
                "knowledge_bases": [str(base_id) for base_id in plan.base_ids],
                "missing_knowledge_bases": list(plan.missing_bases),
                "found": [_found_trace(source, self.sources) for source in self.context.sources],
            },
            **({"tools": list(self.looked_up)} if self.looked_up else {}),
            "unknown_variables": _unknown_variables(self.context),
            "sections": [report.as_dict() for report in self.sections],
            "input_tokens": self.input_tokens,
            "prompt_sha256": _digest(self.messages),
        }

    def request(self) -> ChatRequest:
        """The call to the model, as the persona's settings want it."""
        settings = self.persona.settings
        return ChatRequest(
            messages=self.messages,
            model=settings.model,
            temperature=settings.temperature,
            max_output_tokens=settings.max_output_tokens,
            tools=self.tools,
            reader=self.reader_task,
        )

    def parser(self) -> ReplyParser:
        """A fresh reader for one answer."""
        return self.persona.kind.parse(self.persona.settings, self.sources)


def plan_turn(persona: RunningPersona, asked: Asked) -> TurnPlan:
    """Decide what to look up. Asks the database, inside the tenant's scope."""
    settings = persona.settings
    context = _context(persona, asked)
    bases = bases_named(persona.tenant_id, settings.knowledge_bases) if settings.knowledge_bases else {}
    return TurnPlan(
        persona=persona,
        context=context,
        query=search_query(context.history, asked.text) if bases else "",
        base_ids=tuple(dict.fromkeys(base_id for base_id, _model in bases.values())),
        missing_bases=tuple(name for name in settings.knowledge_bases if name not in bases),
        models=tuple(dict.fromkeys(model for _base_id, model in bases.values() if model)),
    )


def compile_turn(
    plan: TurnPlan,
    found: Sequence[Found] = (),
    *,
    looked_up: Sequence[dict[str, Any]] = (),
    budget_tokens: int = CONTEXT_BUDGET_TOKENS,
) -> PreparedTurn:
    """The prompt of a turn from what was found, best first. Pure. Raises PromptTooLong.

    `looked_up` is what the trace says of the persona's tools.
    """
    context = replace(plan.context, sources=tuple(_source(n, result) for n, result in enumerate(found, 1)))
    prompt = compile_prompt(
        plan.persona.kind.sections(context),
        history=[Said(said.role, quoted(said.text)) for said in context.history],
        question=quoted(context.question),
        budget_tokens=budget_tokens - _tool_tokens(plan.persona.kind.tools(context)),
    )
    task = _reader_task(plan.persona, context, prompt.sources)
    return PreparedTurn(plan, context, prompt, task, tuple(looked_up))


def _context(persona: RunningPersona, asked: Asked) -> TurnContext:
    settings = persona.settings
    named = {"char": one_line(persona.name, 100), "user": one_line(asked.end_user.name, 60)}
    remembered = settings.memory.history_messages
    return TurnContext(
        persona_name=persona.name,
        settings=settings,
        language=language_of(
            setting=settings.language, locale=asked.end_user.locale, instructions=settings.instructions
        ),
        question=asked.text,
        now=asked.now or datetime.now(UTC),
        end_user=asked.end_user,
        history=asked.history[-remembered:] if remembered else (),
        summary=asked.summary,
        variables={**named, **asked.variables},
    )


def _source(n: int, found: Found) -> Source:
    own = found if isinstance(found, LookedUp) else None
    url = own.url if own else found.metadata.get("url", "")
    return Source(
        n=n,
        chunk_id=found.chunk_id,
        document_id=found.document_id,
        title=found.title,
        heading=found.heading,
        text=found.text,
        score=found.score,
        similarity=found.similarity,
        page=found.page,
        url=url if own or (isinstance(url, str) and url.startswith(("https://", "http://"))) else "",
        answer=own.answer if own else "",
    )


def _reader_task(persona: RunningPersona, context: TurnContext, sources: Sequence[Source]) -> ReaderTask:
    """What the reader may say when no model is connected: quotations and the persona's authored lines."""
    settings = persona.settings
    return ReaderTask(
        question=context.question,
        history=tuple(each.text for each in context.history if each.role == "user"),
        said=tuple(each.text for each in context.history if each.role != "user"),
        names=(persona.name, persona.tenant_name),
        passages=tuple(
            Passage(each.n, each.title, each.heading, each.text, each.similarity, each.answer) for each in sources
        ),
        examples=tuple(Example(user=each.user, say=each.say) for each in settings.examples),
        refusal=settings.refusal,
        language=settings.language,
        has_documents=bool(settings.knowledge_bases),
    )


def _tool_tokens(tools: Sequence[Mapping[str, Any]]) -> int:
    """About what they cost, in the form in which endpoints get them."""
    return count_tokens(orjson.dumps(tools).decode()) if tools else 0


def _unknown_variables(context: TurnContext) -> list[str]:
    return unknown_names([context.settings.instructions, context.settings.voice], context.variables)


def _found_trace(source: Source, kept: Sequence[Source]) -> dict[str, Any]:
    return {
        "n": source.n,
        "chunk_id": str(source.chunk_id),
        "document_id": str(source.document_id),
        "score": source.score,
        "similarity": source.similarity,
        "is_in_prompt": source in kept,
    }


def _digest(messages: Sequence[ChatMessage]) -> str:
    """Names the prompt in traces: two turns with one digest were asked the very same."""
    digest = hashlib.sha256()
    for message in messages:
        digest.update(f"{message.role}\x00{message.content}\x00".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
