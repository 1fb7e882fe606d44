"""How a question is worded once its names, numbers and periods are taken out: what must agree for its SQL to hold.

Strict on purpose: a word too many may be a filter, a negation or another measure. Only wording that cannot change
the answer is left out, and two words are the same only if they are the same stem, name the same column, table or
metric of the catalogue, or say the same about counting and ordering.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from analytics.catalogue import Catalogue
from knowledge.words import fold
from llm.reader.concepts import stem

MAX_NAME_WORDS = 5
_ENGLISH_FILLERS = """
    a an the please kindly can could would will you we i me us our my show list give tell get find display what which
    are is was were be been do does did have has had there of in on for at s it they their its that made all
"""
_FILLERS_ENGLISH = frozenset(_ENGLISH_FILLERS.split())
_FILLERS_CHINESE = re.compile(
    r"请问一下|请问|麻烦|帮我|给我|告诉我|我想知道|我想看|想知道|查询一下|查一下|查询|查看|看一下|看看|列出|显示|展示"
    r"|分别是多少|分别是什么|是多少|为多少|是什么|有哪些|是哪些|哪几个|是哪个|是哪|哪些|哪个|我们|的|了|是|有|吗|呢|啊|一下|都|里|中|在|所有|一共|总共|分别"
)
# Groups of words that mean the same in a question about figures. The first names the group.
_ENGLISH = {
    "count": ["how many", "number of", "count of", "count", "the number of"],
    "sum": ["total", "sum of", "sum", "overall", "in total", "altogether", "how much"],
    "mean": ["average", "avg", "mean"],
    "most": ["most", "highest", "largest", "biggest", "maximum", "max", "greatest"],
    "least": ["least", "lowest", "smallest", "minimum", "min", "fewest"],
    "each": ["by", "per", "each", "for each", "every", "grouped by", "broken down by", "for every"],
    "over": ["more than", "over", "above", "greater than", "exceeding", "higher than"],
    "under": ["less than", "under", "below", "fewer than", "lower than"],
    "least_of": ["at least", "no less than"],
    "most_of": ["at most", "no more than"],
    "top": ["top"],
}
_CHINESE = {
    "count": ["多少个", "几个", "有多少", "数量", "个数", "多少", "总数"],
    "sum": ["合计", "总计", "总额", "总和", "总", "多少钱"],
    "mean": ["平均", "均值"],
    "most": ["最多", "最高", "最大"],
    "least": ["最少", "最低", "最小"],
    "each": ["按照", "按", "每个", "每", "各个", "各"],
    "over": ["超过", "大于", "高于", "多于"],
    "under": ["低于", "小于", "少于", "不到"],
    "least_of": ["至少", "不少于", "不低于"],
    "most_of": ["至多", "不超过", "不多于", "不高于"],
    "top": ["排名前", "前"],
}
# Counting words that stand after a number say nothing beside it.
_MEASURES = re.compile(r"(?<=[\ue000-\uefff])\s*(?:大|名|个|位|家|款|件|条|项|种|笔|元|块钱)")
_GROUP_ENDS = re.compile(r"统计|划分|分组|汇总")
_RUN = re.compile(r"(?P<slot>[\ue000-\uefff])|(?P<han>[\u3400-\u9fff]+)|(?P<word>[^\W_\u3400-\u9fff\ue000-\uefff]+)")


@lru_cache(maxsize=32)
def names_of(catalogue: Catalogue) -> Mapping[str, frozenset[str]]:
    """What each name, label and synonym stands for, by folded Chinese or stems: `{"revenue": {"metric revenue"}}`."""
    things: dict[str, set[str]] = {}

    def note(thing: str, *names: str) -> None:
        for name in names:
            if key := _key(name):
                things.setdefault(key, set()).add(thing)

    for table in catalogue.tables:
        note(f"table {table.name}", table.name, table.label, *table.synonyms)
        for column in table.columns:
            note(f"column {table.name} {column.name}", column.name, column.label, *column.synonyms)
    for metric in catalogue.metrics:
        note(f"metric {metric.name}", metric.name, *metric.synonyms)
    return {key: frozenset(found) for key, found in things.items()}


def wording(text: str, catalogue: Catalogue) -> tuple[list[str], list[str]]:
    """The words of a folded question whose slots are private characters: (those in order, those that may move).

    Slots and what it is broken down by may stand anywhere in a question of things and measures alone. Where there is
    any other word ("not", "before", 除了, one that we do not know), what stands around it may matter.
    """
    words = list(_joined(list(_words(_MEASURES.sub("", text), names_of(catalogue)))))
    moving = [word for word in words if _is_slot(word) or word.startswith(_EACH)]
    fixed = [word for word in words if word not in moving]
    if all(word.startswith("=") or word in _HARMLESS for word in fixed):
        return fixed, sorted(word for word in moving if not _is_slot(word))
    return words, []


_EACH = "each "
_HARMLESS = frozenset({"count", "sum", "mean", "most", "least", "top"})


def _joined(words: Sequence[str]) -> Iterator[str]:
    """ "each" together with what follows it."""
    at = 0
    while at < len(words):
        if words[at] == "each" and at + 1 < len(words):
            yield _EACH + words[at + 1]
            at += 1
        else:
            yield words[at]
        at += 1


def _is_slot(word: str) -> bool:
    return len(word) == 1 and "\ue000" <= word <= "\uefff"


def _key(name: str) -> str:
    folded = fold(re.sub(r"[_\s]+", " ", name)).strip()
    return " ".join(stem(word) for word in folded.split()) if folded.isascii() else folded.replace(" ", "")


def _words(text: str, names: Mapping[str, frozenset[str]]) -> Iterator[str]:
    latin: list[str] = []
    for run in _RUN.finditer(text):
        if run.lastgroup == "word":
            latin.append(run[0])
            continue
        yield from _english(latin, names)
        latin = []
        yield from [run[0]] if run.lastgroup == "slot" else _chinese(run[0], names)
    yield from _english(latin, names)


def _english(words: Sequence[str], names: Mapping[str, frozenset[str]]) -> Iterator[str]:
    stems = [stem(word) for word in words]
    at = 0
    while at < len(stems):
        for length in range(min(MAX_NAME_WORDS, len(stems) - at), 0, -1):
            spoken, phrase = " ".join(words[at : at + length]), " ".join(stems[at : at + length])
            if word := _group(spoken, _ENGLISH_GROUPS) or _thing(phrase, names):
                yield word
                break
            if length == 1 and words[at] not in _FILLERS_ENGLISH:
                yield phrase
        at += length


def _chinese(run: str, names: Mapping[str, frozenset[str]]) -> Iterator[str]:
    at, rest = 0, ""
    while at < len(run):
        filler = _FILLERS_CHINESE.match(run, at)
        longest = filler.end() - at if filler else 0
        word = ""
        for end in range(min(len(run), at + 12), at + longest, -1):
            if word := _group(run[at:end], _CHINESE_GROUPS) or _thing(run[at:end], names):
                longest = end - at
                break
        if longest:
            yield from _rest(rest)
            rest = ""
            if word:
                yield word
            at += longest
        else:
            rest += run[at]
            at += 1
    yield from _rest(rest)


def _rest(run: str) -> Iterator[str]:
    """What no name covers, each character by itself: cutting it into words could differ between two questions."""
    yield from _GROUP_ENDS.sub("", run)


def _group(spoken: str, groups: Mapping[str, str]) -> str:
    return groups.get(spoken, "")


def _thing(phrase: str, names: Mapping[str, frozenset[str]]) -> str:
    found = names.get(phrase)
    return "=" + "|".join(sorted(found)) if found else ""


_ENGLISH_GROUPS = {phrase: group for group, phrases in _ENGLISH.items() for phrase in phrases}
_CHINESE_GROUPS = {phrase: group for group, phrases in _CHINESE.items() for phrase in phrases}
