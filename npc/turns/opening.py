"""A turn begins: what the game tells with it is noted, what the character may do is planned, the prompt is laid out.

One transaction, before the model is asked. All that the answer will depend on goes into the log.
"""

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.translation import gettext as _

from llm.budgets import Account
from llm.reader.types import Example, ReaderTask
from llm.types import ChatRequest, Vector
from npc.errors import StateStale, TalkedEnough
from npc.hooks.keeping import hooks_of
from npc.knowledge.facts import may_know
from npc.knowledge.nearest import nearest_facts
from npc.knowledge.remembering import sights_of
from npc.knowledge.secrets import Lookout, lookout
from npc.models import LogEntry
from npc.sessions.changing import expect_version, patch_state
from npc.sessions.entries import TurnOpened, read_entry
from npc.sessions.happening import place, record_event
from npc.sessions.patching import checked_patch
from npc.sessions.recent import Page
from npc.sessions.writing import Writer, writing
from npc.turns.asking import Asked, Told
from npc.turns.authored import line_for, lines_now
from npc.turns.directing import MAX_CHAIN, Cue, chain_length, next_to_speak
from npc.turns.ladder import Ladder, ladder_for
from npc.turns.planning import Offer, may_act, offers
from npc.turns.prompt import Scenery, prompt_of, reply_format
from npc.turns.purse import dearest, has_budget_for, left_in, spend
from npc.turns.recounting import Recounted, recount
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Action, Hooks
from npc.worlds.plain import same
from npc.worlds.problems import Problem, path_of, refuse
from personas.memories import Recalled, recall
from tenants.errors import Invalid
from tenants.limits import take_meanwhile
from tenants.limits.policies import NOBODY, Asker, buckets_of_turn


@dataclass(frozen=True)
class Turn:
    """A turn that is open: all that is needed to answer it, without the database."""

    tenant_id: UUID
    session_id: UUID
    branch_id: UUID
    player_id: str
    world: CompiledWorld
    opened: TurnOpened
    offers: dict[str, Offer]
    hooks: Hooks | None
    ladder: Ladder
    request: ChatRequest
    line: str  # for when there is no time, or no model
    reader: ReaderTask
    lookout: Lookout  # for what the character must not say

    @property
    def turn_id(self) -> UUID:
        return UUID(self.opened.turn_id)

    @property
    def names(self) -> tuple[str, ...]:
        """What the character is called, as a model might write before its lines."""
        return (self.world.persona_of(self.opened.character).name, self.opened.character)

    @property
    def own_actions(self) -> list[Action]:
        """All that the character may ever do."""
        return [one for one in self.world.actions.values() if may_act(one, self.opened.character, None)]


@dataclass(frozen=True)
class AlreadyOpened:
    """The game has sent this turn before."""

    entry: LogEntry


@dataclass(frozen=True)
class AskGame:
    """The game wants to be asked for its state first; `seen` says which one is known."""

    hooks: Hooks
    seen: dict[str, Any]


def open_turn(
    tenant_id: UUID,
    session_id: UUID,
    asked: Asked,
    vector: Vector | None = None,
    told: Told | None = None,
    *,
    asker: Asker = NOBODY,
    before_storing: Callable[[Turn], object] | None = None,
) -> Turn | AlreadyOpened | AskGame:
    """Open a turn, whole or not at all; `vector` is of what is said, for the character's memories.

    `told` is what the game said of its state; a world that has a hook for that is not opened without. Sent again, a
    turn changes nothing. `before_storing` is given the turn when all is read and checked, while storing it may still
    fail. Raises RateLimited, SessionNotFound, StateStale, and Invalid for ids that are not there and
    for a patch that the state does not take.
    """
    with writing(tenant_id, session_id, turn_id=asked.turn_id) as writer:
        entries = writer.open_page(asked.turn_id)
        if known := writer.find(TurnOpened, asked.turn_id):
            asked.expect_same(read_entry(known.kind, known.data))
            return AlreadyOpened(known)
        hooks = hooks_of(writer.session.world)
        opening = _Opening(writer, asked, entries, hooks, told, asker.key_id)
        buckets = () if told else buckets_of_turn(tenant_id, asker, game_session_id=session_id)
        with take_meanwhile(*buckets):
            if hooks and hooks.state_url and not told:
                return opening.ask_game(hooks)
            turn = opening.open(vector)
        if before_storing:
            before_storing(turn)
        return turn


