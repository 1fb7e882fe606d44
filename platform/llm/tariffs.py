"""Prices as plain values, and which of them holds for a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

MILLION = 1_000_000
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices of a million tokens of a model. `rank`: of two that fit, the higher one holds."""

    model: str
    input: Decimal
    cached: Decimal
    output: Decimal
    currency: str
    valid_from: datetime = ALWAYS
    route: str = ""  # of the only route on which it holds; empty: on all
    rank: int = 0

    @property
    def is_free(self) -> bool:
        return not (self.input or self.cached or self.output)

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Decimal:
        """Cached tokens are part of the input, and are paid at their own price."""
        fresh = input_tokens - cached_tokens
        return (fresh * self.input + cached_tokens * self.cached + output_tokens * self.output) / MILLION


def tariff_at(tariffs: Sequence[Tariff], model: str, at: datetime) -> Tariff | None:
    """The one that holds for a model at a moment. None where no list knows it."""
    fitting = [one for one in tariffs if one.model == model and one.valid_from <= at]
    return max(fitting, key=lambda one: (one.rank, one.valid_from), default=None)
