"""What kinds of deeds a text speaks of, in Chinese and English, by the words of `deeds.txt`."""

import re
from functools import cache, lru_cache
from importlib.resources import files

from llm.reader.concepts import stem
from llm.reader.spelling import HAN, fold

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")


@lru_cache(maxsize=4096)
def deeds_in(text: str) -> frozenset[int]:
    """Numbers of the kinds. A longer form hides the shorter ones in it: who is to "stop following" need not follow."""
    folded = fold(text)
    found: set[int] = set()
    for run in re.findall(f"[{HAN}]+", folded):
        found |= _longest(run, "")
    for clause in re.split(r"[.,;:!?()\n]", folded):
        found |= _longest([stem(word) for word in _WORD.findall(clause)], " ")
    return frozenset(found)


def _longest(parts: str | list[str], joint: str) -> set[int]:
    """Kinds of the known forms in a row of characters or stems, the longest at each place."""
    found: set[int] = set()
    at = 0
    while at < len(parts):
        for end in range(min(at + _longest_form(), len(parts)), at, -1):
            if kinds := _forms().get(joint.join(parts[at:end])):
                found |= kinds
                at = end
                break
        else:
            at += 1
    return found


@cache
def _forms() -> dict[str, frozenset[int]]:
    kinds: dict[str, set[int]] = {}
    lines = files(__package__).joinpath("deeds.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        for form in line.split(","):
            words = _WORD.findall(fold(form))
            kinds.setdefault(" ".join(map(stem, words)) if words else form.strip(), set()).add(number)
    return {form: frozenset(numbers) for form, numbers in kinds.items()}


@cache
def _longest_form() -> int:
    """In characters or words."""
    return max(len(form.split(" ")) if form.isascii() else len(form) for form in _forms())
