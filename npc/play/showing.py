"""What the page is shown: where the story stands, what a character is made of, what happened turn by turn."""

from typing import Any

from npc.knowledge.facts import known_now
from npc.knowledge.forgetting import memories_of
from npc.models import LogEntry
from npc.play.hosting import PLAYER, WORLDS, event_kinds
from npc.sessions.situations import situation
from npc.sessions.tokens import token_for
from npc.sessions.writing import Reading
from npc.turns.planning import offers
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import InlinePersona

TOLD_TURNS = 200
TOLD_MEMORIES = 30


def story(now: Reading) -> dict[str, Any]:
    """All that changes while playing, but for the log."""
    play = now.play.model_dump(mode="json", include={"state", "game_time", "scenes", "affinity", "emotions"})
    return {
        "branch_id": now.branch.pk,
        "seq": now.branch.head_seq,
        "state_version": now.play.version,
        "player": PLAYER,
        **play,
    }


def welcome(now: Reading) -> dict[str, Any]:
    """The story with its world, and a token that is good for another day."""
    token, expires_at = token_for(now.session)
    names = {"id": now.session.pk, "token": token, "expires_at": expires_at}
    return {**names, "world": _world_card(now), "story": story(now)}


def _world_card(now: Reading) -> dict[str, Any]:
    document = now.world.document
    return {
        "slug": document.slug,
        "name": document.name,
        "language": next(language for language, slug in WORLDS.items() if slug == document.slug),
        "scenes": [one.model_dump() for one in document.scenes],
        "characters": [
            {"id": one.id, "name": now.world.persona_of(one.id).name, "scene": one.scene, "small_talk": _talk(one)}
            for one in document.characters
        ],
        "facts": {one.id: one.text for one in document.facts},
        "events": event_kinds(now),
    }


def _talk(character: Any) -> list[str]:
    """What the authors thought of that a player may say."""
    persona = character.persona
    return [example.user for example in persona.examples] if isinstance(persona, InlinePersona) else []


def sheet(now: Reading, character: str) -> dict[str, Any]:
    """What a designer may see of a character, as of now. Raises NotFound for one that the world does not have."""
    memories = memories_of(now, character).defer("embedding").order_by("-seq")[:TOLD_MEMORIES]
    known = known_now(now.world, now.play, character)
    seen = situation(now.world, now.play, actor=character)
    return {
        "character": character,
        "goals": _goals(now.world, character, seen),
        "possible": [
            {"name": name, "description": offer.action.description, "candidates": offer.candidates}
            for name, offer in offers(now.world, seen, character).items()
        ],
        "may_know": known.may_know,
        "withheld": [one._asdict() for one in known.withheld],
        "memories": [
            {"id": one.pk, "kind": one.kind, "text": one.text, "importance": one.importance, "source": one.source}
            for one in memories
        ],
    }


def _goals(world: CompiledWorld, character: str, seen: Any) -> list[dict[str, Any]]:
    told = {one.id: one.description or one.id for one in world.characters[character].goals}
    return [{**goal, "description": told[goal["id"]]} for goal in world.goals(character, seen)]


def chronicle(now: Reading) -> list[dict[str, Any]]:
    """The turns of the live branch, newest first. With the entry `rewind_seq` of the log each was over."""
    kinds = ("turn.opened", "turn.closed", "action.outcome")
    entries = LogEntry.objects.on(now.branch).filter(kind__in=kinds).order_by("-seq")
    turns: list[dict[str, Any]] = []
    outcomes: dict[str, dict[str, Any]] = {}
    for entry in entries[: 4 * TOLD_TURNS]:
        if entry.kind == "action.outcome":
            told = {"outcome": entry.data["outcome"], "reason": entry.data["reason"], "seq": entry.seq}
            outcomes[entry.data["action_id"]] = told
        elif entry.kind == "turn.closed":
            turns.append(_turn(entry, outcomes))
        else:
            _asked(turns, entry)
    return turns


def _turn(closed: LogEntry, outcomes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    told = {name: closed.data[name] for name in ("turn_id", "character", "say", "emotion", "fallback", "timing")}
    waiting = {"outcome": "proposed", "reason": "", "seq": closed.seq}
    actions = [
        {"name": one["name"], "arguments": one["arguments"], **outcomes.get(one["id"], waiting)}
        for one in closed.data["actions"]
    ]
    end = max([closed.seq, *(action["seq"] for action in actions)])
    return {**told, "actions": actions, "removed": closed.data["removed"], "rewind_seq": end, "text": ""}


def _asked(turns: list[dict[str, Any]], opened: LogEntry) -> None:
    """Add to its answer what was asked; one without an answer yet is left out."""
    for turn in turns:
        if turn["turn_id"] == opened.data["turn_id"]:
            turn["text"] = opened.data["text"]
