"""A turn ends: what was said and proposed is held against the world as it is now, noted, and told to the game."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid5

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from llm.metering import Payer, record_call, settle_calls, write_calls
from llm.routes import cost_of
from llm.types import RouteConfig, Usage
from npc.knowledge.remembering import remember_entry
from npc.models import LogEntry
from npc.sessions.entries import ProposedAction, TurnClosed, TurnOpened, read_entry
from npc.sessions.play import Play
from npc.sessions.situations import situation
from npc.sessions.writing import Writer, play_at, writing
from npc.turns.authored import line_for, lines_now
from npc.turns.checking import Checked, Passed, check_actions
from npc.turns.guarding import Breach
from npc.turns.opening import Turn
from npc.turns.planning import offers
from npc.turns.purse import spend
from npc.turns.settling import expire_overdue
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from tenants.errors import NotFound

Fallback = Literal["deadline", "budget", "provider", "guard"]

# A turn whose process died is closed when the game asks again, so long after its deadline.
GIVEN_UP_AFTER = timedelta(seconds=3)
NOTHING_USED = Usage(0, 0)


class TurnNotFound(NotFound):
    default_detail = _("There is no such turn.")


@dataclass(slots=True)
class Outcome:
    """What a turn came to, before it is checked."""

    say: str = ""
    emotion: str = ""
    proposed: list[Any] = field(default_factory=list)
    fallback: Fallback | None = None
    is_cancelled: bool = False
    chunks: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    breach: Breach | None = None  # of the world's secrets, or of the tale: what stopped the speech
    timing: dict[str, Any] = field(default_factory=dict)
    calls: list["Call"] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """One model that was asked."""

    route: RouteConfig
    usage: Usage = NOTHING_USED
    took_ms: int = 0
    first_token_ms: int | None = None
    outcome: Literal["ok", "stopped", "failed"] = "ok"
    error_code: str = ""

    @property
    def cost(self) -> Decimal:
        return cost_of(self.usage, self.route)


def close_turn(turn: Turn, outcome: Outcome, *, api_key_id: UUID | None) -> dict[str, Any]:
    """Note the end of a turn and return the answer. Raises BranchLeft if the player has loaded a save meanwhile."""
    with writing(turn.tenant_id, turn.session_id, branch_id=turn.branch_id) as writer:
        if known := writer.find(TurnClosed, turn.turn_id):  # somebody gave it up too early
            return answer_of(writer.world, known)
        closed = closed_as(writer, turn.opened, outcome)
        entry = writer.add(closed, subject=turn.turn_id)
        remember_entry(writer, entry)
        _meter(writer, turn, outcome, api_key_id)
        spent = sum((call.cost for call in outcome.calls), Decimal(0))
        spend(turn.world.document.purse, writer.session, turn.opened.scene, spent - turn.ladder.reserved)
        return _answer(writer.play, closed, _goals(writer, turn.opened))


def answer_so_far(tenant_id: UUID, session_id: UUID, turn_id: UUID) -> dict[str, Any] | None:
    """The answer of a turn that was sent before; None while it is still being made. Raises TurnNotFound.

    One that nobody makes any more is closed with a line of the character's.
    """
    with writing(tenant_id, session_id) as writer:
        if known := writer.find(TurnClosed, turn_id):
            return answer_of(writer.world, known)
        entry = writer.find(TurnOpened, turn_id)
        if entry is None:
            raise TurnNotFound
        return _given_up(writer, entry)


def answer_of(world: CompiledWorld, entry: LogEntry) -> dict[str, Any]:
    """The answer as it was given: by the play as it was when the turn ended."""
    closed: TurnClosed = read_entry(entry.kind, entry.data)
    found = LogEntry.objects.on(entry.branch).filter(kind="turn.opened", subject=entry.subject).get()
    opened, play = read_entry(found.kind, found.data), play_at(world, entry.branch, entry.seq)
    seen = situation(
        world, play, actor=opened.character, speaker=opened.speaker, scene=opened.scene, present=opened.present
    )
    return _answer(play, closed, world.goals(closed.character, seen))


def _given_up(writer: Writer, entry: LogEntry) -> dict[str, Any] | None:
    opened: TurnOpened = read_entry(entry.kind, entry.data)
    if timezone.now() < entry.at + timedelta(milliseconds=opened.deadline_ms or 0) + GIVEN_UP_AFTER:
        return None
    lines = lines_now(writer.world, _situation(writer, opened), opened.character)
    say = line_for(lines, (), opened.seed, writer.world.document.language)
    closed = closed_as(writer, opened, Outcome(say=say, fallback="provider"))
    remember_entry(writer, writer.add(closed, subject=UUID(opened.turn_id)))
    return _answer(writer.play, closed, _goals(writer, opened))


def closed_as(writer: Writer, opened: TurnOpened, outcome: Outcome) -> TurnClosed:
    """The entry that ends a turn: what it came to, held against the world as it is now."""
    expire_overdue(writer)
    seen = _situation(writer, opened)
    possible = offers(writer.world, seen, opened.character, opened.allowed_actions)
    checked = check_actions(writer.world, seen, possible, outcome.proposed)
    emotion, repaired = _emotion(writer, opened.character, outcome.emotion)
    return TurnClosed(
        turn_id=opened.turn_id,
        character=opened.character,
        say=outcome.say,
        emotion=emotion,
        actions=[_proposed(opened, number, one) for number, one in enumerate(checked.passed)],
        fallback=outcome.fallback,
        cancelled=outcome.is_cancelled,
        chunks=outcome.chunks,
        removed=_changes(outcome, checked, repaired),
        timing=outcome.timing,
        usage=_usage(outcome),
    )


def _situation(writer: Writer, opened: TurnOpened) -> Situation:
    return writer.sees(actor=opened.character, speaker=opened.speaker, scene=opened.scene, present=opened.present)


def _emotion(writer: Writer, character: str, emotion: str) -> tuple[str, list[dict[str, Any]]]:
    """One of the world's emotions; what the character felt before, where none was told."""
    plain = emotion.strip().casefold()
    if plain in writer.world.emotions:
        return plain, []
    kept = next((one for one in writer.world.emotions if one.casefold() == plain), None)
    if kept is None:
        kept = writer.play.emotions.get(character, "neutral")
    return kept, [{"rule": "emotion_unknown", "detail": emotion[:100], "repaired": True}] if emotion else []


