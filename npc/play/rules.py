"""The rules of the village: what the game makes of an action that a character proposes. Pure.

`demo/README.md` tells the same in words.
"""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

State = dict[str, Any]

BAG_HOLDS = 8  # things a carrier has room for
DAWN, DUSK = 6.0, 18.0
EVENING = 21.0  # until when one rests by day
ARRIVAL = 8.0  # the hour of the day at which game time is 0
STROKES_OF_THE_SONG = 13


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the game says: `patch` is what an accepted action changes, `reason` why another is not done."""

    accepted: bool
    reason: str = ""
    patch: State = field(default_factory=dict)


def judge(state: State, actor: str, name: str, arguments: dict[str, Any]) -> Verdict:
    """Whether it can be done as things stand now, which may have changed since it was proposed."""
    reason = _objection(state, actor, name, arguments)
    return Verdict(False, reason) if reason else Verdict(True, patch=effect(state, actor, name, arguments))


def _objection(state: State, actor: str, name: str, arguments: dict[str, Any]) -> str:
    match name, arguments:
        case "give" | "trade", {"item": item}:
            if len(state["bag"]) >= BAG_HOLDS:
                return _("The bag is full.")
            if name == "give" and item not in state["gifts"].get(actor, ()):
                return _("It has been given away already.")
            if name == "trade" and _price(state, arguments) > state["coins"]:
                return _("There are not enough coins.")
        case "take" | "read_aloud", {"item": thing} | {"paper": thing}:
            if thing not in state["bag"]:
                return _("It is not in the bag.")
        case "open", {"door": door}:
            if door not in state["locked"]:
                return _("It is open already.")
        case "teach_verse", {"verse": verse}:
            if verse in state["verses"]:
                return _("This verse is known already.")
        case "follow", _:
            if actor in state["following"] or len(state["following"]) > 1:
                return _("Two at most go along.")
        case "stay", _:
            if actor not in state["following"]:
                return _("Nobody was going along.")
        case "promise", _:
            if actor in state["promised"]:
                return _("This was promised already.")
        case "ring_bell", {"strokes": int(strokes)}:
            if strokes == STROKES_OF_THE_SONG and not state["night"]:
                return _("The song begins at midnight, not by day.")
    return ""


def effect(state: State, actor: str, name: str, arguments: dict[str, Any]) -> State:
    """What an accepted action changes, as a merge patch; nothing for what is only to be seen and heard."""
    stage = state["stage"]
    match name, arguments:
        case "take", {"item": item}:
            wants = state["wants"].get(actor, [])
            return {"bag": _without(state["bag"], item), "wants": {actor: _without(wants, item)}}
        case "give", {"item": item}:
            return {"bag": [*state["bag"], item], "gifts": {actor: _without(state["gifts"][actor], item)}}
        case "trade", {"item": item}:
            return {"bag": [*state["bag"], item], "coins": state["coins"] - _price(state, arguments)}
        case "lead_to", _:
            return {"stage": max(stage, 1)}
        case "open", {"door": "chest"}:
            found = {"bag": [*state["bag"], "page"], "stage": max(stage, 2)}
            return {"locked": _without(state["locked"], "chest"), **found}
        case "open", {"door": door}:
            return {"locked": _without(state["locked"], door)}
        case "teach_verse", {"verse": verse}:
            verses = [*state["verses"], verse]
            return {"verses": verses, "stage": max(stage, 3) if len(verses) == 4 else stage}
        case "promise", _:
            return {"promised": [*state["promised"], actor]}
        case "ferry", {"to": place}:
            return {"boat": place}
        case "ring_bell", {"strokes": 13}:
            return {"bell": "answered", "stage": 4, "spring": 10}
        case "ring_bell", _:
            return {"bell": "rung"}
        case "follow", _:
            return {"following": [*state["following"], actor]}
        case "stay", _:
            return {"following": _without(state["following"], actor)}
    return {}


def is_night(game_time: float) -> bool:
    """`game_time` counts the hours since the carrier came."""
    return not DAWN <= (ARRIVAL + game_time) % 24 < DUSK


def next_turn_of_day(game_time: float) -> float:
    """The next evening by day, and by night the next morning at the hour of arrival."""
    hour = (ARRIVAL + game_time) % 24
    wanted = ARRIVAL if is_night(game_time) else EVENING
    return game_time + (wanted - hour) % 24


def _price(state: State, arguments: dict[str, Any]) -> int:
    return int(arguments.get("price", state["prices"][arguments["item"]]))


def _without(items: list[str], item: str) -> list[str]:
    left = list(items)
    if item in left:
        left.remove(item)
    return left
