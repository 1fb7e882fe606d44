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


def to_places(number: Fraction | Decimal, places: int) -> Decimal:
    """Rounded, a half away from zero as PostgreSQL does. Negative places round before the point."""
    scaled = Fraction(number) * Fraction(10) ** places
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(-whole if scaled < 0 else whole).scaleb(-places, EXACT)


def extremes(numbers: Iterable[Decimal]) -> tuple[Decimal, Decimal]:
    """The largest and the smallest."""
    numbers = list(numbers)
    return max(numbers), min(numbers)
