"""What a model proposed, held against the world: the engine decides. Pure.

Small slips are mended, each by a rule with a name. What is wrong beyond that is removed, and the reason is kept.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from npc.turns.planning import Offer
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Action
from npc.worlds.plain import check_plain

# A character that does ten things at once is a model that has lost the thread.
MAX_ACTIONS = 3
# A model may propose as many as it likes; the log keeps the first.
MAX_LOOKED_AT = 20
MAX_KEPT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Passed:
    """An action that the game may be told of."""

    action: Action
    arguments: dict[str, Any]


@dataclass(slots=True)
class Checked:
    """`removed`: `{name, arguments, rule, detail}` each. `repairs`: `{name, rule, detail}` each. Both JSON-able."""

    passed: list[Passed] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)


class Refused(Exception):
    """A proposal that cannot be mended. `rule` says by which of the rules."""

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(rule)
        self.rule = rule
        self.detail = detail


def check_actions(
    world: CompiledWorld, situation: Situation, offers: Mapping[str, Offer], proposed: list[Any]
) -> Checked:
    """Check proposals in their order against what is offered in this situation; at most `MAX_ACTIONS` pass."""
    checked = Checked()
    for proposal in proposed[:MAX_LOOKED_AT]:
        mending = _Mending(world, offers)
        try:
            passed = _check(world, situation, mending, proposal)
            if any(
                (passed.action.name, passed.arguments) == (one.action.name, one.arguments) for one in checked.passed
            ):
                raise Refused("doubled")
            if len(checked.passed) == MAX_ACTIONS:
                raise Refused("too_many", str(MAX_ACTIONS))
        except Refused as refusal:
            checked.removed.append(_told(proposal) | {"rule": refusal.rule, "detail": refusal.detail})
            continue
        checked.passed.append(passed)
        checked.repairs += mending.repairs
    if len(proposed) > MAX_LOOKED_AT:
        checked.removed.append({"name": "", "arguments": {}, "rule": "too_many", "detail": str(len(proposed))})
    return checked


def _check(world: CompiledWorld, situation: Situation, mending: "_Mending", proposal: Any) -> Passed:
    if not isinstance(proposal, dict) or check_plain(proposal):
        raise Refused("not_an_action")
    offer = mending.offer(proposal.get("name"))
    arguments = mending.arguments(offer, proposal.get("arguments"))
    if problems := world.argument_problems(offer.action, arguments):
        raise Refused("schema", f"{problems[0].path}: {problems[0].reason}"[:MAX_KEPT_CHARACTERS])
    for name, among in offer.candidates.items():
        if name in arguments and not _is_among(arguments[name], among):
            raise Refused("not_a_candidate", name)
    if not world.passes(offer.action, situation.with_args(arguments)):
        raise Refused("check")
    return Passed(offer.action, arguments)


class _Mending:
    """The slips of one proposal, mended."""

    def __init__(self, world: CompiledWorld, offers: Mapping[str, Offer]) -> None:
        self.repairs: list[dict[str, Any]] = []
        self._world = world
        self._offers = offers
        self._name = ""

    def offer(self, name: Any) -> Offer:
        if not isinstance(name, str):
            raise Refused("not_an_action")
        found = _nearest(name, [*self._world.actions])
        if found is None:
            raise Refused("unknown_action")
        self._name = found
        if found != name:
            self._repair("name_mended", name)
        if found not in self._offers:
            raise Refused("not_offered")
        return self._offers[found]

    def arguments(self, offer: Offer, arguments: Any) -> dict[str, Any]:
        if arguments is None:
            arguments = {}
        if isinstance(arguments, str):
            arguments = self._parsed(arguments)
        if not isinstance(arguments, dict):
            raise Refused("schema", "arguments")
        properties = offer.action.parameters.get("properties", {})
        kept = {}
        for name, value in arguments.items():
            known = _nearest(name, [*properties])
            if known is None and not _takes_more(offer.action):
                self._repair("extra_argument_dropped", name)
                continue
            if known is not None and known != name:
                self._repair("argument_name_mended", name)
            name = known or name
            kept[name] = self._value(name, value, properties.get(name, {}), offer.candidates.get(name))
        return kept

    def _parsed(self, text: str) -> Any:
        try:
            arguments = json.loads(text or "{}")
        except (ValueError, RecursionError):
            raise Refused("schema", "arguments") from None
        if check_plain(arguments):
            raise Refused("schema", "arguments")
        self._repair("arguments_parsed", "")
        return arguments

    def _value(self, name: str, value: Any, schema: Any, among: list[Any] | None) -> Any:
        types = schema.get("type") if isinstance(schema, dict) else None
        if not isinstance(value, str) or (among is not None and value in among):
            return value
        if types == "array":
            return self._listed(name, value, among)
        for rule, mend in _MENDERS.items():
            mended = mend(value, types, among)
            if mended is not None:
                self._repair(rule, name)
                return mended
        return value

    def _listed(self, name: str, value: str, among: list[Any] | None) -> Any:
        """ "ale|bread" where a list is wanted."""
        self._repair("list_split", name)
        parts = [part.strip() for part in value.split("|") if part.strip()]
        return [_nearest(part, among) or part for part in parts] if among else parts

    def _repair(self, rule: str, detail: str) -> None:
        self.repairs.append({"name": self._name, "rule": rule, "detail": detail[:MAX_KEPT_CHARACTERS]})


def _number(value: str, types: Any, _among: list[Any] | None) -> Any:
    """ "3" where a number is wanted."""
    wants = {"integer": int, "number": float}.get(types) if isinstance(types, str) else None
    if wants is None or len(value) > 20:
        return None
    try:
        number = wants(value.strip())
    except ValueError:
        return None
    return None if check_plain(number) else number


def _candidate(value: str, _types: Any, among: list[Any] | None) -> Any:
    """A candidate but for case and blanks."""
    return _nearest(value, among) if among else None


def _first_of_list(value: str, _types: Any, among: list[Any] | None) -> Any:
    """ "ale|bread" where one is wanted: the first that is a candidate."""
    if not among or "|" not in value:
        return None
    return next((found for part in value.split("|") if (found := _nearest(part, among)) is not None), None)


_MENDERS: dict[str, Callable[[str, Any, list[Any] | None], Any]] = {
    "number_parsed": _number,
    "candidate_mended": _candidate,
    "first_of_list": _first_of_list,
}


def _nearest(text: str, among: list[Any]) -> str | None:
    """The one of these that a text is: exactly, or else but for case and blanks around it, if that is one only."""
    if text in among:
        return text
    plain = text.strip().casefold()
    alike = [one for one in among if isinstance(one, str) and one.strip().casefold() == plain]
    return alike[0] if len(alike) == 1 else None


def _takes_more(action: Action) -> bool:
    """Whether the author wants arguments beyond those that are named."""
    schema = action.parameters
    return bool(schema.get("additionalProperties")) or "patternProperties" in schema


def _is_among(value: Any, among: list[Any]) -> bool:
    """Of a list each has to be a candidate. True is not 1 here."""
    if isinstance(value, list) and value not in among:
        return all(_is_among(one, among) for one in value)
    return any(type(value) is type(one) and value == one for one in among)


def _told(proposal: Any) -> dict[str, Any]:
    """A refused proposal as the log keeps it: short, and storable whatever it was."""
    if not isinstance(proposal, dict):
        proposal = {"name": "", "arguments": proposal}
    text = json.dumps(proposal.get("arguments"), default=str)
    arguments = proposal.get("arguments") if len(text) <= MAX_KEPT_CHARACTERS else text[:MAX_KEPT_CHARACTERS]
    if check_plain(arguments):
        arguments = text[:MAX_KEPT_CHARACTERS]
    name = json.dumps(proposal.get("name"), ensure_ascii=True)[:100].strip('"')
    return {"name": proposal["name"] if _is_plain_name(proposal.get("name")) else name, "arguments": arguments}


def _is_plain_name(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= 100 and not check_plain(name)
