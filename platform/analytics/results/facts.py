"""What may be said of a result: exact sums, extremes, shares and changes, for those who say and those who check."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import reduce

from analytics.results.formats import EXACT
from analytics.results.shapes import Field


def total(field: Field) -> Decimal:
    return reduce(EXACT.add, field.known, Decimal(0))


def mean(field: Field) -> Fraction:
    return Fraction(total(field)) / len(field.known)


def share(part: Decimal, whole: Decimal) -> Fraction:
    """In percent."""
    return Fraction(part) * 100 / Fraction(whole)


def change(before: Decimal, after: Decimal) -> Fraction:
    """In percent of what was before."""
    return (Fraction(after) - Fraction(before)) * 100 / Fraction(before.copy_abs())


def has_shares(field: Field) -> bool:
    """Whether its numbers are parts of their sum."""
    return field.is_additive and total(field) > 0 and all(number >= 0 for number in field.known)


def to_places(number: Fraction | Decimal, places: int, *, half_up: bool = False) -> Decimal:
    """Rounded, half to even unless told otherwise. Negative places round before the point."""
    scaled = Fraction(number) * Fraction(10) ** places
    whole = _half_up(scaled) if half_up else round(scaled)
    return Decimal(whole).scaleb(-places, EXACT)


def _half_up(number: Fraction) -> int:
    sign = -1 if number < 0 else 1
    return sign * int(abs(number) + Fraction(1, 2))


def extremes(numbers: Iterable[Decimal]) -> tuple[Decimal, Decimal]:
    """The largest and the smallest."""
    numbers = list(numbers)
    return max(numbers), min(numbers)
