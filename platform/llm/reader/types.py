"""What the reader is given and what it answers: plain values, no Django, no database."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # (dimension,), L2-normalised
Matrix = NDArray[np.float32]  # (n, dimension), rows L2-normalised

EmbedQuery = Callable[[str], Vector]
EmbedPassages = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True)
class Passage:
    """One search result. `n` is the number its citation mark carries, `[n]`."""

    n: int
    title: str  # of the document
    heading: str  # path within the document, "" if none
    text: str
    score: float | None  # cosine with the question by the vector search; None when only words found it
    answer: str = ""  # where it was computed for this very question: the sentence that answers it


@dataclass(frozen=True, slots=True)
class Example:
    """One authored exchange: what a person might say, and the persona's line in return."""

    user: str
    say: str


@dataclass(frozen=True, slots=True)
class ReaderTask:
    """All that one turn may draw on. Passages come best first, as the search ranked them."""

    question: str
    history: Sequence[str] = ()  # what the person said before, oldest first
    passages: Sequence[Passage] = ()
    examples: Sequence[Example] = ()
    refusal: str = ""  # the persona's own words for "not in my documents"; "" takes ours
    language: str = ""  # "zh" or "en" when the surface knows it; "" is told from the question
    names: Sequence[str] = ()  # of the persona and its tenant: they tell nothing when a question says them
    said: Sequence[str] = ()  # the persona's own earlier lines, oldest first, so that it need not repeat itself
    has_documents: bool = False  # the persona reads documents: without an answer in them it declines


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """The answer, made only of authored words and quotations."""

    text: str
    cited: tuple[int, ...] = ()  # the `n` of each passage quoted, in the order of their marks
    declined: bool = False  # the documents do not answer: the surface should offer a person
    confidence: float = 0.0  # 0..1, the calibrated probability that the quotation answers
    trace: dict[str, Any] = field(default_factory=dict)  # JSON-able: why this answer
