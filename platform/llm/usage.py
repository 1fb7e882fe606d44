"""What was used in a span of time, by whom and at what cost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, NullIf, TruncDate

from llm.models import ModelCall

# By what calls can be grouped, as SQL. Empty becomes null: "nobody in particular".
GROUPINGS: Mapping[str, Any] = {
    "persona": F("persona_id"),
    "key": F("api_key_id"),
    "model": F("model"),
    "day": TruncDate("at"),
    "end_user": NullIf(F("end_user"), Value("")),
}
# A tenant may have a million end users: the report names those who used most.
MAX_GROUPS = 1000


def usage_by(grouping: str, *, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Tokens, cost, calls and turns of the current tenant's groups, at most `MAX_GROUPS` of them.

    Days come in order, anything else by what it used. A group that paid in two currencies has two rows, for
    their sum would mean nothing.
    """
    group = Cast(GROUPINGS[grouping], CharField())
    rows = ModelCall.objects.between(start, end).annotate(group=group).values("group", "currency").with_totals()
    order = ["group"] if grouping == "day" else [F("input_tokens").desc(), "group"]
    return list(rows.order_by(*order)[:MAX_GROUPS])
