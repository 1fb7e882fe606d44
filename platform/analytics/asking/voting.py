"""Which of several answers is taken: the one whose result most of them have. Pure."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

Answer = TypeVar("Answer")


def elected(answers: Sequence[tuple[Answer, Sequence[Sequence[Any]]]]) -> Answer:
    """The first of the largest group of answers with the same rows, in whatever order and under whatever names.

    An empty result wins only where all are empty: a wrong filter finds nothing more often than a right one.
    """
    results = [same_rows(rows) for _answer, rows in answers]
    votes = Counter(results)
    best = max(range(len(answers)), key=lambda number: (bool(results[number]), votes[results[number]], -number))
    return answers[best][0]


def same_rows(rows: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """A value that is equal for results which say the same: neither the order of rows nor that of columns counts."""
    return tuple(sorted(tuple(sorted(_plain(cell) for cell in row)) for row in rows))


def _plain(cell: Any) -> str:
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return f"{float(cell):.9g}"
    return str(cell)
