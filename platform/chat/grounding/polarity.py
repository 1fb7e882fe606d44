"""Whether two clauses about the same thing say the contrary of each other.

A clause says of a few things whether they are so: allowed or not, free or charged, open or closed; and of what stands
behind a "not" that it is not so. Two clauses conflict if one of them affirms what the other denies.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chat.grounding.quantities import Quantity, lacking, quantities, without_quantities
from llm.reader.spelling import fold
from llm.reader.words import Bag, Unit, bag, units

_CLAUSE_END = re.compile(
    r"[，,;；。！!？?：:（）()]+|\.(?=\s|$)|\s[–—-]\s|\bbut\b|但是?|不过|"
    r"\band (?=(?:can|may|must|will|it|you|we|they)\b)"
)
# What is only supposed denies and affirms nothing.
_SUPPOSED = re.compile(
    r"\b(?:if|unless|otherwise|when|whether|in case|as long as|once)\b|"
    r"如果?|若|假如|万一|要是|的话|否则|除非|是否|只要|一旦"
)
# Look like a "not" and are none.
_NO_NEGATION = re.compile(
    r"不(?:会|能|可|得)?(?:超过|高于|低于|少于|多于|满|足|到)|不仅|不但|不只|不同|不过|不久|不便|不论|无论|不限于|不错|不断|不少|未来|未满|非常|"
    r"无线|无人机|特别|分别|区别|类别|级别|"
    r"\bno (?:later|more|less|fewer|longer) than\b|\bnot (?:only|later|more|less|just)\b|\bno\.\s?\d"
)
_NEGATION = re.compile(
    r"不予|不能?|没有?|未(?!成年)|无(?!须|需)|非(?=\S{2})|勿|别(?=\S)|"
    r"\b(?:not|no|never|none|without|neither|nor|cannot)\b|n't\b|\b(?:un|non-?|in)(?=(?:opened|used|limited|refundable|active|activity|available|able|valid)\b)"
)
# How far a "not" reaches.
_REACH_HAN, _REACH_WORDS = 7, 4

# Of each few things, how it is affirmed and how it is denied.
_AXES = {
    "allowed": (
        r"可以|允许|支持|受理|接受|能(?!效|量|力|源|耗|够|源)|可(?=[^能是]|$)|"
        r"\b(?:can|may|allowed|permitted|welcome|accept(?:s|ed)?|offer(?:s|ed)?|able to|possible|suitable)\b",
        r"不(?:可以?|允许|支持|受理|接受|能|得|予|准|宜)|禁止|请勿|严禁|谢绝|无法|没办法|没法|请?不要|"
        r"(?<!特)(?<!区)(?<!分)别(?=[把在带])|"
        r"\b(?:cannot|can't|can not|may not|must not|mustn't|forbidden|prohibited|unable to|impossible|"
        r"please do not|please don't)\b|"
        r"\b(?:not|n't|never|neither|no longer)\s(?:\w+\s){0,2}?"
        r"(?:allowed|permitted|accept|offer|offered|accepted|suitable|possible|able to)\b",
    ),
    "charged": (
        r"收费|付费|需付|要付|付钱|另计|另付|收取|交钱|加收|"
        r"\b(?:costs? (?:extra|money|a fee)|charge[sd]?|for a fee|extra charge|at extra cost|pay)\b",
        r"免费|包邮|免[收运配邮]|不收|不要钱|不用钱|不需要?付|无需付|不加收|"
        r"\b(?:free(?: of charge)?|no charge|no cost|no extra|for nothing|complimentary|"
        r"(?:do(?:es)?n't|not) (?:have to )?pay|without (?:charge|a fee)|no fee|not charged?)\b",
    ),
    "open": (
        r"营业|开放|开门|上班|\b(?:open|opens)\b",
        r"闭馆|休息|歇业|关门|休馆|放假|打烊|不营业|不开[放门]|\b(?:closed|(?:not|n't) open)\b",
    ),
    "included": (
        r"包含|包括|含(?!量)|\b(?:include[sd]?|comes with|part of)\b",
        r"不[包]?含|不包括|除外|另计|另付|另外付|"
        r"\b(?:not included|excluded?|excluding|does not include|doesn't include|is extra)\b",
    ),
    "required": (
        r"必须|需要?|须|\b(?:required|mandatory|must|needs?|have to|has to|necessary)\b",
        r"无[需须]|不需要?|不用|不必|免于|"
        r"\b(?:optional|not required|not necessary|no need|"
        r"(?:do(?:es)?(?: not|n't)|needn't) (?:need|have to|require))\b",
    ),
    "limited": (
        r"\bonly\b|仅|只有|只能|限(?![额时])",
        r"\b(?:any|every|everyone|anybody|anyone|all)\b|任何|所有|不限|不受限|无限",
    ),
}  # fmt: skip
_COMPILED = {name: (re.compile(plus), re.compile(minus)) for name, (plus, minus) in _AXES.items()}
# A clause is about the same as another one if it shares this much of its words.
SAME_MATTER = 0.45
WHOLLY = 0.95
FOR_A_QUANTITY = 1.2


@dataclass(frozen=True, slots=True)
class Clause:
    """`says` is what it affirms (True) or denies (False) of the few things; `denied` what stands behind a "not"."""

    about: tuple[Unit, ...]
    bag: Bag
    affirmed: Bag
    denied: tuple[Unit, ...]
    says: tuple[tuple[str, bool], ...]
    quantities: tuple[Quantity, ...]

    @property
    def is_negative(self) -> bool:
        return not all(is_so for _, is_so in self.says)

    def shares(self, other: "Clause") -> float:
        """How much of this clause's words the other one has, 0 to 1."""
        return share_of(self.about, other.bag)

    def nears(self, other: "Clause") -> float:
        """As `shares`, with the numbers: which of several clauses is meant."""
        alike = len(self.quantities) - len(lacking(list(self.quantities), list(other.quantities)))
        words = sum(unit.weight for unit in self.about)
        whole = words + FOR_A_QUANTITY * len(self.quantities)
        return (words * self.shares(other) + FOR_A_QUANTITY * alike) / whole if whole else 0.0

    def miscounts(self, other: "Clause") -> bool:
        """Whether it names a quantity of the same kind as the other one, and not the same."""
        kinds = {quantity.kind for quantity in other.quantities}
        mine = [quantity for quantity in self.quantities if quantity.kind in kinds]
        return bool(lacking(mine, list(other.quantities)))

    def contradicts(self, other: "Clause") -> bool:
        mine, others = dict(self.says), dict(other.says)
        if any(others.get(name, says) != says for name, says in mine.items()):
            return True
        return _denies(self, other) or _denies(other, self)


