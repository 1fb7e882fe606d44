"""Things that a line names: what a world calls its ids, and arguments for actions out of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from llm.reader.concepts import stem
from llm.reader.spelling import HAN, fold
from npc.turns.planning import Offer
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import Action

_WORD = re.compile(r"[a-z0-9]+")
_DIGITS = re.compile(r"(?<![\w.])-?\d{1,12}(?:\.\d{1,6})?(?![\w.])|(?<=[\u4e00-\u9fff])\d{1,12}(?=[\u4e00-\u9fff])")
# "ale 麦酒" and "ale: dark ale" in a parameter's description.
_CALLED = re.compile(r"([A-Za-z0-9_.\-]+)\s*(?:[:：=]\s*|\s(?=[^\x00-\x7f]))([^,，、;；。.()（）]+)")
_COUNTED = "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_COUNTS = {word: number for number, word in enumerate(_COUNTED.split(), start=2)} | {"twenty": 20, "a dozen": 12}
_HAN_DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_COUNT = re.compile(r"([一二两三四五六七八九]?十[一二三四五六七八九]?|[二两三四五六七八九])")
MIN_PART, MIN_COMPOUND = 4, 7


class Named(NamedTuple):
    """`strength` from 0 to 1: by its whole name, by its last word, by a part of it."""

    value: Any
    strength: float
    length: int


class Names:
    """What things are called in a world. Made once for each; holds no state of a play."""

    def __init__(self, world: CompiledWorld) -> None:
        self._labels: dict[str, set[str]] = {}
        self._kinds: list[frozenset[str]] = [frozenset(world.scenes), frozenset(world.characters)]
        for scene in world.document.scenes:
            self._call(scene.id, scene.name)
        for character in world.characters:
            self._call(character, world.persona_of(character).name)
        for schema in (world.document.state_schema, *(action.parameters for action in world.document.actions)):
            self._read(schema)

    def labels(self, value: str) -> set[str]:
        return {value.replace("_", " ").replace("-", " "), *self._labels.get(value, ())}

    def kin(self, among: Sequence[Any]) -> set[str]:
        """Other things of the kind that these are of, as far as the world says: places, people, goods."""
        ids = {one for one in among if isinstance(one, str)}
        return {other for kind in self._kinds if ids and ids <= kind for other in kind} - ids

    def mentioned(self, action: Action) -> list[str]:
        """Ids that an action's description or schema speaks of."""
        return _mentioned(self, action.description, action.name, repr(action.parameters))

    def every(self) -> set[str]:
        return {one for kind in self._kinds for one in kind}

    def _call(self, value: Any, label: Any) -> None:
        if isinstance(value, str) and isinstance(label, str) and label.strip():
            self._labels.setdefault(value, set()).add(label.strip())

    def _read(self, schema: Any) -> None:
        """Enums are kinds of things; `const` with `title`, and descriptions that say what an id means, are names."""
        if isinstance(schema, list):
            for one in schema:
                self._read(one)
        if not isinstance(schema, dict):
            return
        values = schema.get("enum")
        options = [one for one in schema.get("oneOf", schema.get("anyOf", ())) or () if isinstance(one, dict)]
        if not isinstance(values, list):
            values = [one["const"] for one in options if "const" in one]
        if ids := frozenset(one for one in values if isinstance(one, str)):
            self._kinds.append(ids)
        for one in options:
            self._call(one.get("const"), one.get("title"))
        if isinstance(told := schema.get("description"), str):
            for value, label in _CALLED.findall(told):
                self._call(value, label)
        for inner in schema.values():
            if isinstance(inner, (dict, list)):
                self._read(inner)


@lru_cache(maxsize=32)
def names_of(world: CompiledWorld) -> Names:
    return Names(world)


@lru_cache(maxsize=2048)
def _mentioned(names: Names, *texts: str) -> list[str]:
    return [one.value for text in texts for one in named_in(text, sorted(names.every()), names) if one.strength == 1]


def named_in(text: str, values: Sequence[Any], names: Names) -> list[Named]:
    """Those of the values that a text names, the best first: the surest, then the longest name."""
    folded = fold(text)
    words = [stem(word) for word in _WORD.findall(folded)]
    found = []
    for value in values:
        if isinstance(value, str) and value:
            strengths = [(_strength(fold(label), folded, words), len(label)) for label in names.labels(value)]
            strength, length = max(strengths)
            if strength:
                found.append(Named(value, strength, length))
    return sorted(found, key=lambda one: (-one.strength, -one.length))


