"""What a turn may spend: reserved when it is loaded, settled with its answer."""

from decimal import Decimal
from uuid import UUID

from chat.knobs import extra_tokens
from chat.models import Turn
from chat.posting import KEY, KNOBS
from llm.budgets import Account, Rung, Spending, release, spend_on
from llm.routes import Routes, cost_of, tariff_of
from llm.types import RouteConfig, Usage
from personas.language import is_chinese
from personas.turns import CONTEXT_BUDGET_TOKENS, TurnPlan


def spending_of(turn: Turn, plan: TurnPlan, routes: Routes) -> Spending:
    """Reserve what the turn may cost at most, on the routes that its budgets still allow. Raises BudgetExhausted.

    Nothing is asked where the lock on the conversation told that its tenant has no budgets.
    """
    if not _has_budget(turn):
        return Spending(Rung.NORMAL, routes)
    settings = plan.persona.settings
    knobs = turn.trace.get(KNOBS, {})
    most = min(settings.max_output_tokens, knobs.get("max_output_tokens") or 2**31)
    usage = Usage(CONTEXT_BUDGET_TOKENS + extra_tokens(knobs), most)

    def dearest(route: RouteConfig) -> tuple[Decimal, str]:
        model = settings.model if route is routes.own else ""
        return cost_of(usage, route, model), tariff_of(route, model).currency

    return spend_on(
        turn.pk,
        Account(turn.tenant_id, turn.conversation.persona_id, key_of(turn)),
        routes,
        dearest=dearest,
        has_documents=bool(plan.base_ids),
        language="zh" if is_chinese(plan.context.question) else "en",
    )


def key_of(turn: Turn) -> UUID | None:
    """The key whose turn it is."""
    key = turn.trace.get(KEY)
    return UUID(key) if key else None


def give_back(turn: Turn) -> None:
    """Release what was reserved for a turn that never asked a model."""
    if _has_budget(turn):
        release(turn.pk, Account(turn.tenant_id))


def _has_budget(turn: Turn) -> bool:
    return getattr(turn.conversation, "has_budget", True)
