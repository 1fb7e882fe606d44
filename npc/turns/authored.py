"""What a character says and does without a model: only what its author wrote, chosen by conditions and by meaning."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from llm.embedding import bundled
from llm.reader import read
from llm.reader.lines import remembered_vectors
from llm.reader.types import ReaderTask
from llm.reader.words import bag
from npc.turns import texts
from npc.turns.deeds import deeds_in
from npc.turns.naming import Names, choices, filled, named_in, names_of
from npc.turns.planning import Offer
from npc.turns.wishes import Wish, wishes_in
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Action
from personas.language import is_chinese

# What a score gains over the cosine where the deed's own words fall, and where something is named that it is done with.
# By the half for tuning of `tests/npc/reader_lines.jsonl`; anything from 0.06 to 0.1 does as well.
FOR_SHARED_DEEDS = FOR_NAMED_THINGS = 0.07
# In brackets an author may say how an action is asked for. Such a phrase is short, so that it is near to much.
FOR_A_PHRASE = -0.02
_BRACKETS = re.compile(r"[(（]([^)）]*)[)）]")
_PHRASES = re.compile(r"[,;，；]|(?<=[?？!！.。])")
# Who asks says "me" where authors write of the guest.
_ASKER = re.compile(
    r"\bthe (?:guest|player|visitor|customer|traveller|stranger|hero)\b|客人|玩家|顾客|来客|旅人|主角", re.IGNORECASE
)


def lines_now(world: CompiledWorld, situation: Situation, character: str) -> list[str]:
    """The fallback lines that fit the moment: those whose condition holds, or else those that have none."""
    fallbacks = world.characters[character].fallbacks
    apt = [one.text for one in fallbacks if one.when is not None and world.is_open(one.when, situation)]
    return apt or [one.text for one in fallbacks if one.when is None]


def line_for(lines: Sequence[str], said: Sequence[str], seed: int, language: str) -> str:
    """One of the lines, by seed, and not the one that was said last if there is another."""
    fresh = [line for line in lines if not said or line != said[-1]] or list(lines)
    return fresh[seed % len(fresh)] if fresh else texts.SILENCE["zh" if language.startswith("zh") else "en"]


def answer_by_meaning(
    task: ReaderTask, world: CompiledWorld, own: Sequence[Action], offers: Mapping[str, Offer], line: str
) -> tuple[str, list[dict[str, Any]]]:
    """The example's line that answers what was said, or `line` if none is near; and the action that is asked for.

    `own` are all actions of the character's, possible or not. Computes vectors: some 20 ms, on a thread of its own.
    """
    model = bundled()
    answer = read(task, model.embed_query, model.embed_passages)
    say = line if answer.trace.get("reason") == "fallback" else answer.text
    return say, action_by_meaning(task.question, world, own, offers)


def action_by_meaning(
    text: str, world: CompiledWorld, own: Sequence[Action], offers: Mapping[str, Offer]
) -> list[dict[str, Any]]:
    """The action that is asked for; none if nothing is, or if that is not possible now, or lacks an argument.

    The second best is no substitute: who is asked for a sword that is not there does not sell ale instead.
    """
    wishes = wishes_in(text) if offers else frozenset()
    names = names_of(world)
    name = None
    if Wish.WAY in wishes:
        leading = [one for one in own if one.name in offers and _leads(world, text, offers[one.name], names)]
        name = _best(text, leading, offers, names)
    if name is None and Wish.DEED in wishes:
        name = _best(text, own, offers, names)
    arguments = filled(text, offers[name], names) if name and name in offers else None
    return [] if arguments is None else [{"name": name, "arguments": arguments}]


def _leads(world: CompiledWorld, text: str, offer: Offer, names: Names) -> bool:
    """Whether it is done with places, of which the text names one."""
    places = [one for among in choices(offer) for one in among if one in world.scenes]
    return bool(named_in(text, places, names))


def _best(text: str, among: Sequence[Action], offers: Mapping[str, Offer], names: Names) -> str | None:
    """Of these actions the one that the words are about. None if no word of theirs has to do with any."""
    if not among:
        return None
    model = bundled()
    said, deeds, concepts = model.embed_query(text), deeds_in(text), bag(text).concepts
    scored = []
    for action in among:
        described = f"{action.name.replace('_', ' ')}. {action.description}"
        shared = len(deeds & deeds_in(described)) / max(len(deeds), 1)
        things = [one for ways in choices(offers[action.name]) for one in ways] if action.name in offers else None
        named = named_in(text, names.mentioned(action) if things is None else things, names)
        strength = named[0].strength if named else 0.0
        phrases, forms = _phrasings(action)
        cosines = remembered_vectors(model.embed_passages, (*forms, *phrases)) @ said
        near = max((float(one) + (FOR_A_PHRASE if place >= len(forms) else 0)) for place, one in enumerate(cosines))
        is_about = bool(shared or strength or concepts & bag(described).concepts)
        scored.append((near + FOR_SHARED_DEEDS * shared + FOR_NAMED_THINGS * strength, is_about, action.name))
    _score, is_about, name = max(scored)
    return name if is_about else None


@lru_cache(maxsize=2048)
def _phrasings_of(name: str, description: str) -> tuple[list[str], list[str]]:
    phrases = [one.strip() for inside in _BRACKETS.findall(description) for one in _PHRASES.split(inside)]
    plain = _BRACKETS.sub("", description).strip() or name.replace("_", " ")
    asked = _ASKER.sub("我" if is_chinese(plain) else "me", plain)
    return [one for one in phrases if one], list(dict.fromkeys((plain, asked)))


def _phrasings(action: Action) -> tuple[list[str], list[str]]:
    """How an author says that an action is asked for; and what it is, also from the mouth of who asks."""
    return _phrasings_of(action.name, action.description)
