"""What a question may spend on a model: refused where a budget is spent, else reserved before each prompt."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from analytics.asking.asked import in_full
from analytics.asking.writing import MAX_OUTPUT_TOKENS
from analytics.catalogues import kept_catalogue
from analytics.meaning import has_pair_for
from analytics.models import Dataset, Question
from llm.budgets import Account, BudgetExhausted, Spending, last_words, spend_on, standings_of
from llm.openai_chat import estimated_usage
from llm.routes import Routes, cost_of, resolve_route, tariff_of
from llm.types import ChatMessage, RouteConfig, Usage
from personas.context import Language
from personas.language import is_chinese

# What stands for a prompt that is not written yet, to see whether a route costs anything.
SOME = Usage(1000, 1000)


def refuse_without_money(dataset: Dataset, account: Account, question: str, history: Sequence[Question]) -> None:
    """Raise BudgetExhausted for a question that needs a model where a budget is spent. In the tenant's scope.

    Verified questions are answered all the same. What a budget with a little money left allows, the worker finds out.
    """
    route = resolve_route(account.tenant_id)
    if route.is_reader or not cost_of(SOME, route):
        return
    currency = tariff_of(route).currency
    spent = [each for each in standings_of(account) if each.currency == currency and each.percent >= 100]
    if not spent or any(each.cheaper_route for each in spent):
        return
    if not has_pair_for(dataset, kept_catalogue(dataset), in_full(question, history)):
        raise BudgetExhausted(last_words(spent, "zh" if is_chinese(question) else "en"))


def spend(
    reference: UUID,
    account: Account,
    route: RouteConfig,
    messages: Sequence[ChatMessage],
    *,
    count: int,
    language: Language,
) -> Spending:
    """Reserve what `count` replies to a prompt may cost at most, on the route or the cheaper one of the budget.

    In the tenant's scope. Raises BudgetExhausted.
    """
    usage = Usage(estimated_usage(messages, "").input_tokens * count, MAX_OUTPUT_TOKENS * count)

    def dearest(route: RouteConfig) -> tuple[Decimal, str]:
        return cost_of(usage, route), tariff_of(route).currency

    return spend_on(reference, account, Routes((route,)), dearest=dearest, has_documents=False, language=language)
