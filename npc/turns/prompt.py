"""The prompt of a turn: who the character is, then what it perceives, knows and can do now. Pure.

The state of the game is not in it: a character learns of it by facts whose conditions hold, by what it perceives and
by what it can do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

from npc.knowledge.outside import tale_of
from npc.sessions.play import Play
from npc.turns import texts
from npc.turns.planning import Offer
from npc.turns.recounting import line
from npc.worlds.compiled import CompiledWorld
from personas.context import Language, Said
from personas.prompt import CompiledPrompt, Part, Section, compile_prompt
from personas.quoting import one_line, quoted
from personas.schema import INSTRUCTIONS_MAX_TOKENS, VOICE_MAX_TOKENS

# Room for the longest instructions, the longest thing said, and the rest.
BUDGET_TOKENS = 10_000
# More than a model can weigh; the check knows them all.
SHOWN_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Scenery:
    """What one character perceives and knows at this moment, and what it is asked."""

    world: CompiledWorld
    play: Play
    character: str
    speaker: str
    scene: str | None
    present: Sequence[str]
    names: Mapping[str, str]  # of everybody, by id
    text: str
    event: Mapping[str, Any] | None
    goals: Sequence[str]
    facts: Sequence[str]
    memories: Sequence[str]
    offers: Mapping[str, Offer]
    history: Sequence[Said]

    @property
    def language(self) -> Language:
        return self.world.language


def prompt_of(seen: Scenery) -> CompiledPrompt:
    """Raises PromptTooLong, which a checked world does not reach."""
    language = seen.language
    if seen.event is not None:
        happens = one_line(str(seen.event.get("text") or seen.event["type"]), 2000)
        question = texts.HAPPENS[language].format(text=happens)
    else:
        question = quoted(line(seen.speaker, seen.text, seen.names))
    return compile_prompt(
        sections(seen),
        history=[Said(said.role, quoted(said.text)) for said in seen.history],
        question=question,
        budget_tokens=BUDGET_TOKENS,
    )


def sections(seen: Scenery) -> list[Section]:
    """Everything but history and question, in order."""
    language = seen.language
    return [
        *seen.world.once((_lasting, seen.character), lambda: _lasting(seen.world, seen.character)),
        _place(seen),
        _listed("goals", texts.GOALS[language], _parts(seen.goals), 65, 400, _("Goals that are open now")),
        _listed("facts", texts.FACTS[language], _parts(_facts(seen)), 70, 2000, _("Facts the character may know now")),
        _listed("memories", texts.MEMORIES[language], _parts(seen.memories), 68, 1200, _("What it remembers")),
        _actions(seen),
        Section("steer", _steer(seen), 97, 200, _("Talk of other worlds is led back"), stable=False),
    ]


def _lasting(world: CompiledWorld, character: str) -> tuple[Section, ...]:
    """The same in all of a character's prompts."""
    persona, language, name = world.persona_of(character), world.language, _name(world, character)
    rules = texts.RULES[language].format(name=name, world=one_line(world.document.name, 100))
    form = texts.FORM[language].format(emotions=", ".join(sorted(world.emotions)))
    instructions = texts.PERSONA[language].format(instructions=persona.instructions) if persona.instructions else ""
    voice = texts.VOICE[language].format(voice=persona.voice) if persona.voice else ""
    examples = tuple(Part(texts.EXAMPLE[language].format(user=one.user, say=one.say)) for one in persona.examples)
    return (
        Section("rules", rules, 100, 900, _("Rules of the platform, always"), required=True),
        Section("persona", instructions, 90, INSTRUCTIONS_MAX_TOKENS + 50, _("Who the character is"), required=True),
        Section("voice", voice, 80, VOICE_MAX_TOKENS + 50, _("How the character speaks")),
        _listed("examples", texts.EXAMPLES[language], examples, 40, 1200, _("Examples of the character"), stable=True),
        Section("form", form, 100, 1200, _("The form of the answer, always"), required=True),
    )


