"""What names and questions speak of: words by stem, and the concepts that Chinese and English words share."""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from knowledge.words import fold, index_words
from llm.reader import concepts as everyday
from llm.reader.function_words import CHINESE, ENGLISH

MAX_PHRASE_WORDS = 4
HALF = 2  # characters of most Chinese words: four are two words
# Beyond this a text is not a name or a question any more; what it costs to read is bounded.
MAX_CHARACTERS = 2000

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"(?P<han>[{_HAN}]+)|(?P<word>[^\W\d_{_HAN}]+(?:'[^\W\d_]+)?)|(?P<number>\d+(?:\.\d+)?)")
_IDENTIFIER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
# How much, how many, in which order: what is done with rows, not what they are about.
_ASKING_CHINESE = """
    多少 几个 几家 几张 合计 总共 一共 总 平均 最多 最少 最大 最小 最高 最低 最长 最短 统计 列出 名单 哪些 哪个
    哪家 每个 每月 按 各 个 家 张 笔 件 名 条 排名 比例 占比 占 分别 趋势 变化 前 本月 上个月 下个月 今年
    去年 本周 上周 昨天 今天 季度 上个季度 月 年 日 天 周
"""
_ASKING_ENGLISH = """
    total average mean sum count number list show top bottom most least highest lowest many much per each by
    month monthly week weekly year yearly day daily quarter today yesterday last this next between rate
    percentage share ratio trend compare
"""
_ASKING = frozenset([*_ASKING_CHINESE.split(), *map(everyday.stem, _ASKING_ENGLISH.split())])


class Term(NamedTuple):
    """One thing that a text speaks of. Two terms are about the same if they share a text or a concept."""

    text: str  # folded; English by stem
    concepts: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        """Two terms that share none of these are about different things."""
        return _keys(self)

    def meets(self, other: "Term") -> float:
        """1 for the same word, less for another word of the same thing, 0 for another thing."""
        if self.text == other.text:
            return 1.0
        return 0.8 if self.concepts & other.concepts else 0.0


def terms_of(text: str) -> tuple[Term, ...]:
    """What a name, a label or a question speaks of, each thing once, in order; identifiers are taken apart."""
    return _terms_of(text[:MAX_CHARACTERS])


def says_little(term: Term) -> bool:
    """Whether it tells what is done with the rows rather than what they are about."""
    return term.text in _ASKING or term.text.replace(".", "").isdigit()


@lru_cache(maxsize=8192)
def _keys(term: Term) -> frozenset[str]:
    return frozenset((term.text, *(f"={concept}" for concept in term.concepts)))


@lru_cache(maxsize=8192)
def _terms_of(text: str) -> tuple[Term, ...]:
    found: dict[str, Term] = {}
    for run in _runs(fold(_IDENTIFIER.sub(" ", text))):
        for term in _chinese(run) if isinstance(run, str) else _english(run):
            found.setdefault(term.text, term)
    return tuple(found.values())


def _runs(folded: str) -> Iterator[str | list[str]]:
    """Chinese as a text, words that stand together as a list."""
    words: list[str] = []
    end = 0
    for token in _RUN.finditer(folded):
        if words and (token.lastgroup == "han" or folded[end : token.start()].strip(" -'")):
            yield words
            words = []
        if token.lastgroup == "han":
            yield token[0]
        else:
            words.append(token[0])
        end = token.end()
    if words:
        yield words


def _english(words: list[str]) -> Iterator[Term]:
    stems = [everyday.stem(word) for word in words]
    at = 0
    while at < len(stems):
        for length in range(min(MAX_PHRASE_WORDS, len(stems) - at), 0, -1):
            phrase = " ".join(stems[at : at + length])
            if concepts := _concepts_of(phrase):
                break
        if length > 1 or (words[at] not in ENGLISH and len(words[at]) > 1) or words[at].isdigit():
            yield Term(phrase, concepts)
            # "sales order" is about orders, too: a table may be called by either.
            if length > 1:
                yield from (Term(stem, _concepts_of(stem)) for stem in stems[at : at + length] if _concepts_of(stem))
        at += length


def _chinese(run: str) -> Iterator[Term]:
    at, rest = 0, ""
    while at < len(run):
        ends = range(min(at + _longest(), len(run)), at + 1, -1)
        known = next((run[at:end] for end in ends if _concepts_of(run[at:end])), "")
        function_word = next(
            (run[at:end] for end in range(min(at + 4, len(run)), at, -1) if run[at:end] in CHINESE), ""
        )
        if len(known) <= len(function_word):
            known = ""
        if not known and not function_word:
            rest += run[at]
            at += 1
            continue
        yield from _unknown(rest)
        rest = ""
        if known:
            yield Term(known, _concepts_of(known))
            yield from _within(known)
        at += len(known or function_word)
    yield from _unknown(rest)


def _within(known: str) -> Iterator[Term]:
    """As in English, 销售订单 is about 销售 and 订单, too."""
    if len(known) == 2 * HALF:
        halves = (known[:HALF], known[HALF:])
        yield from (Term(half, concepts) for half in halves if (concepts := _concepts_of(half)))


def _unknown(run: str) -> Iterator[Term]:
    """What no list has: the words that the dictionary cuts it into; one character by itself if it means something."""
    if len(run) == 1:
        if concepts := _concepts_of(run):
            yield Term(run, concepts)
        return
    yield from (Term(word.text, _concepts_of(word.text)) for word in index_words(run) if len(word.text) > 1)


@cache
def _longest() -> int:
    return max(everyday.longest_chinese_form(), max(len(form) for form in _own() if not form.isascii()))


@lru_cache(maxsize=20_000)
def _concepts_of(form: str) -> frozenset[str]:
    """Of a folded Chinese form or English stems. Company words come first: everyday ones would blur them."""
    if own := _own().get(form):
        return own
    return frozenset(f"everyday-{number}" for number in everyday.concepts_of(form) - everyday.weak_concepts())


@cache
def _own() -> dict[str, frozenset[str]]:
    concepts: dict[str, set[str]] = {}
    for line in files(__package__).joinpath("vocabulary.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            forms = [fold(form.strip()) for form in line.split(",")]
            for form in forms:
                key = form if not form.isascii() else " ".join(everyday.stem(word) for word in form.split())
                concepts.setdefault(key, set()).add(forms[0])
    return {form: frozenset(found) for form, found in concepts.items()}