def _strength(label: str, folded: str, words: Sequence[str]) -> float:
    if re.search(f"[{HAN}]", label):
        return _strength_of_chinese(label, folded)
    parts = [stem(word) for word in _WORD.findall(label)]
    if not parts:
        return 0.0
    if any(list(words[at : at + len(parts)]) == parts for at in range(len(words) - len(parts) + 1)):
        return 1.0
    if len(parts) > 1:
        if set(parts) <= set(words):  # the middle of the lake, for «lake middle»
            return 0.9
        return 0.8 if parts[-1] in words else 0.0
    whole = parts[0]
    is_part = len(whole) >= MIN_COMPOUND and any(
        MIN_PART <= len(word) < len(whole) and (whole.startswith(word) or whole.endswith(word)) for word in words
    )
    return 0.6 if is_part else 0.0


def _strength_of_chinese(label: str, folded: str) -> float:
    if label in folded:
        return 1.0
    if len(label) == 2:  # 点个头, 挥挥手, 抱抱
        first, second = map(re.escape, label)
        if re.search(f"{first}(?:{first}|[了一个过]){{1,3}}{second}|{second}一?{second}", folded):
            return 0.9
    return 0.8 if len(label) > 2 and label[-2:] in folded else 0.0


def numbers_in(text: str) -> list[float]:
    """Numbers in digits, in their order."""
    return [float(found) for found in _DIGITS.findall(text)]


def counts_in(text: str) -> set[int]:
    """Whole numbers above one that are spelt out or written in digits. «One» and 一 are articles too."""
    folded = fold(text)
    counts = {number for word, number in _COUNTS.items() if re.search(rf"\b{word}\b", folded)}
    for numeral in _HAN_COUNT.findall(folded):
        tens, has_tens, ones = numeral.rpartition("十")
        counts.add((_HAN_DIGITS.get(tens, 1) * 10 if has_tens else 0) + _HAN_DIGITS.get(ones, 0))
    return counts | {int(number) for number in numbers_in(text) if number > 1}


def filled(text: str, offer: Offer, names: Names) -> dict[str, Any] | None:
    """Arguments for an action out of the words: candidates that are named in them, numbers that stand in them.

    None if a required one cannot be told. What is not required is left out unless it is named.
    """
    schema = offer.action.parameters
    required = schema.get("required", [])
    numbers = numbers_in(text)
    arguments: dict[str, Any] = {}
    for name, parameter in _parameters(schema):
        value = _argument(text, parameter, offer.candidates.get(name), numbers, names, is_required=name in required)
        if value is not None:
            arguments[name] = value
        elif name in required:
            return None
    return arguments


def choices(offer: Offer) -> Iterator[Sequence[Any]]:
    """For each parameter that has them, the values that it may take now."""
    for name, parameter in _parameters(offer.action.parameters):
        if (among := _among(parameter, offer.candidates.get(name))) is not None:
            yield among


def _parameters(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, parameter in schema.get("properties", {}).items():
        yield name, parameter if isinstance(parameter, dict) else {}


def _among(parameter: Mapping[str, Any], candidates: Sequence[Any] | None) -> Sequence[Any] | None:
    if candidates is not None:
        return candidates
    if isinstance(parameter.get("enum"), list):
        return list(parameter["enum"])
    constants = [one["const"] for one in parameter.get("oneOf", ()) if isinstance(one, dict) and "const" in one]
    return constants or None


def _argument(
    text: str,
    parameter: Mapping[str, Any],
    candidates: Sequence[Any] | None,
    numbers: list[float],
    names: Names,
    *,
    is_required: bool,
) -> Any:
    kind = parameter.get("type")
    among = _among(parameter, candidates)
    if among is not None:
        found = _one_of(text, among, names, is_required=is_required)
        return [found] if kind == "array" and found is not None else found
    if kind in ("integer", "number") and numbers:
        number = numbers.pop(0)
        return int(number) if kind == "integer" else number
    return parameter.get("default") if is_required else None


def _one_of(text: str, among: Sequence[Any], names: Names, *, is_required: bool) -> Any:
    """The value that is named; else, if there is one only and it is needed, that one: unless another is named."""
    if named := named_in(text, among, names):
        return named[0].value
    counts = counts_in(text) if all(isinstance(one, int) for one in among) else set()
    if counts:
        return next((one for one in among if one in counts), None)
    if not is_required or len(among) != 1:
        return None
    others = named_in(text, sorted(names.kin(among)), names)
    return None if any(one.strength >= 0.9 for one in others) else among[0]
