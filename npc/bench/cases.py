"""Regression tests that writers keep beside their world: a line in a state, and what has to come of it.

A case is a file, YAML or JSON; running it needs no database and asks no model: the model's reply is in it. Without one
the reader answers by the world's own lines.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from llm.reader.types import Example, ReaderTask
from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.play import Play, Player
from npc.sessions.situations import situation
from npc.turns.authored import answer_by_meaning, line_for, lines_now
from npc.turns.checking import check_actions
from npc.turns.planning import may_act, offers
from npc.turns.replaying import READER, Replay
from npc.turns.reply import ReplyReader
from npc.worlds.compiled import CompiledWorld
from npc.worlds.plain import same

FORMAT: Literal["troupe.npc-test.1"] = "troupe.npc-test.1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Deed(_Part):
    name: str
    arguments: dict[str, Any] = {}


class Removed(_Part):
    name: str
    rule: str


class Expected(_Part):
    """What is left out is not looked at."""

    say: str | None = None
    emotion: str | None = None
    actions: list[Deed] | None = None
    removed: list[Removed] | None = None


class Case(_Part):
    """The whole file."""

    format: Literal["troupe.npc-test.1"]
    world: str  # its slug
    name: str = ""
    character: str
    player: Player = Player(id="player")
    speaker: str | None = None  # null: the player
    line: Annotated[str, Field(max_length=4000)]
    scene: str | None = None  # null: where the character is when a session begins
    present: list[str] | None = None
    state: dict[str, Any]
    scenes: dict[str, str | None] = {}
    affinity: dict[str, dict[str, float]] = {}
    emotions: dict[str, str] = {}
    allowed_actions: list[str] | None = None
    said_before: list[str] = []  # the character's own lines, of which the reader does not repeat the last
    seed: int = 0
    reply: str | None = None  # null: without a model
    expect: Expected = Expected()


def case_of(turn: Replay) -> dict[str, Any] | None:
    """A turn as a case, as JSON; None where the clock or a failing model decided what was said."""
    opened, closed, play = turn.opened, turn.closed, turn.play
    if closed.fallback is not None or closed.cancelled or opened.event is not None:
        return None
    case = Case(
        format=FORMAT,
        world=turn.world.document.slug,
        character=opened.character,
        player=play.player,
        speaker=opened.speaker,
        line=opened.text,
        scene=opened.scene,
        present=opened.present,
        state=play.state,
        scenes=play.scenes,
        affinity=play.affinity,
        emotions=play.emotions,
        allowed_actions=opened.allowed_actions,
        said_before=list(turn.told.own_lines[-1:]),
        seed=opened.seed,
        reply=None if closed.usage.get("model") == READER else "".join(closed.chunks),
        expect=Expected(
            say=closed.say,
            emotion=closed.emotion,
            actions=[Deed(name=one.name, arguments=one.arguments) for one in closed.actions],
            removed=[Removed(name=one["name"], rule=one["rule"]) for one in closed.removed if not one.get("repaired")],
        ),
    )
    return case.model_dump(mode="json", exclude_defaults=True)


def as_yaml(case: dict[str, Any]) -> str:
    return yaml.safe_dump(case, allow_unicode=True, sort_keys=False, width=110)


def differences(world: CompiledWorld, case: Case) -> Iterator[dict[str, Any]]:
    """`{path, expected, found}` of everything in which the case comes out differently. Raises Invalid for its state.

    Pure but for the reader, which computes vectors.
    """
    found = _played(world, case)
    for name, expected in case.expect.model_dump(mode="json").items():
        if expected is not None and not same(expected, found[name]):
            yield {"path": f"expect.{name}", "expected": expected, "found": found[name]}


def wrong_with(world: CompiledWorld, case: Case) -> list[dict[str, str]]:
    """`{path, reason}` of what a case names that this world does not have."""
    problems = [problem._asdict() for problem in world.state_problems(case.state)]
    if case.world != world.document.slug:
        problems.append({"path": "world", "reason": f"this is «{world.document.slug}»"})
    if case.character not in world.characters:
        problems.append({"path": "character", "reason": f"there is no «{case.character}»"})
    return problems


def _played(world: CompiledWorld, case: Case) -> dict[str, Any]:
    scene = case.scene if case.scene is not None else world.characters[case.character].scene
    play = first_play(world, Opened(player=case.player, state=case.state, scene=scene))
    play = play.with_(
        scenes={**play.scenes, **case.scenes},
        affinity={**play.affinity, **case.affinity},
        emotions={**play.emotions, **case.emotions},
    )
    seen = situation(world, play, actor=case.character, speaker=case.speaker, scene=scene, present=case.present)
    possible = offers(world, seen, case.character, case.allowed_actions)
    say, emotion, proposed = _spoken(world, case, seen, possible)
    checked = check_actions(world, seen, possible, proposed)
    return {
        "say": say,
        "emotion": _felt(world, play, case.character, emotion),
        "actions": [{"name": one.action.name, "arguments": one.arguments} for one in checked.passed],
        "removed": [{"name": one["name"], "rule": one["rule"]} for one in checked.removed],
    }


def _spoken(world: CompiledWorld, case: Case, seen: Any, possible: Any) -> tuple[str, str, list[Any]]:
    persona = world.persona_of(case.character)
    if case.reply is not None:
        reader = ReplyReader((persona.name, case.character))
        said = reader.feed(case.reply)
        reply = reader.finish()
        return said + reply.tail, reply.emotion, reply.actions
    line = line_for(lines_now(world, seen, case.character), case.said_before, case.seed, world.document.language)
    task = ReaderTask(
        question=case.line,
        examples=[Example(one.user, one.say) for one in persona.examples],
        language=world.document.language,
        names=(persona.name,),
        said=case.said_before,
    )
    own = [one for one in world.actions.values() if may_act(one, case.character, None)]
    say, proposed = answer_by_meaning(task, world, own, possible, line)
    return say, "", proposed


def _felt(world: CompiledWorld, play: Play, character: str, emotion: str) -> str:
    plain = emotion.strip().casefold()
    known = next((one for one in world.emotions if one.casefold() == plain), None)
    return known or play.emotions.get(character, "neutral")
