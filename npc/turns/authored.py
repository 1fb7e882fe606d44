"""What a character says and does without a model: only what its author wrote, chosen by conditions and by meaning."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llm.embedding import bundled
from llm.reader import read
from llm.reader.lines import choose
from llm.reader.types import Example, ReaderTask
from npc.turns import texts
from npc.turns.planning import Offer
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import Situation
from npc.worlds.document import Action
from personas.language import is_chinese

# What people say to which nothing is to be done. An action must be nearer to the words than these are.
TALK = (
    "Hello, how are you?", "Good to see you. Goodbye!", "Thank you very much.", "Who are you?", "What is your name?",
    "Tell me about yourself.", "What do you know about this place?", "What do you think of her?", "I am tired today.",
    "Nice weather today.", "Where is the well?", "What happened last night?",
    "你好，最近怎么样？", "见到你真好，再见！", "非常感谢。", "你是谁？", "你叫什么名字？", "说说你自己吧。",
    "这个地方你知道些什么？", "你觉得她怎么样？", "我今天很累。", "今天天气不错。", "水井在哪里？",
    "昨晚发生了什么事？",
)  # fmt: skip
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,12}(?:\.\d{1,6})?(?![\w.])|(?<=[\u4e00-\u9fff])\d{1,12}(?=[\u4e00-\u9fff])")


def lines_now(world: CompiledWorld, situation: Situation, character: str) -> list[str]:
    """The fallback lines that fit the moment: those whose condition holds, or else those that have none."""
    fallbacks = world.characters[character].fallbacks
    apt = [one.text for one in fallbacks if one.when is not None and world.is_open(one.when, situation)]
    return apt or [one.text for one in fallbacks if one.when is None]


def line_for(lines: Sequence[str], said: Sequence[str], seed: int, language: str) -> str:
    """One of the lines, by seed, and not the one that was said last if there is another."""
    fresh = [line for line in lines if not said or line != said[-1]] or list(lines)
    return fresh[seed % len(fresh)] if fresh else texts.SILENCE["zh" if language.startswith("zh") else "en"]


def answer_by_meaning(
    task: ReaderTask, own: Sequence[Action], offers: Mapping[str, Offer], line: str
) -> tuple[str, list[dict[str, Any]]]:
    """The example's line that answers what was said, or `line` if none is near; and the action that is asked for.

    `own` are all actions of the character's, possible or not. Computes vectors: some 20 ms, on a thread of its own.
    """
    model = bundled()
    answer = read(task, model.embed_query, model.embed_passages)
    say = line if answer.trace.get("reason") == "fallback" else answer.text
    return say, action_by_meaning(task.question, own, offers)


def action_by_meaning(text: str, own: Sequence[Action], offers: Mapping[str, Offer]) -> list[dict[str, Any]]:
    """The action that is nearest to what was said; none if that is not possible now, or lacks an argument.

    The second nearest is no substitute: who is asked for a sword that is not there does not sell ale instead.
    """
    if not offers:
        return []
    described = [Example(f"{one.name.replace('_', ' ')}: {one.description}", one.name) for one in own]
    task = ReaderTask(question=text, examples=[*described, *(Example(talk, "") for talk in TALK)])
    model = bundled()
    # Worlds may be written in the other language than the player speaks; then no action is among the nearest.
    nearest = choose(task, "zh" if is_chinese(text) else "en", model.embed_query, model.embed_passages)
    name = nearest[0].example.say
    arguments = filled(text, offers[name]) if name in offers else None
    return [] if arguments is None else [{"name": name, "arguments": arguments}]


def filled(text: str, offer: Offer) -> dict[str, Any] | None:
    """Arguments for an action out of the words: candidates that are named in them, numbers that stand in them.

    None if a required one cannot be told. What is not required is left out unless it is named.
    """
    schema = offer.action.parameters
    required = schema.get("required", [])
    numbers = [float(found) for found in _NUMBER.findall(text)]
    arguments: dict[str, Any] = {}
    for name, parameter in schema.get("properties", {}).items():
        parameter = parameter if isinstance(parameter, dict) else {}
        value = _argument(text, parameter, offer.candidates.get(name), numbers, is_required=name in required)
        if value is not None:
            arguments[name] = value
        elif name in required:
            return None
    return arguments


def _argument(
    text: str, parameter: Mapping[str, Any], among: Sequence[Any] | None, numbers: list[float], *, is_required: bool
) -> Any:
    kind = parameter.get("type")
    if among is None and isinstance(parameter.get("enum"), list):
        among = parameter["enum"]
    if among is not None:
        named = [one for one in among if isinstance(one, str) and one and one.casefold() in text.casefold()]
        only = list(among) if is_required and len(among) == 1 else []
        found = max(named, key=len) if named else next(iter(only), None)
        return [found] if kind == "array" and found is not None else found
    if kind in ("integer", "number") and numbers:
        number = numbers.pop(0)
        return int(number) if kind == "integer" else number
    return parameter.get("default") if is_required else None
