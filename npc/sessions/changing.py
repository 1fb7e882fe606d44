"""The game changes its state."""

from typing import Any, Literal

from npc.errors import StateStale
from npc.models import LogEntry
from npc.sessions.entries import StatePatched
from npc.sessions.patching import checked_patch
from npc.sessions.play import Play
from npc.sessions.writing import Writer

Source = Literal["game", "turn", "result", "hook"]


def expect_version(play: Play, *versions: int) -> None:
    """Raise StateStale unless the state is one of these."""
    if play.version not in versions:
        raise StateStale(state_version=play.version)


def patch_state(writer: Writer, patch: Any, *, source: Source = "game") -> LogEntry:
    """Change the state by a JSON Patch (a list) or a merge patch (an object). Raises Invalid, StateStale.

    One that leaves the state as it was is an entry too: the game has said so, and counts versions.
    """
    checked_patch(writer.world, writer.play.state, patch)
    return writer.add(StatePatched(patch=patch, source=source))