def says_of(text: str) -> dict[str, bool]:
    """What a text affirms or denies of the few things, and of each just one."""
    return _says(fold(text))[0]


def speaks_of(where: Bag, unit: Unit) -> bool:
    """By the word itself or by a concept behind it, which also another language's words have."""
    is_there = unit.text in where.words or (not unit.text.isascii() and unit.text in where.text)
    return is_there or not unit.concepts.isdisjoint(where.concepts)


def share_of(asked: Sequence[Unit], where: Bag) -> float:
    """How much of some words a text speaks of, 0 to 1."""
    total = sum(unit.weight for unit in asked)
    return sum(unit.weight for unit in asked if speaks_of(where, unit)) / total if total else 0.0


def contradicts(claim: str, source: str) -> bool:
    """Whether a clause of the claim says the contrary of the source's clause about the same matter.

    Or says the same of it with another number.
    """
    given = clauses(source)
    for clause in clauses(claim):
        near = max(given, key=clause.nears, default=None)
        if near and clause.nears(near) >= SAME_MATTER and clause.contradicts(near):
            return True
        same = max(given, key=clause.shares, default=None)
        if same and clause.shares(same) >= WHOLLY and clause.miscounts(same):
            return True
    return False


@lru_cache(maxsize=4096)
def clauses(text: str) -> tuple[Clause, ...]:
    """The clauses of a sentence that say how something is, without those that only suppose it."""
    parts = (part.strip() for part in _CLAUSE_END.split(_NO_NEGATION.sub(" ", fold(text))) if part)
    return tuple(_clause(part) for part in parts if part and not _SUPPOSED.search(part))


def _says(text: str) -> tuple[dict[str, bool], str]:
    """What a folded text says of the few things, and the text without the words for that."""
    says: dict[str, bool] = {}
    bare = text
    for name, (plus, minus) in _COMPILED.items():
        without = minus.sub(" ", text)
        denied, affirmed = without != text, plus.search(without) is not None
        if denied != affirmed:
            says[name] = affirmed
        bare = plus.sub(" ", minus.sub(" ", bare))
    return says, bare


def bare_of(text: str) -> str:
    """A text, folded, without numbers with their units and without "may", "free" and their like."""
    return _says(without_quantities(fold(text)))[1]


def _clause(text: str) -> Clause:
    says, bare = _says(text)
    denied = [unit for reach in _denied(bare) for unit in units(reach)[:1]]
    return Clause(
        about=tuple(units(without_quantities(bare))),
        bag=bag(text),
        affirmed=bag(_without_denied(bare)),
        denied=tuple(denied),
        says=tuple(says.items()),
        quantities=tuple(quantities(text)),
    )


def _denied(text: str) -> Iterator[str]:
    for match in _NEGATION.finditer(text):
        yield text[match.end() : _reach(text, match.end())]


def _without_denied(text: str) -> str:
    kept, at = [], 0
    for match in _NEGATION.finditer(text):
        if match.start() >= at:
            kept.append(text[at : match.start()])
            at = _reach(text, match.end())
    return " ".join([*kept, text[at:]])


def _reach(text: str, start: int) -> int:
    rest = text[start:]
    if re.match(r"\s*[a-z]", rest):
        words = re.match(rf"(?:\s*[\w'-]+){{0,{_REACH_WORDS}}}", rest)
        return start + (words.end() if words else 0)
    return min(len(text), start + _REACH_HAN)


def _denies(clause: Clause, other: Clause) -> bool:
    """Whether it denies what the other one affirms."""
    return not other.is_negative and any(
        speaks_of(other.affirmed, unit) and not _is_denied(unit, other) for unit in clause.denied
    )


def _is_denied(unit: Unit, where: Clause) -> bool:
    return any(unit.text == other.text or not unit.concepts.isdisjoint(other.concepts) for other in where.denied)
