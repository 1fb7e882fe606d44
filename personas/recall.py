from collections.abc import Sequence

from personas.turns import Found, TurnPlan


def search_for(plan: TurnPlan) -> Sequence[Found]:
    return []
