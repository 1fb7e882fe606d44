"""What a text is about: its words by stem, its Chinese by substring, and the concepts behind both.

Concepts bridge paraphrase and language ("how hot", 水温, "temperature"), where neither letters nor the vectors
of a small model can. They come from `concepts.txt`.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files

import snowballstemmer

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〇"
TOKEN = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<number>\d+(?:[.,:]\d+)*)|(?P<word>°c|[^\W\d_{HAN}]+(?:'[^\W\d_]+)?)"
)
MAX_PHRASE_WORDS = 4
WEAK = 0.3  # the weight of "how long", "need" and of lone characters
NAME = 1.5  # the weight of all parts of one name together

# Words that say what kind of sentence it is, not what it is about.
STOP_WORDS = frozenset(
    """
    a able about actually after again all am an and another any anyone anything are arent as at be because been
    before being between both but by can can't cant concerning could did didn't do does doesn't doing don't dont
    down during each else even ever everyone everything few for from further get gets go goes going got had has
    have having he hello her here hers hi him himself his how i i'd i'll i'm i've if im in into is isnt it it's
    its itself ive just kindly know least less let like make many may me might more most much my myself next no
    nor not nothing now of off on once only or other others our ours out over per please possible put quite
    rather regarding said same say says several she should show since so some someone something still such tell
    than thank thanks that that's the their them themselves then there these they they'd they're thing things
    this those though through to too toward under until up upon us very via want wanted was way we we're were
    what what's whatever whats when where whether which while who whom whose why will with within without would
    yet you you'd you're you've your yours yourself
    """.split()
)
STOP_PHRASES = sorted(
    """
    请问一下 请问 麻烦 我想知道 我想问 想问一下 想知道 想问 告诉我 你们 我们 他们 她们 咱们 您们 大家 自己 什么样的 什么样
    什么 怎么样 怎么 怎样 如何 为什么 为何 多少 几个 哪些 哪个 哪种 哪里 哪儿 哪位 是不是 有没有 能不能 可不可以 要不要 会不会
    是否 可以 能够 一下 一个 这个 那个 这些 那些 这里 那里 这样 那样 但是 因为 所以 如果 然后 或者 还是 以及 并且 而且 关于
    对于 现在 目前 东西 情况 话 的话 比如 大概 到底 究竟 才能 才行 应该 需要 想要 还能 还 能 想 要 会 的 了 着 过 地 得 之 是
    出来 起来 下来 过来 过去 回来 一次 一点 完 为 在 有 和 与 及 或 而 且 也 都 就 又 很 更 太 把 被 对 从 到 由 于 以 向 让 给 吗 呢 吧 啊 呀 嘛 么 哦 嗯 这 那 其 该
    此 每 各 我 你 您 他 她 它 们 谁 几 哪 没 不 上 里 中 等 时 后 前 所 将 若 跟 当 只 才 再 已 用 做 去 来 请
    """.split(),
    key=len,
    reverse=True,
)
_STOP_PHRASE = re.compile("|".join(STOP_PHRASES))
_NUMBERS = dict(
    zip(
        "one two three four five six seven eight nine ten eleven twelve".split(),
        map(str, range(1, 13)),
        strict=True,
    )
)
_HAN_NUMBERS = dict(zip("一二两三四五六七八九十", "1 2 2 3 4 5 6 7 8 9 10".split(), strict=True))
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a question asks about. A text covers it by the word itself or by a concept it stands for."""

    text: str  # folded; an English stem, a number, or Chinese characters
    concepts: frozenset[int]
    weight: float = 1.0  # below 1 for what says little by itself, and for each part of one name
    is_name: bool = False  # written like a name or a code

    @property
    def is_weak(self) -> bool:
        return self.weight <= WEAK


@dataclass(frozen=True, slots=True)
class Bag:
    """What a passage, a sentence or a heading speaks of."""

    text: str  # folded
    words: frozenset[str]  # stems and numbers
    concepts: frozenset[int]


