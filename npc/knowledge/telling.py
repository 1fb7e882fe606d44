"""What may be told on to a character, or kept by it as its own thought: nothing that it is not sure to know itself."""

from functools import lru_cache

from npc.knowledge.secrets import lookout
from npc.turns.guarding import Guard
from npc.worlds.compiled import CompiledWorld


def tells_secret(world: CompiledWorld, hearer: str, text: str) -> bool:
    """Whether a text tells a fact that may ever be closed to the hearer, or leaves the tale.

    What is kept stays, whatever becomes of the state; so a fact with a condition counts as closed, though it may be
    open now. Who may know it learns it from there anyhow.
    """
    guard = Guard(lookout(world, hearer, _ever_closed(world, hearer)))
    guard.feed(text)
    guard.finish()
    return guard.breach is not None


@lru_cache(maxsize=1024)
def _ever_closed(world: CompiledWorld, hearer: str) -> tuple[str, ...]:
    return tuple(fact.id for fact in world.document.facts if fact.when or not world.knows(hearer, fact.id))