class _Opening:
    def __init__(
        self,
        writer: Writer,
        asked: Asked,
        entries: Page,
        hooks: Hooks | None,
        told: Told | None,
        key_id: UUID | None,
    ) -> None:
        self.writer = writer
        self.world = writer.world
        self.asked = asked
        self._hooks, self._told, self._key_id = hooks, told, key_id
        self._entries = entries

    def ask_game(self, hooks: Hooks) -> AskGame:
        self._check()
        session, play = self.writer.session, self.writer.play
        return AskGame(
            hooks,
            {
                "world": session.world.slug,
                "player": {"id": session.player_id, "name": session.player_name},
                "state_version": play.version,
            },
        )

    def open(self, vector: Vector | None) -> Turn:
        self._check()
        read = {"state_hook": self._take(self._told)} if self._told else {}
        self._note()
        character, directed = self._character()
        read |= directed
        present = sorted({*self._present(), character, self.asked.speaker})
        scene = self._scene() or self.writer.play.scenes.get(character)
        seen = self.writer.sees(actor=character, speaker=self.asked.speaker, scene=scene, present=present)
        return self._planned(character, scene, present, seen, vector, read)

    # --- What the game says with it -----------------------------------------------------------------------
    def _check(self) -> None:
        if self.asked.base_state_version is not None:
            expect_version(self.writer.play, self.asked.base_state_version)
        unknown, beings = _("There is no «%(id)s»."), {*self.world.characters, self.writer.play.player.id}
        problems = [
            Problem(path_of("present", number), unknown % {"id": who})
            for number, who in enumerate(self.asked.present or ())
            if who not in beings
        ]
        if self.asked.speaker not in beings:
            problems.append(Problem("speaker", unknown % {"id": self.asked.speaker}))
        if self.asked.character is not None and self.asked.character not in self.world.characters:
            problems.append(Problem("character", unknown % {"id": self.asked.character}))
        if self.asked.character == self.asked.speaker:
            problems.append(Problem("character", _("Nobody talks with itself.")))
        if self.asked.scene is not None and self.asked.scene not in self.world.scenes:
            problems.append(Problem("scene", unknown % {"id": self.asked.scene}))
        refuse(problems)

    def _take(self, told: Told) -> dict[str, Any]:
        """Change the state as the game said, if that can be; what became of it, for the log.

        A turn goes on with the state that is known, whatever a hook answers.
        """
        outcome = told.why or "unchanged"
        if told.change is not None:
            try:
                before = self.writer.play.state
                if not same(before, checked_patch(self.world, before, told.change)):
                    patch_state(self.writer, told.change, source="hook")
                    outcome = "taken"
            except (Invalid, StateStale):
                outcome = "invalid"
        return {"outcome": outcome, "took_ms": told.took_ms}

    def _note(self) -> None:
        """Who is where, what has changed, what happens: before anybody answers."""
        if (scene := self._scene()) is not None:
            come = self.asked.present or ([self.asked.speaker] if self.asked.scene is not None else [])
            place(self.writer, dict.fromkeys(come, scene))
        if self.asked.state_patch is not None:
            patch_state(self.writer, self.asked.state_patch, source="turn")
        if event := self.asked.event:
            record_event(
                self.writer,
                type=event["type"],
                text=event.get("text", ""),
                data=event.get("data"),
                scene=scene,
                witnesses=self._present(),
            )

    def _scene(self) -> str | None:
        """Where the turn takes place: as the game says, else where the speaker is."""
        if self.asked.scene is not None:
            return self.asked.scene
        scenes = self.writer.play.scenes
        return scenes.get(self.asked.speaker) or scenes.get(self.asked.character or "")

    def _present(self) -> list[str]:
        return list(self.asked.present) if self.asked.present else self.writer.play.present_in(self._scene())

    def _character(self) -> tuple[str, dict[str, Any]]:
        """Who answers; and what the log is told of how that was decided."""
        if self.asked.character is not None:
            return self.asked.character, {}
        entries = [entry for _, entry in self._entries]
        if self.asked.speaker in self.world.characters and chain_length(self.world, entries) >= MAX_CHAIN:
            raise TalkedEnough
        happens = self.asked.event or {}
        cue = Cue(
            speaker=self.asked.speaker,
            text=self.asked.text or str(happens.get("text") or ""),
            is_event=self.asked.event is not None,
            present=self._present(),
            scene=self._scene(),
            turns=[entry for entry in entries if isinstance(entry, TurnOpened)],
            chance=f"{self.writer.session.seed}:{self.asked.turn_id}",
        )
        chosen = next_to_speak(self.world, self.writer.play, cue)
        if chosen is None:
            raise Invalid.field("character", _("Nobody is there who could answer."))
        return chosen[0], {"director": chosen[1]}

    # --- The plan -----------------------------------------------------------------------------------------
    def _planned(
        self,
        character: str,
        scene: str | None,
        present: list[str],
        seen: Situation,
        vector: Vector | None,
        read: dict[str, Any],
    ) -> Turn:
        world, asked, play = self.world, self.asked, self.writer.play
        names = {one: world.persona_of(one).name for one in world.characters}
        names |= {play.player.id: play.player.name or play.player.id}
        told = recount(self._entries, character, names)
        possible = offers(world, seen, character, asked.allowed_actions)
        known = may_know(world, character, seen)
        facts = nearest_facts(self.writer.session, world, known.may_know, vector)
        recalled = self._recalled(character, told, vector)
        scenery = Scenery(
            world=world,
            play=play,
            character=character,
            speaker=asked.speaker,
            scene=scene,
            present=present,
            names=names,
            text=asked.text,
            event=asked.event,
            goals=self._goals(character, seen),
            facts=facts,
            memories=[one.text for one in recalled],
            offers=possible,
            history=told.said,
        )
        seed = (
            asked.seed if asked.seed is not None else zlib.crc32(f"{self.writer.session.seed}:{asked.turn_id}".encode())
        )
        lines = lines_now(world, seen, character)
        messages = prompt_of(scenery).messages
        tier = world.tier_of(character)
        request = ChatRequest(
            messages=messages,
            max_output_tokens=tier.max_output_tokens,
            seed=seed % 2**31,
            response_format=reply_format(world, possible),
        )
        ladder = self._ladder(character, scene, request)
        read |= {
            "world_version": str(world.version_id),
            "state_version": play.version,
            "offers": {name: offer.candidates for name, offer in possible.items()},
            "facts": facts,
            "memories": [str(one.id) for one in recalled],
            "entries": list(told.seqs),
            "route": ladder.top.slug,
            "model": ladder.top.chat_name,
            "prompt": hashlib.sha256(orjson.dumps([(one.role, one.content) for one in messages])).hexdigest(),
        }
        opened = TurnOpened(
            turn_id=str(asked.turn_id),
            character=character,
            speaker=asked.speaker,
            text=asked.text,
            event=dict(asked.event) if asked.event is not None else None,
            scene=scene,
            present=present,
            allowed_actions=None if asked.allowed_actions is None else list(asked.allowed_actions),
            deadline_ms=asked.deadline_ms,
            seed=seed,
            read=read,
        )
        self.writer.add(opened, subject=asked.turn_id)
        return Turn(
            tenant_id=self.writer.session.tenant_id,
            session_id=self.writer.session.pk,
            branch_id=self.writer.branch.pk,
            player_id=play.player.id,
            world=world,
            opened=opened,
            offers=possible,
            hooks=self._hooks,
            ladder=ladder,
            request=request,
            line=line_for(lines, told.own_lines, seed, world.document.language),
            reader=self._reader_task(character, told),
            lookout=lookout(world, character, [one.id for one in known.withheld]),
        )

    def _ladder(self, character: str, scene: str | None, request: ChatRequest) -> Ladder:
        """The models to ask; what they may cost is reserved."""
        session, purse = self.writer.session, self.world.document.purse
        ladder = ladder_for(
            session.tenant_id,
            self.world.tier_of(character),
            self.asked.speaking_ms,
            price=lambda route: dearest(request, route),
            left=left_in(purse, session, scene),
            version=session.routes_version,
        )
        account = Account(session.tenant_id, key_id=self._key_id)
        if not has_budget_for(self.asked.turn_id, account, ladder.top, ladder.reserved):
            return Ladder(fallback="budget")
        spend(purse, session, scene, ladder.reserved)
        return ladder

    def _goals(self, character: str, seen: Situation) -> list[str]:
        is_open = {goal["id"] for goal in self.world.goals(character, seen) if goal["state"] == "open"}
        goals = self.world.characters[character].goals
        return [goal.description or goal.id for goal in goals if goal.id in is_open]

    def _recalled(self, character: str, told: Recounted, vector: Vector | None) -> list[Recalled]:
        """What comes to mind besides what is told word for word."""
        limit = self.world.tier_of(character).memories
        if not limit:
            return []
        found = recall(
            tenant_id=self.writer.session.tenant_id,
            sights=sights_of(self.writer.branch),
            holder=character,
            query_vector=vector,
            now_game_time=self.writer.play.game_time,
            limit=limit + len(told.seqs),
            lasting=self.world.document.memory.lasting,
        )
        return [one for one in found if one.seq not in told.seqs][:limit]

    def _reader_task(self, character: str, told: Recounted) -> ReaderTask:
        persona = self.world.persona_of(character)
        return ReaderTask(
            question=self.asked.text,
            examples=[Example(one.user, one.say) for one in persona.examples],
            language=self.world.document.language,
            names=(persona.name,),
            said=told.own_lines,
        )