def fold(text: str) -> str:
    """One spelling for all: half width, lower case, simplified characters, straight apostrophes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_simplified())
    return text.lower()


def is_chinese(text: str) -> bool:
    """Whether Chinese carries the text: a character says about as much as a word of four letters."""
    han = len(re.findall(f"[{HAN}]", text))
    return han * 4 > len(re.findall("[A-Za-z]", text))


@lru_cache(maxsize=4096)
def bag(text: str) -> Bag:
    """What `text` speaks of. Cached: the same passages come back turn after turn."""
    folded = fold(text)
    words, concepts = set(), set()
    for run, stems in _runs(folded):
        if stems:
            words.update(stems)
            words.update(_NUMBERS[word] for word in _NUMBERS.keys() & set(run.split()))
            for start in range(len(stems)):
                for length in range(1, MAX_PHRASE_WORDS + 1):
                    concepts |= _concepts().get(" ".join(stems[start : start + length]), frozenset())
        else:
            words.update(_HAN_NUMBERS[numeral] for numeral in _HAN_NUMBERS.keys() & set(run))
            for start in range(len(run)):
                for length in range(1, min(_longest_han(), len(run) - start) + 1):
                    concepts |= _concepts().get(run[start : start + length], frozenset())
    return Bag(folded, frozenset(words), frozenset(concepts))


def units(question: str) -> list[Unit]:
    """What the question asks about, each thing once, in order."""
    names = _names(question)
    found: dict[str, Unit] = {}
    for run, stems in _runs(fold(question)):
        pieces = _english_units(run.split(), stems, names) if stems else _han_units(run)
        for unit in pieces:
            found.setdefault(unit.text, unit)
    return list(found.values())


def spellings(question: str) -> list[tuple[str, tuple[str, ...]]]:
    """For each telling thing that the question asks about: the thing, folded, and other words for it in both languages."""
    entries = _entries()
    return [
        (unit.text, tuple(form for number in sorted(unit.concepts) for form in entries[number][0]))
        for unit in units(question)
        if unit.concepts and not unit.is_weak
    ]


def _runs(folded: str) -> Iterator[tuple[str, list[str]]]:
    """Yield runs of one script: (Chinese characters, []) or (words joined by blanks, their stems)."""
    words: list[str] = []
    end = 0
    for token in TOKEN.finditer(folded):
        # A phrase does not run on across a full stop, a comma or a bar.
        if words and (token.lastgroup == "han" or folded[end : token.start()].strip(" -'\"")):
            yield " ".join(words), [_stem(word) for word in words]
            words = []
        if token.lastgroup == "han":
            yield token[0], []
        else:
            words.append(token[0])
        end = token.end()
    if words:
        yield " ".join(words), [_stem(word) for word in words]


def _english_units(words: list[str], stems: list[str], names: frozenset[str]) -> Iterator[Unit]:
    """Known phrases by longest match, other words one by one; a name of several words weighs as one thing."""
    at, name = 0, []
    while at < len(words):
        length, concepts = _longest_phrase(stems, at)
        text = " ".join(stems[at : at + length])
        if names.isdisjoint(words[at : at + length]):
            yield from _as_one_name(name)
            name = []
            if length > 1 or words[at] not in STOP_WORDS:
                weak = bool(concepts) and concepts <= _weak()
                yield Unit(_NUMBERS.get(text, text), concepts, WEAK if weak else 1.0)
        else:
            name.append(Unit(text, concepts, is_name=True))
        at += length
    yield from _as_one_name(name)


def _longest_phrase(stems: list[str], at: int) -> tuple[int, frozenset[int]]:
    """How many words from `at` on are one known phrase (1 if none), and its concepts."""
    for length in range(min(MAX_PHRASE_WORDS, len(stems) - at), 0, -1):
        if concepts := _concepts().get(" ".join(stems[at : at + length])):
            return length, concepts
    return 1, frozenset()


def _han_units(run: str) -> Iterator[Unit]:
    """Known words by longest match, function words left out, and pairs of characters of what remains."""
    at, rest = 0, ""
    while at < len(run):
        lengths = range(min(_longest_han(), len(run) - at), 0, -1)
        known = next((run[at : at + n] for n in lengths if run[at : at + n] in _concepts()), "")
        stop = _STOP_PHRASE.match(run, at)
        if not known and not stop:
            rest += run[at]
            at += 1
            continue
        yield from _pairs(rest)
        rest = ""
        if stop and len(stop[0]) > len(known):
            at += len(stop[0])
        else:
            concepts = _concepts()[known]
            yield Unit(known, concepts, WEAK if concepts <= _weak() else 1.0)
            at += len(known)
    yield from _pairs(rest)


def _pairs(run: str) -> Iterator[Unit]:
    """Each two characters side by side; a long run, which may be a name, weighs as one thing."""
    if run in _HAN_NUMBERS:
        yield Unit(_HAN_NUMBERS[run], frozenset())
    elif len(run) == 1:
        yield Unit(run, frozenset(), WEAK)
    else:
        yield from _as_one_name([Unit(run[at : at + 2], frozenset()) for at in range(len(run) - 1)])


def _as_one_name(parts: list[Unit]) -> list[Unit]:
    return [replace(part, weight=min(1.0, NAME / len(parts))) for part in parts]


def _names(question: str) -> frozenset[str]:
    """Folded words written like names or codes: capitals inside a sentence, letters with digits, Latin in Chinese."""
    among_chinese = re.search(f"[{HAN}]", question) is not None
    words = list(re.finditer(r"[A-Za-z][A-Za-z0-9'&-]*", question))
    named = {
        word[0]
        for word in words
        if among_chinese
        or re.search(r"\d|[A-Z].*[A-Z]", word[0])
        or (word[0][0].isupper() and not _begins_sentence(question, word.start()))
    }
    return frozenset(fold(name) for name in named) - STOP_WORDS


def _begins_sentence(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \"'“‘(")
    return not before or before[-1] in ".!?:。！？：\n"


@cache
def _entries() -> list[tuple[list[str], bool]]:
    """Each concept's forms, and whether its section is marked as weak."""
    entries, weak = [], False
    for line in files(__package__).joinpath("concepts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            weak = line.endswith("(weak)")
        elif line:
            entries.append(([form.strip() for form in line.split(",")], weak))
    return entries


@cache
def _concepts() -> dict[str, frozenset[int]]:
    """From a form (Chinese, or English stems joined by blanks) to the concepts it may stand for."""
    concepts: dict[str, set[int]] = {}
    for number, (forms, _) in enumerate(_entries()):
        for form in forms:
            stems = " ".join(_stem(word) for word in re.split(r"[ -]", fold(form)))
            concepts.setdefault(stems, set()).add(number)
    return {form: frozenset(numbers) for form, numbers in concepts.items()}


@cache
def _weak() -> frozenset[int]:
    return frozenset(number for number, (_, weak) in enumerate(_entries()) if weak)


@cache
def _longest_han() -> int:
    return max(len(form) for form in _concepts() if re.match(f"[{HAN}]", form))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """The English stem. One stemmer per thread: it keeps the word that it works on."""
    if not hasattr(_local, "stemmer"):
        _local.stemmer = snowballstemmer.stemmer("english")
    return str(_local.stemmer.stemWord(word))


@cache
def _simplified() -> dict[int, str]:
    """Each traditional character's simplified form, from OpenCC's list of characters."""
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {ord(traditional): simplified.split(" ")[0] for traditional, simplified in pairs} | {ord("’"): "'"}
