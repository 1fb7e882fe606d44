"""What speaks for a sentence as the answer: the words of the question it covers, and how near its passage is.

No vector is computed here: the search has already compared the question with every passage, and within a
passage the words tell the sentences apart better than the small embedding model does (on the demo's tune
questions, sentence vectors added nothing to telling answers from near-answers).
"""

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from llm.reader.expected import Expected, expected, holds
from llm.reader.quoting import is_row, quotables
from llm.reader.spelling import HAN, fold, is_chinese
from llm.reader.types import Passage, ReaderTask
from llm.reader.words import Bag, Unit, bag, units

# How much of a word's weight counts when the sentence lacks it but what stands around it has it.
IN_HEADING, IN_TITLE, IN_PASSAGE = 0.75, 0.2, 0.2
# Beside the share of the question that a sentence covers (0 to 1):
FOR_FORM = 0.2  # it has the price, time or number that is asked for
FOR_NEARNESS = 0.25  # per `COSINE_SPREAD` that its passage is nearer than the others
# Cosines of the bundled model, as the search gives them: how far passages lie from each other, and where
# answerable and other questions meet. What another model gives counts for no more than `MOST_NEARNESS`.
COSINE_SPREAD = 0.05
COSINE_MIDDLE = 0.11
MOST_NEARNESS = 3.0
SENTENCES = 80  # as many at least, so that few passages do not make every word look common
UNIQUE = math.log((SENTENCES + 1) / 0.5)  # the weight of a word that no sentence has
SHORT_FOLLOW_UP = 1.0  # a question of this weight or less cannot stand alone
BORROWED = 0.5  # what a follow-up takes over from the question before it counts half


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence or row that might be the answer."""

    passage: Passage
    text: str
    covers: tuple[float, ...]  # 0..1 for each unit of the question
    coverage: float  # 0..1, weighted
    score: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decision to answer rests on; each about -2 to 3, so that weights can be compared."""

    score: float  # of the sentence: the share of the question that it covers, and how near its passage is
    covered: float  # how much its passage speaks of what is asked, in words as telling as can be
    nearness: float  # of the nearest passage, in spreads above the middle
    crosses: float  # 1 if it is in another language than the question, where only concepts can be in common
    row_lacks: float  # what a table's row leaves uncovered, 0 to 1: its thing is known, what is asked of it is not


@dataclass(frozen=True)
class Inquiry:
    """A question held against all passages that the search brought."""

    task: ReaderTask

    @cached_property
    def units(self) -> list[Unit]:
        """What is asked about. A follow-up too short to stand alone borrows from the question before it."""
        question = self._without_names(self.task.question)
        asked = units(question)
        if not self.task.history or not _leans_on_history(question, asked):
            return asked
        known = {unit.text for unit in asked}
        earlier = units(self._without_names(self.task.history[-1]))
        borrowed = (replace(unit, weight=BORROWED * unit.weight) for unit in earlier if unit.text not in known)
        return [*asked, *borrowed]

    @cached_property
    def form(self) -> Expected:
        return expected(fold(self.task.question))

    @cached_property
    def candidates(self) -> list[Candidate]:
        """All sentences and rows, the likeliest answer first."""
        found = [self._candidate(passage, text) for passage in self.task.passages for text in quotables(passage.text)]
        return sorted(found, key=lambda candidate: -candidate.score)

    def evidence(self, candidate: Candidate) -> Evidence:
        passage = candidate.passage
        places = [bag(passage.heading), bag(passage.title), bag(passage.text)]
        found = (any(_speaks_of(place, unit) for place in places) for unit in self.units)
        nearest = max(self._cosine(passage) for passage in self.task.passages)
        return Evidence(
            score=candidate.score,
            covered=sum(weight for weight, is_found in zip(self._weights, found, strict=True) if is_found) / UNIQUE,
            nearness=max(-MOST_NEARNESS, min(MOST_NEARNESS, (nearest - COSINE_MIDDLE) / COSINE_SPREAD)),
            crosses=float(is_chinese(candidate.text) != is_chinese(self.task.question)),
            row_lacks=1 - candidate.coverage if is_row(candidate.text) else 0.0,
        )

    def _candidate(self, passage: Passage, text: str) -> Candidate:
        own = bag(text)
        places = (
            (own, 1.0),
            (bag(passage.heading), IN_HEADING),
            (bag(passage.title), IN_TITLE),
            (bag(passage.text), IN_PASSAGE),
        )
        covers = tuple(
            max((share for place, share in places if _speaks_of(place, unit)), default=0.0) for unit in self.units
        )
        coverage = sum(w * c for w, c in zip(self._weights, covers, strict=True)) / (sum(self._weights) or 1.0)
        has_form = holds(self.form, own.text)
        nearness = (self._cosine(passage) - self._background) / COSINE_SPREAD
        bonus = FOR_FORM if has_form and self.form is not Expected.ANYTHING else 0.0
        score = coverage + bonus + FOR_NEARNESS * nearness
        return Candidate(passage, text, covers, coverage, score)

    @cached_property
    def _found_in(self) -> list[int]:
        """In how many sentences each unit is found."""
        sentences = [bag(text) for passage in self.task.passages for text in quotables(passage.text)]
        return [sum(_speaks_of(sentence, unit) for sentence in sentences) for unit in self.units]

    @cached_property
    def _weights(self) -> list[float]:
        """How much each unit tells: the rarer among the sentences, the more."""
        sentences = max(SENTENCES, sum(len(quotables(passage.text)) for passage in self.task.passages))
        return [
            unit.weight * math.log((sentences + 1) / (found + 0.5))
            for unit, found in zip(self.units, self._found_in, strict=True)
        ]

    @cached_property
    def _background(self) -> float:
        """The middle nearness of what the search brought."""
        return statistics.median(self._cosine(passage) for passage in self.task.passages)

    def _cosine(self, passage: Passage) -> float:
        """What only words found is as far as the farthest of the others."""
        return self._farthest if passage.score is None else passage.score

    @cached_property
    def _farthest(self) -> float:
        known = [passage.score for passage in self.task.passages if passage.score is not None]
        return min(known, default=COSINE_MIDDLE - COSINE_SPREAD / 2)

    def _without_names(self, question: str) -> str:
        """The question without the names of the house, said out of politeness and in no document."""
        for name in self.task.names:
            for part in re.findall(f"[{HAN}]{{2,}}|[^{HAN}]{{2,}}", fold(name)):
                question = re.sub(re.escape(part.strip()), " ", question, flags=re.IGNORECASE)
        return question


def _speaks_of(where: Bag, unit: Unit) -> bool:
    """By the word itself or by a concept, which counts no less: only so can two languages meet."""
    is_there = unit.text in where.words or (not unit.text.isascii() and unit.text in where.text)
    return is_there or not unit.concepts.isdisjoint(where.concepts)


def _leans_on_history(question: str, asked: Sequence[Unit]) -> bool:
    """ "And to Hong Kong?", 那香港呢？: begins as a follow-up, or has next to nothing of its own."""
    follows = re.match(r"\s*(?:那|还有|and\b|what about|how about|but\b|also\b)", question, re.IGNORECASE)
    return follows is not None or sum(unit.weight for unit in asked) <= SHORT_FOLLOW_UP