def _proposed(opened: TurnOpened, number: int, one: Passed) -> ProposedAction:
    return ProposedAction(
        id=str(uuid5(UUID(opened.turn_id), str(number))),
        name=one.action.name,
        arguments=one.arguments,
        timing=one.action.timing,
        ttl_s=one.action.ttl_s,
        expires_at=(timezone.now() + timedelta(seconds=one.action.ttl_s)).isoformat(),
    )


def _changes(outcome: Outcome, checked: Checked, repaired: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All that was changed of the model's reply, with the rule: removed, or mended and marked as `repaired`."""
    mended = [*({"rule": rule} for rule in outcome.repairs), *checked.repairs]
    stopped = [outcome.breach._asdict()] if outcome.breach else []
    return [*stopped, *checked.removed, *({**one, "repaired": True} for one in mended), *repaired]


def _usage(outcome: Outcome) -> dict[str, Any]:
    """Of all calls together, under the name of the one that answered."""
    calls = outcome.calls
    counts = ("input_tokens", "output_tokens", "cached_tokens")
    return {
        "model": calls[-1].route.chat_name if calls else None,
        **{name: sum(getattr(call.usage, name) for call in calls) for name in counts},
        "cost": float(sum((call.cost for call in calls), Decimal(0))),
    }


def _meter(writer: Writer, turn: Turn, outcome: Outcome, api_key_id: UUID | None) -> None:
    payer = Payer(api_key_id=api_key_id, turn_id=turn.turn_id, end_user=turn.player_id)
    calls = [
        record_call(
            route=call.route,
            usage=call.usage,
            duration_ms=call.took_ms,
            payer=payer,
            first_token_ms=call.first_token_ms,
            outcome=call.outcome,
            error_code=call.error_code,
            is_reserved=True,
        )
        for call in outcome.calls
    ]
    write_calls(calls, write=writer.also)
    if turn.ladder.reserved:
        settle_calls(turn.turn_id, calls, turn.tenant_id, payer)


def _goals(writer: Writer, opened: TurnOpened) -> list[dict[str, str]]:
    return writer.world.goals(opened.character, _situation(writer, opened))


def _answer(play: Play, closed: TurnClosed, goals: list[dict[str, str]]) -> dict[str, Any]:
    told = ("id", "name", "arguments", "timing", "ttl_s")
    return {
        "turn_id": closed.turn_id,
        "character": closed.character,
        "say": closed.say,
        "emotion": closed.emotion,
        "actions": [{name: getattr(action, name) for name in told} for action in closed.actions],
        "state_version": play.version,
        "affinity": play.affinity.get(closed.character, {}),
        "goals": goals,
        "fallback": closed.fallback,
        "timing": closed.timing,
        "usage": closed.usage,
    }
