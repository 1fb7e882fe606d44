"""By which words a closed fact would be known if a character told it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from npc.knowledge.outside import OPENINGS, Tale, tale_of
from npc.knowledge.terms import HAN, beginnings, folded, marks_of, tokens, words_of
from npc.worlds.compiled import KEPT_WORLDS, CompiledWorld

# How much of a fact's words must come together to be the fact: three of four, and of Chinese signs, of which each
# alone says less, seven of ten.
TOLD_SHARE = 0.7
_CODE = re.compile(rf"[^\W{HAN}](?:[^\W{HAN}]|[.\-](?=[^\W{HAN}]))*")
_NUMBER = re.compile(r"\d{3,}")  # one of fewer digits is in anybody's mouth
_LIKE_AN_ID = re.compile(r"[\d_.\-]")
# Of all tenants together; that of a world of 10 000 facts takes some megabytes.
_KEPT_LOOKOUTS = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """One fact. `words` are all that it says, `essence` the same in order; `marks` are what it is known by."""

    id: str
    words: frozenset[str]
    essence: str
    marks: frozenset[str]
    codes: frozenset[str]  # numbers in it, and its id if that is no common word
    opening: str  # its first mark


@dataclass(frozen=True, slots=True)
class Lookout:
    """What to look for in the words of a character.

    A secret is told by one mark at least, of those that nothing which the character may tell has in it, together with
    most of its words. One without such marks is told by its whole essence alone. A code gives it away by itself.
    """

    by_mark: Mapping[str, tuple[Secret, ...]]
    plain: tuple[Secret, ...]
    codes: Mapping[str, str]  # → id of the fact
    openings: frozenset[str]  # marks with which any of these may begin
    beginnings: frozenset[str]  # their first letters
    tale: Tale


def lookout(world: CompiledWorld, character: str, closed: Iterable[str]) -> Lookout:
    """For a character of whom these facts are withheld now."""
    return _lookout(world, character, tuple(closed))


def codes_in(text: str) -> Iterator[str]:
    """All that may be a code: numbers, and what is written like an id."""
    for found in _CODE.finditer(folded(text)):
        yield found.group()
        yield from _NUMBER.findall(found.group())


@lru_cache(maxsize=_KEPT_LOOKOUTS)
def _lookout(world: CompiledWorld, character: str, closed: tuple[str, ...]) -> Lookout:
    secrets, own = _secrets(world), _own(world, character)
    known = [secrets[fact_id] for fact_id in secrets.keys() - set(closed)]
    known_marks = own.marks.union(*(one.marks for one in known))
    known_codes = own.codes.union(*(one.codes for one in known))
    by_mark: dict[str, list[Secret]] = {}
    plain, codes, openings = [], dict[str, str](), set(OPENINGS)
    for secret in (secrets[fact_id] for fact_id in closed):
        marks = secret.marks - known_marks
        for mark in marks:
            by_mark.setdefault(mark, []).append(secret)
        if not marks and secret.opening:
            plain.append(secret)
            openings.add(secret.opening)
        for code in secret.codes - known_codes:
            codes[code] = secret.id
            openings |= {mark for _, mark in marks_of(tokens(code))}
    openings |= by_mark.keys()
    return Lookout(
        by_mark={mark: tuple(found) for mark, found in by_mark.items()},
        plain=tuple(plain),
        codes=codes,
        openings=frozenset(openings),
        beginnings=beginnings(openings),
        tale=tale_of(world),
    )


@lru_cache(maxsize=1024)
def _own(world: CompiledWorld, character: str) -> Secret:
    """What the character is, knows and sees anyway, besides facts. No word of it gives anything away."""
    document, persona = world.document, world.persona_of(character)
    return _secret(
        "",
        "\n".join(
            (
                document.name,
                persona.instructions,
                persona.voice,
                *(example.say for example in persona.examples),
                *(world.persona_of(one).name for one in world.characters),
                *(f"{scene.name}\n{scene.description}" for scene in document.scenes),
                *(goal.description for goal in world.characters[character].goals),
                *(f"{action.name} {action.description}" for action in document.actions),
            )
        ),
    )


@lru_cache(maxsize=KEPT_WORLDS)
def _secrets(world: CompiledWorld) -> Mapping[str, Secret]:
    return {fact.id: _secret(fact.id, fact.text) for fact in world.document.facts}


def _secret(fact_id: str, text: str) -> Secret:
    found = list(tokens(text))
    words = list(words_of(found))
    marks = [mark for _, mark in marks_of(found)]
    codes = {code for code in codes_in(text) if _NUMBER.search(code)}
    return Secret(
        id=fact_id,
        words=frozenset(words),
        essence="".join(words),
        marks=frozenset(marks),
        codes=frozenset({*codes, folded(fact_id)} if _LIKE_AN_ID.search(fact_id) else codes),
        opening=marks[0] if marks else "",
    )
