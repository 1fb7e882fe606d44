"""Which source bears out which sentence of an answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from chat.grounding.claiming import claims_something
from chat.grounding.polarity import bare_of, contradicts, says_of, speaks_of
from chat.grounding.quantities import Quantity, lacking, quantities
from chat.grounding.sentences import Sentence, sentences
from llm.reader.function_words import ENGLISH
from llm.reader.quoting import quotables
from llm.reader.spelling import fold, is_chinese
from llm.reader.words import Bag, Unit, bag, units

# How much of a claim's words must stand in the source: in its own language, and in the other one, where fewer
# words are known to mean the same. Set on corpus/known.txt.
ENOUGH = 0.6
ENOUGH_ACROSS = 0.45
# What the author of the answer cites himself needs a little less.
FOR_A_MARK = 0.1
# A word in the heading or in the next sentence counts for less than in the sentence itself.
IN_HEADING, NEARBY = 0.8, 0.5
# What a number and a "may not" count for beside a word's 1.
FOR_A_QUANTITY, FOR_SAYING = 1.0, 0.4
# A passage may bear a claim out only if none speaks of the same thing so much more that it must be meant.
NEARLY_BEST = 0.15
# One word alone, which both happen to use, bears nothing out.
LEAST_SHARED = 1.3
# Sources that say it nearly as well are named too.
AS_GOOD = 0.03

# What answers are full of and sources are not, beside the function words; and bounds, which numbers have by nature.
_TELL_NOTHING = frozenset({
    "s", "ll", "re", "ve", "won't", "also", "either", "long", "new", "already", "simply", "always", "usually",
    "at most", "up to", "at least", "no more than", "maximum", "minimum", "以上", "以下", "最多", "最少",
    "至少", "最高", "最低", "起", "左右", "大约", "约", "一般", "全部", "时候", "其中", "另外", "此外", "同时",
    "并且", "照样", "就",
})  # fmt: skip
# "According to the guide, …": who says so is not what is said.
_ATTRIBUTION = re.compile(
    r"^(?:(?:根据|按照?|依据|参照|另见|据)[^，,：:]{1,80}[，,：:]\s*|"
    r"(?:according to|as per|based on|see also|per)\b[^,:]{1,120}[,:]\s*)[“”\"「『]*",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![\w.])(?:[A-Z][\w&'’-]*[A-Za-z0-9])")
_CODE_OR_ADDRESS = re.compile(r"[a-z0-9][\w.+-]*@[\w.-]+\w|https?://[^\s)\]]+|www\.[^\s)\]]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ground:
    """What an answer may rest on: a citation's passage, or (`n` None) words that the persona's author wrote."""

    n: int | None
    text: str
    title: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A part of an answer that claims something, in code points, and the citations that bear it out."""

    start: int
    end: int
    sources: tuple[int, ...]
    supported: bool

    def as_dict(self) -> dict[str, Any]:
        return {"start": self.start, "end": self.end, "sources": list(self.sources), "supported": self.supported}


def claims_of(answer: str, grounds: Sequence[Ground], *, known_names: Sequence[str] = ()) -> list[Claim]:
    """What an answer claims, in order. Pure; some milliseconds.

    `known_names` may be said without a source: who answers, and whom for.
    """
    known = frozenset(word for name in known_names for word in re.findall(r"[a-z0-9]+", fold(name)))
    said = [sentence for sentence in sentences(answer) if claims_something(sentence.text)]
    return [_judged(sentence, grounds, known) for sentence in said]


def _judged(sentence: Sentence, grounds: Sequence[Ground], known: frozenset[str]) -> Claim:
    text = _ATTRIBUTION.sub("", sentence.text)
    support = _quoted(text, grounds, sentence.marks)
    if support is None:
        support = _support(Statement(text, known), grounds, sentence.marks)
    if support is None:
        parts = _parts(text)
        each = [_support(Statement(part, known), grounds, sentence.marks) for part in parts]
        support = tuple(n for one in each if one for n in one) if parts and None not in each else None
    sources = tuple(dict.fromkeys(support or ()))
    return Claim(sentence.start, sentence.end, sources, support is not None)


def _quoted(text: str, grounds: Sequence[Ground], marks: Sequence[int]) -> tuple[int, ...] | None:
    """The citations in which it stands word for word, the marked ones if there are; None if it does in none."""
    letters = _letters(text)
    holding = [ground.n for ground in grounds if letters in _letters(ground.text)]
    if not holding:
        return None
    numbered = [n for n in holding if n is not None]
    return tuple(n for n in numbered if n in marks) or tuple(numbered[:1])


