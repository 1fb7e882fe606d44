"""How well words match (BM25), and how the two sides of a search become one order. Pure functions.

Both sides are measured absolutely, not by rank: words by the share of the question they cover, vectors by
cosine. A question in another language covers next to nothing, so that the vectors decide by themselves; a
model code that stands in one passage covers much, and wins. docs/adr/0010-fuse-by-evidence.md has the
figures.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from statistics import pstdev
from typing import Generic, TypeVar

from knowledge.words import Word

Key = TypeVar("Key", bound=Hashable)

# Robertson & Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), usual values.
SATURATION = 1.2
LENGTH_NORMALISATION = 0.75

# A long word and the shorter ones inside it say nearly the same: the strongest counts, the others a little.
SHARE_OF_PARTS = 0.3

# How much cosine a wholly covered question is worth, in spreads of the cosines (standard deviation among the
# nearest 50), for models whose spread is not known.
SPREADS_PER_COVERAGE = 12.0
NEAREST_FOR_SPREAD = 50


@dataclass(frozen=True, slots=True)
class WordStatistics:
    """What the chunks of all searched bases look like together."""

    chunks: int
    average_length: float  # words per chunk
    frequencies: Mapping[str, int] = field(default_factory=dict)  # in how many chunks a word stands

    def rarity(self, word: str) -> float:
        """Inverse document frequency, never below zero."""
        holding = min(self.frequencies.get(word, 0), self.chunks)
        return math.log(1 + (self.chunks - holding + 0.5) / (holding + 0.5))


@dataclass(frozen=True, slots=True)
class CountedChunk(Generic[Key]):
    """How often each of the question's words stands in a chunk."""

    key: Key
    counts: Mapping[str, int]
    length: int  # in words


@dataclass(frozen=True, slots=True)
class Fused(Generic[Key]):
    """One result of both sides. Ranks count from 1; None where that side did not find it."""

    key: Key
    score: float  # on the scale of cosines
    vector_rank: int | None
    keyword_rank: int | None
    similarity: float | None
    coverage: float | None


def score_words(
    question: Sequence[Word], chunks: Iterable[CountedChunk[Key]], statistics: WordStatistics
) -> dict[Key, float]:
    """The share of the question's weight that each chunk covers (BM25 over the best BM25 possible), 0 to 1.

    Words at one position of the question are one thing said in several spellings. Chunks without any of the
    words are left out.
    """
    things = [[word.text for word in group] for _, group in groupby(question, key=attrgetter("position"))]
    rarities = {word.text: statistics.rarity(word.text) for word in question}
    best_possible = (1 + SATURATION) * sum(_blend([rarities[word] for word in thing]) for thing in things)
    scores = {}
    for chunk in chunks:
        dampening = SATURATION * (
            1 - LENGTH_NORMALISATION + LENGTH_NORMALISATION * chunk.length / max(statistics.average_length, 1.0)
        )
        weights = {
            word: rarities[word] * count * (1 + SATURATION) / (count + dampening)
            for word, count in chunk.counts.items()
            if count and word in rarities
        }
        if weights:
            total = sum(_blend([weights.get(word, 0.0) for word in thing]) for thing in things)
            scores[chunk.key] = min(1.0, total / best_possible)
    return scores


def _blend(weights: Sequence[float]) -> float:
    strongest = max(weights)
    return strongest + SHARE_OF_PARTS * (sum(weights) - strongest)


def fuse(
    similarities: Mapping[Key, float],
    coverages: Mapping[Key, float],
    cosine_per_coverage: float | None = None,
) -> list[Fused[Key]]:
    """Both sides' finds in one order, best first.

    `similarities` are cosines of the nearest chunks, `coverages` the scores of `score_words`.
    `cosine_per_coverage` belongs to the embedding model; without it, it is estimated from these similarities.
    A chunk that the vectors did not bring counts as being as far as the farthest they brought.
    """
    by_vector, by_words = _ranks(similarities), _ranks(coverages)
    if cosine_per_coverage is None:
        cosine_per_coverage = estimate_cosine_per_coverage(list(similarities.values()))
    farthest = min(similarities.values(), default=0.0)
    found = [
        Fused(
            key=key,
            score=similarities.get(key, farthest) + cosine_per_coverage * coverages.get(key, 0.0),
            vector_rank=by_vector.get(key),
            keyword_rank=by_words.get(key),
            similarity=similarities.get(key),
            coverage=coverages.get(key),
        )
        for key in by_vector | by_words
    ]
    return sorted(found, key=lambda result: -result.score)


def estimate_cosine_per_coverage(similarities: Sequence[float]) -> float:
    """A guess from one question's own nearest chunks, for models that were not measured."""
    nearest = sorted(similarities, reverse=True)[:NEAREST_FOR_SPREAD]
    spread = pstdev(nearest) if len(nearest) > 1 else 0.0
    # A handful of equal chunks has no spread; words must still be able to tell them apart.
    return max(SPREADS_PER_COVERAGE * spread, 0.01)


def _ranks(scores: Mapping[Key, float]) -> dict[Key, int]:
    ordered = sorted(scores, key=lambda key: -scores[key])
    return {key: rank for rank, key in enumerate(ordered, start=1)}
