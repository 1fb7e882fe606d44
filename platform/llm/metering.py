"""Every model call leaves a row: who asked, what was used, what it cost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from llm.budgets import Account, release, settle
from llm.fallback import Miss
from llm.models import ModelCall
from llm.routes import tariff_of
from llm.types import RouteConfig, Usage
from tenants.statements import Write, insertion, write, write_together


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose account a call goes. What is not known stays empty."""

    persona_id: UUID | None = None
    api_key_id: UUID | None = None
    conversation_id: UUID | None = None
    turn_id: UUID | None = None
    end_user: str = ""

    def account(self, tenant_id: UUID) -> Account:
        """Whose budgets it goes on."""
        return Account(tenant_id, self.persona_id, self.api_key_id)


def record_call(
    *,
    route: RouteConfig,
    usage: Usage,
    duration_ms: int,
    payer: Payer,
    operation: str = ModelCall.Operation.CHAT,
    model: str = "",
    first_token_ms: int | None = None,
    outcome: str = ModelCall.Outcome.OK,
    error_code: str = "",
    is_reserved: bool = False,
) -> ModelCall:
    """Write the row of one call, in the current tenant's scope. `model` empty means the route's own.

    It is charged to the budgets of who pays, unless something was reserved for it, which is then settled by whoever
    did so, who also calls `write_calls`.
    """
    own_model = route.embedding_name if operation == ModelCall.Operation.EMBED else route.chat_name
    tariff = tariff_of(route, model or own_model)
    call = ModelCall(
        operation=operation,
        route=route.slug,
        model=(model or own_model)[:200],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        is_estimate=usage.is_estimate,
        cost=tariff.cost(usage.input_tokens, usage.output_tokens, usage.cached_tokens),
        currency=tariff.currency,
        duration_ms=duration_ms,
        first_token_ms=first_token_ms,
        outcome=outcome,
        error_code=error_code,
        persona_id=payer.persona_id,
        api_key_id=payer.api_key_id,
        conversation_id=payer.conversation_id,
        turn_id=payer.turn_id,
        end_user=payer.end_user[:200],
    )
    if is_reserved:
        return call
    write(insertion(call))
    if call.cost:
        settle(call.pk, payer.account(call.tenant_id), {call.currency: call.cost})
    return call


def write_calls(calls: Sequence[ModelCall], *, write: Callable[..., None] = write_together) -> None:
    """Write the rows of calls for which something was reserved. `write` is given them, for who writes more."""
    write(*map(Write, map(insertion, calls)))


def record_misses(misses: Iterable[Miss], payer: Payer) -> list[ModelCall]:
    """A row for each route that was called in vain before another one answered: it cost what it counted.

    To write them, and to settle what that was, is left to whoever settles the turn.
    """
    return [
        record_call(
            route=miss.route,
            usage=miss.usage,
            duration_ms=miss.took_ms,
            payer=payer,
            model=miss.model,
            outcome=ModelCall.Outcome.FAILED,
            error_code=miss.error.code,
            is_reserved=True,
        )
        for miss in misses
        if miss.route is not None and miss.was_called
    ]


def settle_calls(reference: UUID, calls: Sequence[ModelCall], tenant_id: UUID, payer: Payer) -> None:
    """Settle what was reserved under a reference at what these calls cost together."""
    costs: dict[str, Decimal] = {}
    for call in calls:
        costs[call.currency] = costs.get(call.currency, Decimal(0)) + call.cost
    if costs:
        settle(reference, payer.account(tenant_id), costs)
    else:
        release(reference, payer.account(tenant_id))
