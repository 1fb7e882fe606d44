"""What a turn asks: the words or the event with which somebody turns to a character."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from npc.errors import TurnIdTaken
from npc.sessions.entries import TurnOpened

# Where a game does not say how long it waits. Longer than any model that is worth waiting for.
USUAL_DEADLINE_MS = 15_000
SHORTEST_DEADLINE_MS, LONGEST_DEADLINE_MS = 50, 60_000
# Of the time until the deadline, what is kept back for checking and storing the answer.
CLOSING_MS, CLOSING_SHARE = 150, 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """A turn as it was asked for. The shape has been checked, the ids have not.

    `character` None lets the director pick. `event` is `{type, text?, data?}`, where nobody says anything.
    """

    turn_id: UUID
    speaker: str
    character: str | None = None
    text: str = ""
    event: Mapping[str, Any] | None = None
    state_patch: Any = None
    base_state_version: int | None = None
    scene: str | None = None
    present: Sequence[str] | None = None
    allowed_actions: Sequence[str] | None = None
    deadline_ms: int = USUAL_DEADLINE_MS
    seed: int | None = None

    def expect_same(self, before: "Asked | TurnOpened") -> None:
        """Raise TurnIdTaken if the turn that was asked for under this id was another one.

        How long the game waits and what it knows of the state may be another: it asks again, later.
        """
        is_same = (self.speaker, self.text, self.event) == (before.speaker, before.text, before.event)
        if not is_same or self.character not in (None, before.character):
            raise TurnIdTaken

    @property
    def speaking_ms(self) -> float:
        """Until when, from the beginning, something may be said."""
        return self.deadline_ms - min(CLOSING_MS, CLOSING_SHARE * self.deadline_ms)


@dataclass(frozen=True, slots=True)
class Told:
    """What the game said of its state before a turn.

    `change` is a JSON Patch or a merge patch; None where nothing has changed, or nobody knows. `why` is then one word.
    """

    change: Any = None
    why: str = ""
    took_ms: int = 0
