"""Text to searchable words, alike for passages and questions, in Chinese and English mixed.

Text is folded first (compatibility forms, lower case, accents, traditional to simplified), then cut:
Chinese by jieba in search mode, English into stems, model codes and addresses both whole and in parts, so
that "TG-200" is found by "tg200" and by "200". A tenant's own terms are found by longest match beside what
jieba finds; they are never added to jieba, whose dictionary all tenants share.
"""

import re
import sys
import threading
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import snowballstemmer

from knowledge.stop_words import STOP_WORDS

with warnings.catch_warnings():
    # jieba's regular expressions are not raw strings, which Python 3.12 says aloud while compiling them.
    warnings.simplefilter("ignore")
    # It asks pkg_resources, slow to import, for its dictionary's file; told that there is none, it just opens it.
    _packages = sys.modules.setdefault("pkg_resources", None)  # type: ignore[arg-type]
    import jieba

    if _packages is None:
        del sys.modules["pkg_resources"]

# PostgreSQL refuses lexemes of 2 KB and positions above 16383, and keeps 255 positions of one lexeme.
MAX_WORD_CHARACTERS = 64
MAX_POSITION = 16383
MAX_POSITIONS_PER_WORD = 255
MIN_TERM_CHARACTERS = 2

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f々〇"
_UNSPACED = "\u3040-\u30ff\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff"  # kana, Thai, Burmese, Khmer
_TOKEN = re.compile(
    rf"""
      (?P<address>[a-z0-9][\w.+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+)
    | (?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?![\w-])|\d+\.\d+(?![\w-]|\.\d))
    | (?P<code>[a-z0-9]+(?:[-_.][a-z0-9]+)+|[a-z]+\d[a-z0-9]*|\d+[a-z][a-z0-9]*)
    | (?P<han>[{_HAN}]+)
    | (?P<unspaced>[{_UNSPACED}]+)
    | (?P<word>[^\W_{_HAN}{_UNSPACED}]+(?:'[^\W\d_]+)?)
    """,
    re.VERBOSE,
)
_CODE_PARTS = re.compile(r"[a-z]+|\d+")
_VERSION = re.compile(r"v?\d+(\.\d+)+")
_ACCENTS = re.compile("[\u0300-\u036f]")


class Word(NamedTuple):
    """A searchable word and where it stands. Parts of one whole share its position."""

    text: str
    position: int  # from 1


def index_words(text: str, extra_terms: frozenset[str] = frozenset()) -> list[Word]:
    """The words of a passage in order, repeated as often as they occur, stop words left out.

    `extra_terms` are the tenant's own words, folded by `fold_terms`.
    """
    folded = fold(text)
    return [
        Word(word[:MAX_WORD_CHARACTERS], position)
        for position, words in enumerate(_cut(folded, extra_terms), start=1)
        for word in words
    ]


def query_words(text: str, extra_terms: frozenset[str] = frozenset()) -> list[Word]:
    """The distinct words of a question, in order; empty if it has none but stop words."""
    first: dict[str, Word] = {}
    for word in index_words(text, extra_terms):
        first.setdefault(word.text, word)
    return list(first.values())


def boundaries(text: str) -> frozenset[int]:
    """Where words begin and end in a folded text: 人工 is a word of 转人工, and none of 人工智能."""
    edges = {0, len(text)}
    segmenter = _segmenter()
    for token in _TOKEN.finditer(text):
        edges |= set(token.span())
        if token.lastgroup == "han":
            for _word, begin, end in segmenter.tokenize(token[0], HMM=False):
                edges |= {token.start() + begin, token.start() + end}
    return frozenset(edges)


def to_tsvector_literal(words: Iterable[Word]) -> str:
    """Text that PostgreSQL casts to the `tsvector` of exactly these words, whatever characters they hold."""
    positions: dict[str, list[int]] = {}
    for word in words:
        positions.setdefault(word.text, []).append(min(word.position, MAX_POSITION))
    return " ".join(
        f"{quote_lexeme(word)}:{','.join(map(str, at[:MAX_POSITIONS_PER_WORD]))}" for word, at in positions.items()
    )


def quote_lexeme(word: str) -> str:
    """One word as it stands in the text form of a `tsvector` or `tsquery`."""
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def fold(text: str) -> str:
    """One spelling for all: half width, lower case, no accents, simplified Chinese, plain apostrophes."""
    if not text.isascii():
        text = _ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", text).translate(_simplified())
    return text.lower()


def fold_terms(terms: Iterable[str]) -> frozenset[str]:
    """A tenant's own terms as `index_words` and `query_words` take them."""
    folded = (fold(term).strip() for term in terms)
    return frozenset(term for term in folded if MIN_TERM_CHARACTERS <= len(term) <= MAX_WORD_CHARACTERS)