@lru_cache(maxsize=4096)
def _letters(text: str) -> str:
    """What is left without blanks, signs and Markdown, folded; numbers stay apart."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=\D)[\W_]+(?=\D)", "", fold(text))).strip()


def _parts(text: str) -> list[str]:
    """The clauses of a sentence that may each have a source of its own; none if it has but one."""
    pieces = [piece.strip() for piece in re.split(r"[，；;]|,\s|\s(?:and|but)\s", text) if piece.strip()]
    telling = [sum(unit.weight for unit in units(piece)) >= 1.5 for piece in pieces]
    return pieces if len(pieces) > 1 and all(telling) else []


@dataclass(frozen=True)
class Statement:
    """A claim, or a part of one, as it is compared with sources."""

    text: str
    known: frozenset[str]

    @cached_property
    def units(self) -> list[Unit]:
        return [unit for unit in units(bare_of(self.text)) if unit.text not in _TELL_NOTHING]

    @cached_property
    def says(self) -> dict[str, bool]:
        return says_of(self.text)

    @cached_property
    def quantities(self) -> list[Quantity]:
        return quantities(self.text)

    @cached_property
    def names(self) -> list[str]:
        """What is written like a name: capitals in mid-sentence, addresses. Folded."""
        found = [match[0] for match in _CODE_OR_ADDRESS.finditer(self.text)]
        for match in _NAME.finditer(self.text):
            name = fold(match[0])
            if not _begins(self.text, match.start()) and name not in ENGLISH and name not in self.known:
                found.append(name)
        return [fold(name).strip(".,") for name in found]

    @cached_property
    def is_chinese(self) -> bool:
        return is_chinese(self.text)


def _begins(text: str, at: int) -> bool:
    before = text[:at].rstrip(" \"'“‘(")
    return not before or before[-1] in ".!?:>。！？：" or is_chinese(before[-1])


def _support(statement: Statement, grounds: Sequence[Ground], marks: Sequence[int]) -> tuple[int, ...] | None:
    """The citations that bear a statement out, the best first; () if authored words do, None if nothing does."""
    compared = [_compared(statement, ground, window) for ground in grounds for window in _windows(ground)]
    least = max((each.coverage for each in compared), default=0.0) - NEARLY_BEST
    # What a passage about the very same thing says otherwise, no other passage bears out.
    least_words = max((each.words for each in compared if not each.agrees and not each.window.second), default=0.0)
    scores: dict[Ground, float] = {}
    for each in compared:
        enough = _enough(statement, each.window, is_marked=each.ground.n in marks)
        if each.agrees and each.coverage >= max(least, enough) and each.words >= least_words:
            scores[each.ground] = max(each.coverage, scores.get(each.ground, 0.0))
    if not scores:
        return None
    best = max(scores.values())
    good = [ground for ground in scores if scores[ground] >= best - AS_GOOD]
    marked = tuple(ground.n for ground in scores if ground.n is not None and ground.n in marks)
    return marked or tuple(ground.n for ground in good if ground.n is not None)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """One sentence of a ground, or two side by side, with what stands around."""

    text: str
    own: Bag
    second: Bag | None
    heading: Bag
    nearby: Bag
    quantities: tuple[Quantity, ...]
    says: dict[str, bool]
    whole: str
    is_chinese: bool


@lru_cache(maxsize=1024)
def _windows(ground: Ground) -> tuple[_Window, ...]:
    return tuple(_all_windows(ground))


def _all_windows(ground: Ground) -> Iterator[_Window]:
    pieces = quotables(ground.text)
    above = f"{ground.title}\n{ground.heading}"
    heading, nearby, whole = bag(above), bag(ground.text), fold(f"{above}\n{ground.text}")
    above_quantities = quantities(above)
    for at, piece in enumerate(pieces):
        for second in (None, *pieces[at + 1 : at + 2]):
            text = f"{piece} {second}" if second else piece
            yield _Window(
                text=text,
                own=bag(text),
                second=bag(second) if second else None,
                heading=heading,
                nearby=nearby,
                quantities=(*quantities(text), *above_quantities),
                says=says_of(text),
                whole=whole,
                is_chinese=is_chinese(text),
            )


def _enough(statement: Statement, window: _Window, *, is_marked: bool) -> float:
    enough = ENOUGH if statement.is_chinese == window.is_chinese else ENOUGH_ACROSS
    return enough - (FOR_A_MARK if is_marked else 0.0)


@dataclass(frozen=True, slots=True)
class _Compared:
    """How much of a statement a window covers, by words alone and with numbers, and whether it agrees with it."""

    ground: Ground
    window: _Window
    words: float
    coverage: float
    agrees: bool


def _compared(statement: Statement, ground: Ground, window: _Window) -> _Compared:
    shares = [(unit.weight, _covered(unit, window)) for unit in statement.units]
    words = _average(shares)
    given = list(window.quantities)
    shares += [(FOR_A_QUANTITY, float(not lacking([one], given))) for one in statement.quantities]
    shares += [(FOR_SAYING, float(window.says.get(name) == says)) for name, says in statement.says.items()]
    coverage = _average(shares)
    may_matter = max(words, coverage) >= ENOUGH_ACROSS - FOR_A_MARK and _weight(shares) >= LEAST_SHARED
    return _Compared(ground, window, words, coverage, may_matter and _agrees(statement, window))


def _weight(shares: Sequence[tuple[float, float]]) -> float:
    return sum(weight * share for weight, share in shares)


def _average(shares: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for weight, _ in shares)
    return _weight(shares) / total if total else 0.0


def _covered(unit: Unit, window: _Window) -> float:
    places = ((window.own, 1.0), (window.heading, IN_HEADING), (window.nearby, NEARBY))
    return next((worth for place, worth in places if speaks_of(place, unit)), 0.0)


def _agrees(statement: Statement, window: _Window) -> bool:
    """Whether numbers and names stand there too, and nothing says the contrary."""
    if window.second and not _needs_both(statement, window):
        return False
    if lacking(statement.quantities, list(window.quantities)):
        return False
    if any(name not in window.whole for name in statement.names if not window.is_chinese or "@" in name):
        return False
    return not contradicts(statement.text, window.text)


def _needs_both(statement: Statement, window: _Window) -> bool:
    """Whether the second sentence brings words, and not just a number that belongs to something else."""
    first = quotables(window.text)[0] if window.text else ""
    return any(
        not unit.is_weak and window.second and speaks_of(window.second, unit) and not speaks_of(bag(first), unit)
        for unit in statement.units
    )
