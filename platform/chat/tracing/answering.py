"""One question answered outside of any conversation: nothing is stored but what it cost."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.grounding.answers import Grounded, ground
from chat.grounding.claiming import declines
from chat.handover.calling import words_of_call
from chat.history import past_messages
from chat.knobs import add_call, reason_of
from chat.models import Conversation, Message, Turn
from chat.preparing import Loaded, Prepared, load, prepare
from chat.rendering import render_answer
from chat.settling import Outcome
from chat.spending import give_back
from llm.types import Finished, TextDelta, ToolCallDelta, Usage
from personas.context import Said
from tenants.errors import PlatformError
from tenants.looping import run_in_loop
from tenants.scope import tenant_scope

# What is asked: a turn and a message that are not in the database, and what was said before.
Question = tuple[Turn, Message, tuple[Said, ...]]
REMEMBERED_MESSAGES = 200


@dataclass
class Tried:
    """What a question was answered. `error` is set if it was not, or not to the end."""

    outcome: Outcome
    found: Grounded = field(default_factory=Grounded)
    declined: bool = False
    # Why the model called a person, if it did.
    called: str | None = None
    currency: str = ""

    @property
    def error(self) -> PlatformError | None:
        return self.outcome.error

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, in the shape of a completed turn, with its trace."""
        outcome = self.outcome
        return {
            "text": outcome.text,
            "html": render_answer(outcome.text),
            "citations": outcome.citations,
            "claims": self.found.claims,
            "suggestions": self.found.suggestions,
            "finish_reason": outcome.finish_reason,
            "declined": self.declined,
            "persona_version": outcome.persona_version,
            "usage": {
                "input_tokens": outcome.input_tokens,
                "output_tokens": outcome.output_tokens,
                "cached_tokens": outcome.cached_tokens,
                "cost": float(outcome.cost),
                "currency": self.currency,
            },
            "timing": {"first_token_ms": outcome.first_token_ms, "total_ms": outcome.total_ms},
            "trace": outcome.trace,
        }


def asked_again(conversation: Conversation, question: Message, variables: dict[str, str] | None = None) -> Question:
    """A message of the conversation as if it were said now. In the tenant's scope."""
    remembered = past_messages(conversation, before_seq=question.seq, limit=REMEMBERED_MESSAGES)
    history = tuple(Said(role=role, text=text) for role, text in remembered)  # type: ignore[arg-type]
    turn = Turn(tenant_id=conversation.tenant_id, conversation=conversation, variables=variables or {})
    asked = Message(tenant_id=turn.tenant_id, text=question.text, role=Message.Role.USER, seq=question.seq)
    return turn, asked, history


def try_question(tenant_id: UUID, ask: Callable[[], Question]) -> Tried:
    """Answer what `ask` gives inside the tenant's scope. Metered, within the budgets; the caller is in no scope.

    Raises PlatformError where the model could not even be asked: a budget that is spent, a prompt that is too long.
    """
    with tenant_scope(tenant_id):
        turn, question, history = ask()
        loaded = load(turn, question, history)
    try:
        prepared = run_in_loop(prepare(turn, question, history, loaded))
    except BaseException:
        with tenant_scope(tenant_id):
            give_back(turn)
        raise
    return _tried(tenant_id, prepared, loaded)


def _tried(tenant_id: UUID, prepared: Prepared, loaded: Loaded) -> Tried:
    tried, usage = run_in_loop(_stream(prepared))
    with tenant_scope(tenant_id):
        prepared.meter(usage, tried.outcome)
    tried.currency = prepared.route.currency
    return tried


async def _stream(prepared: Prepared) -> tuple[Tried, Usage]:
    began = time.monotonic()
    outcome, usage = Outcome(persona_version=prepared.persona_version), Usage(0, 0, is_estimate=True)
    pieces: list[str] = []
    cited: tuple[int, ...] = ()
    calls: dict[int, dict[str, Any]] = {}
    declined = False
    try:
        async with contextlib.aclosing(prepared.call.stream()) as stream:
            async for item in stream:
                if isinstance(item, TextDelta):
                    if outcome.first_token_ms is None:
                        outcome.first_token_ms = _since(began)
                    pieces.append(prepared.parser.feed(item.text))
                elif isinstance(item, ToolCallDelta):
                    add_call(calls, item)
                elif isinstance(item, Finished):
                    usage, outcome.finish_reason, declined = item.usage, reason_of(item), item.declined
                    cited = item.cited or ()
    except PlatformError as error:
        outcome.error = error
    reply = prepared.parser.finish(cited)
    outcome.text, called = "".join([*pieces, reply.tail]), prepared.why_called(calls)
    is_ours = called is not None and not outcome.text.strip()
    if is_ours:
        outcome.text = words_of_call(prepared.handoff, prepared.turn.context.question, timezone.now())
    outcome.citations = [source.as_citation() for source in reply.citations]
    outcome.total_ms = _since(began)
    if usage.is_estimate and not usage.output_tokens:
        usage = prepared.estimate(outcome.text)
    outcome.input_tokens, outcome.output_tokens = usage.input_tokens, usage.output_tokens
    outcome.cached_tokens, outcome.cost = usage.cached_tokens, prepared.cost(usage)
    outcome.trace = prepared.trace_of(outcome.error)
    numbers = tuple(source.n for source in reply.citations)
    is_judged = outcome.error is None and not is_ours
    found = await ground(prepared.turn, outcome.text, numbers) if is_judged else Grounded()
    return Tried(outcome, found, declined or declines(outcome.text), called), usage


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