def _steer(seen: Scenery) -> str:
    name = _name(seen.world, seen.character)
    return texts.STEER[seen.language].format(name=name) if tale_of(seen.world).is_left_by(seen.text) else ""


def _name(world: CompiledWorld, character: str) -> str:
    return one_line(world.persona_of(character).name, 100)


def _place(seen: Scenery) -> Section:
    language, scene = seen.language, seen.world.scenes.get(seen.scene or "")
    where = quoted(f"{scene.name}. {scene.description}".strip()) if scene else ""
    others = [one_line(seen.names.get(one, one), 60) for one in seen.present if one != seen.character]
    axes = seen.play.affinity.get(seen.character, {}) if seen.speaker == seen.play.player.id else {}
    lines = [
        texts.PLACE[language].format(scene=where) if where else "",
        texts.PRESENT[language].format(names=", ".join(others)) if others else "",
        texts.FEELING[language].format(
            name=one_line(seen.names.get(seen.speaker, seen.speaker), 60),
            axes=", ".join(f"{axis} {value:g}" for axis, value in sorted(axes.items())),
        )
        if axes
        else "",
    ]
    text = "\n".join(one for one in lines if one)
    return Section("place", text, 75, 1400, _("Scene, who is present, affinity"), stable=False)


def _facts(seen: Scenery) -> list[str]:
    return [quoted(seen.world.facts[fact_id].text) for fact_id in seen.facts]


def _actions(seen: Scenery) -> Section:
    language = seen.language
    if not seen.offers:
        return Section("actions", texts.NO_ACTIONS[language], 95, 100, _("No action is possible now"), stable=False)
    parts = tuple(Part(_action(offer, language)) for offer in seen.offers.values())
    return _listed("actions", texts.ACTIONS[language], parts, 95, 2500, _("Actions that are possible now"))


def _action(offer: Offer, language: Language) -> str:
    """- sell: Sell something. arguments: {"item": "string, one of: ale, bread", …}"""
    properties = offer.action.parameters.get("properties", {})
    told = {name: _parameter(name, schema, offer, language) for name, schema in properties.items()}
    arguments = f" {json.dumps(told, ensure_ascii=False)}" if told else " {}"
    return quoted(f"- {offer.action.name}: {offer.action.description}{arguments}")


def _parameter(name: str, schema: Any, offer: Offer, language: Language) -> str:
    schema = schema if isinstance(schema, dict) else {}
    bounds = {key: value for key, value in schema.items() if key in ("minimum", "maximum", "enum", "maxLength")}
    what = [str(schema.get("type", "any")), str(schema.get("description", ""))]
    what += [json.dumps(bounds, ensure_ascii=False)] if bounds else []
    if name in offer.candidates:
        among = offer.candidates[name][:SHOWN_CANDIDATES]
        what.append(f"{texts.ONE_OF[language]}: {json.dumps(among, ensure_ascii=False)}")
    return "; ".join(one for one in what if one)


def _parts(lines: Sequence[str]) -> tuple[Part, ...]:
    return tuple(Part(f"- {each}") for each in lines)


def _listed(
    name: str, title: str, parts: tuple[Part, ...], priority: int, budget: int, why: str, *, stable: bool = False
) -> Section:
    return Section(name, title if parts else "", priority, budget, why, stable=stable, parts=parts)


def reply_format(world: CompiledWorld, offers: Mapping[str, Offer]) -> dict[str, Any]:
    """The schema of the answer, for endpoints that hold a model to one. Not strict: authored schemas are free."""
    action = {
        "type": "object",
        "properties": {"name": {"enum": list(offers)}, "arguments": {"type": "object"}},
        "required": ["name", "arguments"],
    }
    actions: dict[str, Any] = {"type": "array", "items": action} if offers else {"type": "array", "maxItems": 0}
    schema = {
        "type": "object",
        "properties": {
            "say": {"type": "string"},
            "emotion": {"enum": sorted(world.emotions)},
            "actions": actions,
        },
        "required": ["say", "emotion", "actions"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
