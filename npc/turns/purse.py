"""What a play's models may cost: reserved before they are asked, settled after; world and budgets both bound it."""

from decimal import Decimal
from uuid import UUID

from llm.budgets import Account, reserve
from llm.openai_chat import estimated_usage
from llm.routes import cost_of, tariff_of
from llm.types import ChatRequest, RouteConfig, Usage
from npc.models import GameSession
from npc.worlds.document import Purse

NOWHERE = ""


def dearest(request: ChatRequest, route: RouteConfig) -> Decimal:
    """What a call may cost at most, by our own count of its prompt."""
    if tariff_of(route).is_free:
        return Decimal(0)
    prompt = estimated_usage(request.messages, "").input_tokens
    return cost_of(Usage(prompt, request.max_output_tokens or 0), route)


def left_in(purse: Purse, session: GameSession, scene: str | None) -> Decimal | None:
    """What may still be spent here; None is no limit. `session` is held by this transaction."""
    spent = {where: Decimal(str(cost)) for where, cost in session.spent.items()}
    limits = [
        (purse.session, sum(spent.values(), Decimal(0))),
        (purse.scene, spent.get(scene or NOWHERE, Decimal(0))),
    ]
    left = [Decimal(str(limit)) - gone for limit, gone in limits if limit is not None]
    return max(Decimal(0), min(left)) if left else None


def spend(purse: Purse, session: GameSession, scene: str | None, cost: Decimal) -> None:
    """Reserve a cost, or settle one by the difference. `session` is held by this transaction."""
    if purse != Purse() and cost:
        where = scene or NOWHERE
        session.spent = {**session.spent, where: str(Decimal(str(session.spent.get(where, 0))) + cost)}
        session.save(update_fields=["spent"])


def has_budget_for(turn_id: UUID, account: Account, route: RouteConfig, cost: Decimal) -> bool:
    """Reserve a turn's cost on the tenant's budgets; whether they have it. What costs nothing is not asked for."""
    if not cost:
        return True
    standings = reserve(turn_id, account, cost, tariff_of(route).currency)
    return all(standing.has(cost) for standing in standings)
