"""Which tables, columns and values a question is about: by words, by vectors, and by values that it names."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from analytics.catalogue import Catalogue, Column, Table
from analytics.meaning.terms import Term, says_little, terms_of
from llm.types import Matrix, Vector

# What a word of the question counts where it is found, before it is weighed by how few tables have it.
IN_NAME, IN_COLUMN, IN_VALUE, IN_NOTE = 1.0, 0.6, 0.5, 0.3
# A name of three words of which the question says one is less likely meant than a name of that word alone.
LEAST_COVERAGE = 0.5
# A table's part by its vector, in words of full weight for each spread above the mean of all tables.
BY_VECTOR = 0.35
MOST_SPREADS = 3.0
SAME = 1e-6
# What a table between two good ones gets of the weaker one's score: many-to-many needs it, no question names it.
BETWEEN = 0.6
BESIDE = 0.15
MOST_COLUMNS = 40
# Two readings are asked about if the weaker one is as good as this, of the better one.
NEAR_EQUAL = 0.85
EVEN = 0.1
FEW_TABLES = 5
# Words that know no more than this part of a question need not have understood it.
KNOWN_ENOUGH = 0.5
# A table with less than this part of the best one's score is not what the question is about.
WORTH_ASKING = 0.6


class Found(NamedTuple):
    """A value of the data that the question says."""

    table: str
    column: str
    value: str
    score: float  # 1 for the whole value, less for a part of it
    said: str  # as the question says it, folded


@dataclass(frozen=True, slots=True)
class Reading:
    """Words that may mean two things which are not the same: each choice is (table, column), the likelier first."""

    said: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """Best first. Scores are to be compared with each other only."""

    tables: tuple[tuple[Table, float], ...]
    columns: tuple[tuple[Table, Column, float], ...]
    values: tuple[Found, ...]
    readings: tuple[Reading, ...] = ()
    share_known: float = 1.0  # of the words that tell what it is about: to tables or values

    @property
    def is_settled(self) -> bool:
        """Whether words and values say enough. Few tables are all shown to a model, in whatever order."""
        return not self.readings and (len(self.tables) <= FEW_TABLES or self.share_known > KNOWN_ENOUGH)


@dataclass(frozen=True)
class Card:
    """A table as it is compared with questions."""

    table: Table
    names: tuple[tuple[Term, ...], ...]  # each name, label or synonym in its terms
    columns: tuple[tuple[tuple[Term, ...], ...], ...]  # of each column, alike
    samples: tuple[Term, ...]
    notes: tuple[Term, ...]

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        columns = (term for names in self.columns for name in names for term in name)
        names = (term for name in self.names for term in name)
        return (*names, *columns, *self.samples, *self.notes)

    @cached_property
    def keys(self) -> frozenset[str]:
        return frozenset[str]().union(*(term.keys for term in self.terms))

    def met_by(self, asked: Sequence[Term]) -> list[Term]:
        """The words of a question that say anything of this table at all."""
        return [term for term in asked if not self.keys.isdisjoint(term.keys)]


def text_of(table: Table) -> str:
    """What is embedded of a table."""
    columns = ", ".join(dict.fromkeys(column.label or column.name.replace("_", " ") for column in table.columns))
    names = dict.fromkeys((table.label, table.name.replace("_", " "), *table.synonyms))
    return f"{' '.join(name for name in names if name)}. {table.description} {columns}"[:1500]


def centred(vectors: Matrix) -> Matrix:
    """Rows without what they have in common, so that what tells tables apart decides; normalised again."""
    apart = vectors - vectors.mean(axis=0)
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    rows: Matrix = apart / np.maximum(lengths, SAME)
    return rows


@dataclass(frozen=True, slots=True)
class Vectors:
    """The question's, `(d,)`, and those of a catalogue's tables in their order, `(n, d)`, `centred`."""

    question: Vector
    tables: Matrix


def link_by(
    catalogue: Catalogue, question: str, *, values: Sequence[Found], vectors: Callable[[], Vectors | None] | None = None
) -> Linked:
    """The pure part of linking. `vectors`, most of what a question costs, are asked for only where words leave it open.

    Of 100 questions about 60 tables words alone find the right ones for 99, as many as with vectors; 4 are left open.
    """
    if not catalogue.tables:
        return Linked((), (), ())
    linked = _linked(catalogue, question, values, None)
    if vectors is None or linked.is_settled or (known := vectors()) is None:
        return linked
    return _linked(catalogue, question, values, known)


def _linked(catalogue: Catalogue, question: str, values: Sequence[Found], vectors: Vectors | None) -> Linked:
    cards = _cards(catalogue)
    asked = [term for term in terms_of(question) if not says_little(term)]
    weights = _weights(asked, cards)
    scores = {card.table.name: _score(card, asked, weights, values) for card in cards}
    if vectors is not None:
        for name, nearness in zip(scores, _spreads(vectors.tables @ vectors.question), strict=True):
            scores[name] += BY_VECTOR * nearness
    scores = _with_neighbours(scores, catalogue)
    tables = sorted(((card.table, scores[card.table.name]) for card in cards), key=lambda pair: -pair[1])
    columns = _columns(cards, asked, weights, values, scores)
    return Linked(
        tables=tuple(tables),
        columns=tuple(columns[:MOST_COLUMNS]),
        values=tuple(values),
        readings=tuple(_readings(cards, asked, values, scores)),
        share_known=_share_known(asked, weights, values),
    )


@lru_cache(maxsize=32)
def _cards(catalogue: Catalogue) -> tuple[Card, ...]:
    return tuple(_card(table, catalogue) for table in catalogue.tables)


def _card(table: Table, catalogue: Catalogue) -> Card:
    metrics = [metric for metric in catalogue.metrics if metric.table == table.name]
    called = (name for metric in metrics for name in (metric.name, *metric.synonyms))
    columns = tuple(_names_of(column.name, column.label, *column.synonyms) for column in table.columns)
    samples = [sample for column in table.columns for sample in column.samples]
    notes = " ".join([table.description, *(c.description for c in table.columns), *(m.description for m in metrics)])
    return Card(
        table,
        _names_of(table.label, table.name, *table.synonyms, *called),
        columns,
        terms_of(" ; ".join(samples)),
        terms_of(notes),
    )


def _names_of(*names: str) -> tuple[tuple[Term, ...], ...]:
    return tuple(terms for name in dict.fromkeys(names) if (terms := terms_of(name)))


def _weights(asked: Sequence[Term], cards: Sequence[Card]) -> dict[Term, float]:
    """How telling each word is, 0 to 1: one that a single table has counts fully, one that all have hardly."""
    most = math.log(1 + len(cards))
    counts: dict[Term, int] = Counter()
    for term in asked:
        counts[term] = sum(1 for card in cards if not card.keys.isdisjoint(term.keys))
    return {term: math.log((1 + len(cards)) / counts[term]) / most if counts[term] else 0.0 for term in asked}


def _share_known(asked: Sequence[Term], weights: Mapping[Term, float], values: Sequence[Found]) -> float:
    met = [term for term in asked if weights[term] or any(term.text in found.said for found in values)]
    return len(met) / len(asked) if asked else 0.0


def _score(card: Card, asked: Sequence[Term], weights: Mapping[Term, float], values: Sequence[Found]) -> float:
    asked = card.met_by(asked)
    return sum(weights[term] * _part(card, term, asked) for term in asked) + _by_values(card.table, values)


def _part(card: Card, term: Term, asked: Sequence[Term]) -> float:
    """What one word of the question says for a table: the best of the places where it is found."""
    if card.keys.isdisjoint(term.keys):
        return 0.0
    best = max((IN_NAME * _in(name, term, asked) for name in card.names), default=0.0)
    columns = (IN_COLUMN * _in(name, term, asked) for names in card.columns for name in names)
    best = max(best, max(columns, default=0.0))
    best = max(best, max((IN_VALUE * term.meets(sample) for sample in card.samples), default=0.0))
    return max(best, max((IN_NOTE * term.meets(note) for note in card.notes), default=0.0))


def _in(name: Sequence[Term], term: Term, asked: Sequence[Term]) -> float:
    match = max(term.meets(part) for part in name)
    if not match:
        return 0.0
    covered = sum(1 for part in name if any(part.meets(other) for other in asked)) / len(name)
    return match * (LEAST_COVERAGE + (1 - LEAST_COVERAGE) * covered)


def _by_values(table: Table, values: Sequence[Found]) -> float:
    """Each thing said counts once for a table, shared among all the columns of the dataset that have it."""
    best: dict[str, float] = {}
    for found in values:
        if found.table == table.name:
            columns = len({(other.table, other.column) for other in values if other.said == found.said})
            best[found.said] = max(best.get(found.said, 0.0), found.score / math.sqrt(columns))
    return IN_NAME * sum(best.values())


def _spreads(cosines: Vector) -> list[float]:
    """How many standard deviations each lies above the mean; nothing for one below it."""
    spread = float(cosines.std())
    if spread < SAME:
        return [0.0] * len(cosines)
    return [float(x) for x in np.clip((cosines - cosines.mean()) / spread, 0, MOST_SPREADS)]


def _with_neighbours(scores: dict[str, float], catalogue: Catalogue) -> dict[str, float]:
    """A table that joins two good ones is needed, though no word speaks of it."""
    neighbours: dict[str, set[str]] = {name: set() for name in scores}
    for join in catalogue.joins:
        left, right = join.left[0], join.right[0]
        if left in neighbours and right in neighbours and left != right:
            neighbours[left].add(right)
            neighbours[right].add(left)
    raised = dict(scores)
    for name, beside in neighbours.items():
        best = sorted((scores[other] for other in beside), reverse=True)
        if len(best) > 1:
            raised[name] = max(raised[name], scores[name] + BETWEEN * best[1])
        if best:
            raised[name] = max(raised[name], scores[name] + BESIDE * best[0])
    return raised


def _columns(
    cards: Sequence[Card],
    asked: Sequence[Term],
    weights: Mapping[Term, float],
    values: Sequence[Found],
    scores: Mapping[str, float],
) -> list[tuple[Table, Column, float]]:
    """Columns that a word or a value of the question speaks of; of equal ones those of better tables first."""
    best = max(scores.values()) or 1.0
    said = {(found.table, found.column): found.score for found in reversed(values)}
    found = []
    for card in cards:
        met = card.met_by(asked)
        if not met and not any(place[0] == card.table.name for place in said):
            continue
        for column, names in zip(card.table.columns, card.columns, strict=True):
            words = sum(weights[term] * max((_in(name, term, met) for name in names), default=0.0) for term in met)
            if score := words + said.get((card.table.name, column.name), 0.0):
                found.append((card.table, column, score * (0.5 + max(scores[card.table.name], 0.0) / best)))
    return sorted(found, key=lambda each: -each[2])


def _readings(
    cards: Sequence[Card], asked: Sequence[Term], values: Sequence[Found], scores: Mapping[str, float]
) -> Iterable[Reading]:
    """What the question leaves open: a value that two columns have, a column that two tables have."""
    for said in dict.fromkeys(found.said for found in values):
        places = {(found.table, found.column): found.score for found in values if found.said == said}
        yield from _undecided(said, places, cards, asked, scores)
    best = sorted(cards, key=lambda card: -scores[card.table.name])[:2]
    if not values and len(best) == 2 and scores[best[1].table.name] >= NEAR_EQUAL * scores[best[0].table.name]:
        yield from _same_column(best[0], best[1], asked)


def _undecided(
    said: str,
    places: Mapping[tuple[str, str], float],
    cards: Sequence[Card],
    asked: Sequence[Term],
    scores: Mapping[str, float],
) -> Iterable[Reading]:
    """Only columns of tables that are likely at all: a name of a city elsewhere in the company is no reading."""
    likely = WORTH_ASKING * max(scores.values())
    by_name = {card.table.name: card for card in cards}
    liked = {
        place: score * scores[place[0]] * (1 + _named(by_name[place[0]], place[1], asked))
        for place, score in places.items()
        if scores[place[0]] >= likely
    }
    ranked = sorted(liked, key=lambda place: -liked[place])
    if len(ranked) > 1 and liked[ranked[1]] >= NEAR_EQUAL * liked[ranked[0]]:
        yield Reading(said, tuple(place for place in ranked if liked[place] >= NEAR_EQUAL * liked[ranked[0]]))


def _same_column(first: Card, second: Card, asked: Sequence[Term]) -> Iterable[Reading]:
    """Two tables of which every word says the same, by a column that is called alike in both."""
    telling = [term for term in asked if _part(first, term, asked) or _part(second, term, asked)]
    if any(abs(_part(first, term, asked) - _part(second, term, asked)) > EVEN for term in telling):
        return
    for term in telling:
        places = [
            (card.table.name, column.name)
            for card in (first, second)
            for column, names in zip(card.table.columns, card.columns, strict=True)
            if any(len(name) == 1 and name[0].meets(term) for name in names)
        ]
        if len(places) == 2 and places[0][0] != places[1][0]:
            yield Reading(term.text, tuple(places))


def _named(card: Card, column_name: str, asked: Sequence[Term]) -> float:
    """How clearly the question names a column of this table, 0 to 1."""
    for column, names in zip(card.table.columns, card.columns, strict=True):
        if column.name == column_name:
            return max((_in(name, term, asked) for name in names for term in asked), default=0.0)
    return 0.0
