"""Who answers, where the game leaves that open: by rule, so that a replay has the same cast. Pure."""

from collections.abc import Sequence

from npc.worlds.compiled import CompiledWorld


def next_to_speak(
    world: CompiledWorld, present: Sequence[str], *, speaker: str, text: str, spoke_last: Sequence[str]
) -> str | None:
    """The character who is called by name; else who was last talked with; else the first in the world's order.

    `spoke_last`: who answered lately, the newest first. None if nobody but the speaker is there.
    """
    around = [one for one in world.characters if one in present and one != speaker]
    called = [one for one in around if _is_called(world, one, text)]
    talked = [one for one in spoke_last if one in around]
    return next(iter([*called, *talked, *around]), None)


def _is_called(world: CompiledWorld, character: str, text: str) -> bool:
    said = text.casefold()
    return any(name and name.casefold() in said for name in (world.persona_of(character).name, character))
