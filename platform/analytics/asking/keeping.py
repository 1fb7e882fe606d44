"""The result of a question as it is kept: bounded, in JSON, with chart and summary."""

from collections.abc import Sequence
from typing import Any

import orjson

from analytics.results import chart_for, summarise, to_rows
from analytics.running import Result
from personas.context import Language

MAX_ROWS = 10_000
MAX_BYTES = 5_000_000


def kept_result(question: str, result: Result, language: Language) -> dict[str, Any]:
    """The fields of a question that its result fills."""
    rows, is_whole = within_bounds(to_rows(result.rows[:MAX_ROWS]))
    truncated = result.truncated or not is_whole or len(result.rows) > MAX_ROWS
    return {
        "columns": [{"name": column.name, "type": column.type} for column in result.columns],
        "rows": rows,
        "truncated": truncated,
        "chart": chart_for(result.columns, rows, language, question=question),
        "summary": summarise(question, result.columns, rows, truncated=truncated, language=language),
        "plan_cost": result.plan.cost,
    }


def within_bounds(rows: Sequence[list[Any]]) -> tuple[list[list[Any]], bool]:
    """As many of the rows as may be kept, and whether these are all."""
    kept, left = list[list[Any]](), MAX_BYTES
    for row in rows:
        left -= len(orjson.dumps(row)) + 1
        if left < 0:
            return kept, False
        kept.append(row)
    return kept, True
