"""A play: all that is true in a session at one moment.

A value: nothing in it is changed in place. `npc.sessions.folding` makes the next one from an entry of the log.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A plain value that is stored as JSON and comes back equal."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Player(Value):
    id: str
    name: str = ""


class Proposed(Value):
    """An action that the game has not answered yet."""

    turn_id: str
    actor: str
    name: str
    arguments: dict[str, Any]
    timing: Literal["before_speech", "after_speech"]
    expires_at: str  # RFC 3339, by our clock


class Play(Value):
    """What is true now. `state` is the game's own, under the world's schema; the rest is what Troupe keeps."""

    player: Player
    state: dict[str, Any]
    version: int = 1  # of `state`: rises with each change of it, and is what `If-Match` names
    game_time: float = 0.0
    scenes: dict[str, str | None] = {}  # who is where: characters and the player, by id
    affinity: dict[str, dict[str, float]] = {}  # of characters towards the player, by axis
    emotions: dict[str, str] = {}  # of characters, the last one shown
    proposed: dict[str, Proposed] = {}  # by action id

    def present_in(self, scene: str | None) -> list[str]:
        """Who is in a scene, in order of ids, the player among them. Nobody is together nowhere."""
        return sorted(who for who, where in self.scenes.items() if where is not None and where == scene)

    def with_(self, **changes: Any) -> "Play":
        return self.model_copy(update=changes)


def stored(play: Play) -> dict[str, Any]:
    """As it is kept in `Branch.head`, `Branch.base` and `Save.play`."""
    return play.model_dump(mode="json")
