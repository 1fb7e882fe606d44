"""What a text is about: its words by stem, its Chinese by substring, and the concepts behind both.

Concepts bridge paraphrase and language ("how hot", 水温, "temperature"), where neither letters nor the
vectors of a small model can.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from llm.reader.concepts import (
    MAX_PHRASE_WORDS,
    concepts_of,
    entries,
    longest_chinese_form,
    stem,
    weak_concepts,
)
from llm.reader.function_words import CHINESE, ENGLISH
from llm.reader.spelling import HAN, fold

WEAK = 0.3  # the weight of "how long", "need" and of lone characters
NAME = 1.5  # the weight of all parts of one name together

_TOKEN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>°c|[^\W\d_{HAN}]+(?:'[^\W\d_]+)?)")
_FUNCTION_WORD = re.compile("|".join(sorted(CHINESE, key=len, reverse=True)))
_NUMBER_WORDS = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS, start=1)}
_HAN_NUMBERS = {numeral: str(number) for number, numeral in enumerate("一二三四五六七八九十", start=1)} | {"两": "2"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a question asks about. A text covers it by the word itself or by a concept it stands for."""

    text: str  # folded; English stems, a number, or Chinese characters
    concepts: frozenset[int] = frozenset()
    weight: float = 1.0  # below 1 for what says little by itself, and for each part of one name

    @property
    def is_weak(self) -> bool:
        return self.weight <= WEAK


@dataclass(frozen=True, slots=True)
class Bag:
    """What a passage, a sentence or a heading speaks of."""

    text: str  # folded
    words: frozenset[str]  # stems and numbers
    concepts: frozenset[int]


@lru_cache(maxsize=4096)
def bag(text: str) -> Bag:
    """What `text` speaks of. Cached: the same passages come back turn after turn."""
    folded = fold(text)
    words: set[str] = set()
    concepts: set[int] = set()
    for run in _runs(folded):
        if run.is_han:
            words.update(_HAN_NUMBERS[numeral] for numeral in _HAN_NUMBERS.keys() & set(run.words[0]))
            concepts.update(*_han_concepts(run.words[0]))
        else:
            words.update(run.stems)
            words.update(_NUMBERS[word] for word in _NUMBERS.keys() & set(run.words))
            concepts.update(*_phrase_concepts(run.stems))
    return Bag(folded, frozenset(words), frozenset(concepts))


def units(question: str) -> list[Unit]:
    """What the question asks about, each thing once, in order."""
    names = _names(question)
    found: dict[str, Unit] = {}
    for run in _runs(fold(question)):
        for unit in _han_units(run.words[0]) if run.is_han else _english_units(run, names):
            found.setdefault(unit.text, unit)
    return list(found.values())


def spellings(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each telling thing that the question asks about, folded, and words for it in both languages."""
    known = entries()
    return [
        (unit.text, tuple(form for number in sorted(unit.concepts) for form in known[number].forms))
        for unit in units(question)
        if unit.concepts and not unit.is_weak
    ]


@dataclass(frozen=True, slots=True)
class _Run:
    """Words side by side in one script. Chinese is one word."""

    words: tuple[str, ...]
    is_han: bool

    @property
    def stems(self) -> list[str]:
        return [stem(word) for word in self.words]


def _runs(folded: str) -> Iterator[_Run]:
    words: list[str] = []
    end = 0
    for token in _TOKEN.finditer(folded):
        is_han = token.lastgroup == "han"
        # A phrase does not run on across a full stop, a comma or a bar.
        if words and (is_han or folded[end : token.start()].strip(" -'\"")):
            yield _Run(tuple(words), is_han=False)
            words = []
        if is_han:
            yield _Run((token[0],), is_han=True)
        else:
            words.append(token[0])
        end = token.end()
    if words:
        yield _Run(tuple(words), is_han=False)


def _phrase_concepts(stems: list[str]) -> Iterator[frozenset[int]]:
    for start in range(len(stems)):
        for length in range(1, MAX_PHRASE_WORDS + 1):
            yield concepts_of(" ".join(stems[start : start + length]))


def _han_concepts(run: str) -> Iterator[frozenset[int]]:
    for start in range(len(run)):
        for end in range(start + 1, min(start + longest_chinese_form(), len(run)) + 1):
            yield concepts_of(run[start:end])


def _english_units(run: _Run, names: frozenset[str]) -> Iterator[Unit]:
    """Known phrases by longest match, other words one by one; a name of several words weighs as one thing."""
    stems = run.stems
    name: list[Unit] = []
    at = 0
    while at < len(stems):
        length, concepts = _longest_phrase(stems, at)
        words, text = run.words[at : at + length], " ".join(stems[at : at + length])
        if names.isdisjoint(words):
            yield from _as_one_name(name)
            name = []
            if length > 1 or words[0] not in ENGLISH:
                yield Unit(_NUMBERS.get(words[0], text), concepts, _weight(concepts))
        else:
            name.append(Unit(text, concepts))
        at += length
    yield from _as_one_name(name)


def _longest_phrase(stems: list[str], at: int) -> tuple[int, frozenset[int]]:
    """How many words from `at` on are one known phrase (1 if none), and its concepts."""
    for length in range(min(MAX_PHRASE_WORDS, len(stems) - at), 0, -1):
        if concepts := concepts_of(" ".join(stems[at : at + length])):
            return length, concepts
    return 1, frozenset()


def _han_units(run: str) -> Iterator[Unit]:
    """Known words by longest match, function words left out, and pairs of characters of what remains."""
    at, rest = 0, ""
    while at < len(run):
        ends = range(min(at + longest_chinese_form(), len(run)), at, -1)
        known = next((run[at:end] for end in ends if concepts_of(run[at:end])), "")
        function_word = _FUNCTION_WORD.match(run, at)
        if not known and not function_word:
            rest += run[at]
            at += 1
            continue
        yield from _pairs(rest)
        rest = ""
        if function_word and len(function_word[0]) > len(known):
            at = function_word.end()
        else:
            yield Unit(known, concepts_of(known), _weight(concepts_of(known)))
            at += len(known)
    yield from _pairs(rest)


def _pairs(run: str) -> Iterator[Unit]:
    """Each two characters side by side. A long run may be a name, and weighs as one thing."""
    if run in _HAN_NUMBERS:
        yield Unit(_HAN_NUMBERS[run])
    elif len(run) == 1:
        yield Unit(run, weight=WEAK)
    else:
        yield from _as_one_name([Unit(run[at : at + 2]) for at in range(len(run) - 1)])


def _weight(concepts: frozenset[int]) -> float:
    return WEAK if concepts and concepts <= weak_concepts() else 1.0


def _as_one_name(parts: list[Unit]) -> list[Unit]:
    return [replace(part, weight=min(1.0, NAME / len(parts))) for part in parts]


def _names(question: str) -> frozenset[str]:
    """Words written like names or codes: capitals in mid-sentence, digits inside, Latin among Chinese."""
    is_among_chinese = re.search(f"[{HAN}]", question) is not None
    named = {
        word[0]
        for word in re.finditer(r"[A-Za-z][A-Za-z0-9'&-]*", question)
        if is_among_chinese
        or re.search(r"\d|[A-Z].*[A-Z]", word[0])
        or (word[0][0].isupper() and not _begins_sentence(question, word.start()))
    }
    return frozenset(fold(name) for name in named) - ENGLISH


def _begins_sentence(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \"'“‘(")
    return not before or before[-1] in ".!?:。！？：\n"