def warm_up() -> None:
    """Load the dictionaries now (0.5 s of CPU, 67 MB) instead of at the first question."""
    query_words("预热 warm-up")


def _cut(text: str, extra_terms: frozenset[str]) -> Iterator[list[str]]:
    """Yield what stands at each position: a word, with its parts if it has any."""
    terms = _find_terms(text, extra_terms) if extra_terms else {}
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "han":
            yield from _cut_han(token[0], token.start(), terms)
            continue
        words = _WORDS_OF[token.lastgroup or "word"](token[0])
        words += [term for start in range(token.start(), token.end()) for term in terms.pop(start, ())]
        if words:
            yield words


def _cut_han(run: str, start: int, terms: dict[int, list[str]]) -> Iterator[list[str]]:
    segmenter = _segmenter()
    for whole, begin, end in segmenter.tokenize(run):
        found = [term for at in range(start + begin, start + end) for term in terms.pop(at, ())]
        words = [word for word in (whole, *_parts(whole, segmenter.FREQ), *found) if word not in STOP_WORDS]
        if words:
            yield list(dict.fromkeys(words))


def _parts(whole: str, known: dict[str, int]) -> Iterator[str]:
    """The shorter words inside a long one, as jieba's search mode finds them."""
    for length in (2, 3):
        if len(whole) > length:
            grams = (whole[i : i + length] for i in range(len(whole) - length + 1))
            yield from (gram for gram in grams if known.get(gram))


def _number(token: str) -> list[str]:
    return [token.replace(",", "")]


def _address(token: str) -> list[str]:
    return [token, *_telling_parts(token)]


def _code(token: str) -> list[str]:
    """ "tg-200" is "tg200", "tg" and "200"; "e-mail" is "email" and "mail"; a version keeps its dots."""
    whole = token if _VERSION.fullmatch(token) else re.sub(r"[-_.]", "", token)
    return list(dict.fromkeys([_stem(whole) if whole.isalpha() else whole, *_telling_parts(token)]))


def _telling_parts(token: str) -> list[str]:
    parts = [part for part in _CODE_PARTS.findall(token) if len(part) > 1 and part not in STOP_WORDS]
    return [_stem(part) if part.isalpha() else part for part in parts]


def _word(token: str) -> list[str]:
    return [] if token in STOP_WORDS else [_stem(token)]


def _unspaced(token: str) -> list[str]:
    """Pairs of letters for scripts that have neither spaces nor a dictionary here."""
    return [token[i : i + 2] for i in range(max(1, len(token) - 1))]


_WORDS_OF = {"number": _number, "address": _address, "code": _code, "word": _word, "unspaced": _unspaced}


def _find_terms(text: str, terms: frozenset[str]) -> dict[int, list[str]]:
    """Where each of the terms stands in `text`, the longest wherever several would fit."""
    lengths = _lengths_by_first(terms)
    found: dict[int, list[str]] = {}
    at = 0
    while at < len(text):
        fits = (n for n in lengths.get(text[at], ()) if text[at : at + n] in terms)
        if length := next(fits, 0):
            found[at] = [text[at : at + length]]
        at += length or 1
    return found


@lru_cache(maxsize=256)
def _lengths_by_first(terms: frozenset[str]) -> dict[str, list[int]]:
    """For each character that begins a term, the lengths of such terms, longest first."""
    lengths: dict[str, set[int]] = {}
    for term in terms:
        lengths.setdefault(term[0], set()).add(len(term))
    return {first: sorted(found, reverse=True) for first, found in lengths.items()}


_local = threading.local()


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    """The English stem. One stemmer per thread: it keeps the word that it works on."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    return str(_local.stemmer.stemWord(word))


_loading = threading.Lock()


def _segmenter() -> "jieba.Tokenizer":
    """The one segmenter of the process. Read only, so that threads and tenants may share it."""
    with _loading:
        return _load_segmenter()


@cache
def _load_segmenter() -> "jieba.Tokenizer":
    """jieba with its dictionary read from its own package.

    Its `initialize()` would trust (and unmarshal) a file in the shared temporary folder that anyone could
    have put there, and write to the log.
    """
    segmenter = jieba.Tokenizer()
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return segmenter


@cache
def _simplified() -> dict[int, str]:
    """Each traditional character's simplified form.

    Character by character, without OpenCC's phrases: a passage and a question are folded alike, so a rare
    wrong choice (乾 in 乾隆) hurts neither, and `str.translate` is a hundred times quicker.
    """
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    table = {ord(traditional): simplified.split(" ")[0] for traditional, simplified in pairs}
    return table | {ord("’"): "'"}
