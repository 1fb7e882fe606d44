"""Concepts: what words of two languages have in common, read from `concepts.txt`."""

import re
import threading
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import snowballstemmer

from llm.reader.spelling import fold

MAX_PHRASE_WORDS = 4

_local = threading.local()


class Entry(NamedTuple):
    """One line of the file: words for the same thing."""

    forms: tuple[str, ...]
    is_weak: bool  # says little by itself: "how long", "need"


@cache
def entries() -> tuple[Entry, ...]:
    """All concepts. A concept's number is its place in here."""
    found, is_weak = [], False
    for line in files(__package__).joinpath("concepts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            is_weak = line.endswith("(weak)")
        elif line:
            found.append(Entry(tuple(form.strip() for form in line.split(",")), is_weak))
    return tuple(found)


def concepts_of(form: str) -> frozenset[int]:
    """The concepts that a folded form may stand for: Chinese as it is, English as stems joined by blanks."""
    return _by_form().get(form, frozenset())


@cache
def weak_concepts() -> frozenset[int]:
    return frozenset(number for number, entry in enumerate(entries()) if entry.is_weak)


@cache
def longest_chinese_form() -> int:
    """In characters."""
    return max(len(form) for form in _by_form() if not form.isascii())


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The English stem. One stemmer per thread: it keeps the word that it works on."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    return str(_local.stemmer.stemWord(word))


@cache
def _by_form() -> dict[str, frozenset[int]]:
    concepts: dict[str, set[int]] = {}
    for number, entry in enumerate(entries()):
        for form in entry.forms:
            stems = " ".join(stem(word) for word in re.split(r"[ -]", fold(form)))
            concepts.setdefault(stems, set()).add(number)
    return {form: frozenset(numbers) for form, numbers in concepts.items()}
