"""Which facts a character may know now, and why not the others."""

from typing import Literal, NamedTuple

from npc.sessions.play import Play
from npc.sessions.situations import situation
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation

Reason = Literal["not_known_by", "condition"]


class Withheld(NamedTuple):
    """`not_known_by`: others know it, whatever happens. `condition`: its `when` does not hold, so nobody does."""

    id: str
    reason: Reason


class Known(NamedTuple):
    """Every fact of a world is in one of the two, in the order of the world."""

    may_know: list[str]
    withheld: list[Withheld]


def may_know(world: CompiledWorld, character: str, seen: Situation) -> Known:
    """What may enter the character's prompt in this situation. Nothing else of the facts ever does."""
    open_facts = world.open_facts(seen)
    known: list[str] = []
    withheld: list[Withheld] = []
    for fact_id in world.facts:
        if not world.knows(character, fact_id):
            withheld.append(Withheld(fact_id, "not_known_by"))
        elif fact_id not in open_facts:
            withheld.append(Withheld(fact_id, "condition"))
        else:
            known.append(fact_id)
    return Known(known, withheld)


def known_now(world: CompiledWorld, play: Play, character: str) -> Known:
    """The same where the play stands, with the player before the character."""
    return may_know(world, character, situation(world, play, actor=character))
