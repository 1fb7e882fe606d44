"""What can happen in a play: the kinds of log entries and what each carries.

The log is read for years and by replay, so fields are only ever added, with a default.
"""

from typing import Any, Literal

from npc.sessions.play import Player, Value


class Opened(Value):
    """The session begins: the first entry of its first branch."""

    player: Player
    state: dict[str, Any]
    scene: str | None = None  # where the player is


class StatePatched(Value):
    """The state changed: by a JSON Patch, or by a merge patch, which an object is."""

    patch: list[dict[str, Any]] | dict[str, Any]
    source: Literal["game", "turn", "result", "hook"] = "game"


class Happened(Value):
    """The game tells of an event. `witnesses` are those who perceived it, already decided."""

    type: str
    text: str = ""
    data: dict[str, Any] = {}
    scene: str | None = None
    witnesses: list[str] = []


class Placed(Value):
    """Who is where from now on. Those who are not named stay."""

    scenes: dict[str, str | None]


class ActionOutcome(Value):
    """What became of one action: `accepted` and `rejected` by the game, `expired` by the clock."""

    action_id: str
    outcome: Literal["accepted", "rejected", "expired"]
    reason: str = ""


class ProposedAction(Value):
    """An action as the game is told of it."""

    id: str
    name: str
    arguments: dict[str, Any]
    timing: Literal["before_speech", "after_speech"]
    ttl_s: int
    expires_at: str


class TurnOpened(Value):
    """Somebody turned to a character: what was asked, and all that the answer may depend on.

    `read` names what was read from elsewhere: version ids, memory ids, candidate sets, the prompt's digest.
    """

    turn_id: str
    character: str
    speaker: str
    text: str = ""
    event: dict[str, Any] | None = None
    scene: str | None = None
    present: list[str] = []
    allowed_actions: list[str] | None = None
    deadline_ms: int | None = None
    seed: int = 0
    read: dict[str, Any] = {}


class TurnClosed(Value):
    """The answer as the game got it, and what it was made from."""

    turn_id: str
    character: str
    say: str
    emotion: str = "neutral"
    actions: list[ProposedAction] = []
    fallback: Literal["deadline", "budget", "provider", "guard"] | None = None
    cancelled: bool = False
    chunks: list[str] = []  # the model's own words, as they came
    removed: list[dict[str, Any]] = []  # what it proposed and the engine refused, with the rule
    timing: dict[str, Any] = {}
    usage: dict[str, Any] = {}


class MemoryForgotten(Value):
    """Somebody deleted a memory; it is not to come back by a fold."""

    memory_id: str


class TimePassed(Value):
    """A new part of the game's day began, in which those who are together may gossip: `npc.knowledge.gossip`.

    `company` are the characters of each scene, `feelings` how strongly they feel for the player, from 0 to 1.
    """

    part: int
    company: list[list[str]]
    feelings: dict[str, float] = {}


class Told(Value):
    teller: str
    hearer: str
    memory_id: str  # the hearer's


class Gossiped(Value):
    """What was told in the part of the day that began with the `entry` of this number; noted late, true since then."""

    entry: int
    told: list[Told] = []


Data = (
    Opened
    | StatePatched
    | Happened
    | Placed
    | ActionOutcome
    | TurnOpened
    | TurnClosed
    | MemoryForgotten
    | TimePassed
    | Gossiped
)

KINDS: dict[str, type[Value]] = {
    "opened": Opened,
    "state.patched": StatePatched,
    "event": Happened,
    "placed": Placed,
    "action.outcome": ActionOutcome,
    "turn.opened": TurnOpened,
    "turn.closed": TurnClosed,
    "memory.forgotten": MemoryForgotten,
    "time.passed": TimePassed,
    "gossip": Gossiped,
}
KIND_OF = {kind: name for name, kind in KINDS.items()}


def read_entry(kind: str, data: dict[str, Any]) -> Any:
    """A stored entry as its value. Raises KeyError for a kind of a newer Troupe."""
    return KINDS[kind].model_validate(data)
