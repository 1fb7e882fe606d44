"""Words of a text to compare it by, in languages with blanks between words and in Chinese, which has none."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"(?P<sign>[{HAN}])|[^\W_{HAN}]+")
# Words that say nothing of what is talked about.
_EMPTY = """
    a about after all am an and any are as at be been before but by can could d did do does down for from had has
    have he her here him his how i if in into is it its just ll m me more my no not now of off on one or our out over
    re s she so some t than that the their them then there these they this those to too under up us ve was we were
    what when where which who why will with would you your"""
_EMPTY_WORDS = frozenset(_EMPTY.split())
_EMPTY_SIGNS = frozenset("的了是在有和与就都也不很这那个们我你他她它吗呢吧啊呀哦着过把被让给从到对于之其一上下里中")
# So many letters of a word that is not whole yet tell whether it may be one to wait for.
LETTERS = 3
_ENDINGS = ("ies", "ing", "ed", "es", "s", "e", "y")


class Token(NamedTuple):
    """A word, folded and without its ending, or one Chinese sign, with its place in the text."""

    start: int
    end: int
    word: str
    is_sign: bool
    is_empty: bool


def tokens(text: str, start: int = 0, end: int | None = None) -> Iterator[Token]:
    for found in _TOKEN.finditer(text, start, len(text) if end is None else end):
        if found["sign"]:
            yield Token(found.start(), found.end(), found["sign"], True, found["sign"] in _EMPTY_SIGNS)
        else:
            word = folded(found.group())
            yield Token(found.start(), found.end(), _stem(word), False, word in _EMPTY_WORDS)


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(found: Iterable[Token]) -> Iterator[str]:
    return (one.word for one in found if not one.is_empty)


def marks_of(found: Iterable[Token]) -> Iterator[tuple[int, str]]:
    """What a text is known by, with its place: each word, and each two Chinese signs that stand together."""
    line = [*found, Token(-1, -1, "", False, True)]
    for one, following in pairwise(line):
        if not one.is_sign:
            if not one.is_empty:
                yield one.start, one.word
        elif following.is_sign and following.start == one.end and not (one.is_empty and following.is_empty):
            yield one.start, one.word + following.word


def beginnings(marks: Iterable[str]) -> frozenset[str]:
    """What the unfinished beginning of one of these is, up to `LETTERS`."""
    return frozenset(mark[:length] for mark in marks for length in range(1, LETTERS + 1))


def _stem(word: str) -> str:
    """Without the endings that English words change by. Crude, and the same on both sides of a comparison."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
