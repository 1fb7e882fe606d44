"""Talk of what no world of a game has: artificial intelligence, the making of the game, the player's real life."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from npc.knowledge.terms import folded, marks_of, tokens
from npc.worlds.compiled import KEPT_WORLDS, CompiledWorld

# Each begins with a word that is rare in a tale, since speech waits where one may begin.
_MAKING = (
    "AI", "artificial intelligence", "language model", "large model", "neural network", "machine learning",
    "training data", "chatbot", "chat bot", "virtual assistant", "digital assistant", "OpenAI", "ChatGPT", "GPT",
    "Anthropic", "DeepSeek", "Qwen", "system prompt", "my prompt", "my programming", "JSON", "API", "NPC",
    "non-player character", "video game", "videogame", "computer game", "game world", "game developer", "role-play",
    "roleplay", "fictional character", "fictional world", "Minecraft", "Skyrim", "Pokémon", "Harry Potter", "Star Wars",
    "人工智能", "语言模型", "大模型", "神经网络", "机器学习", "训练数据", "聊天机器人", "虚拟助手", "智能助手",
    "提示词", "系统提示", "通义千问", "文心一言", "电子游戏", "电脑游戏", "游戏角色", "游戏世界", "游戏开发",
    "角色扮演", "虚构角色", "虚构的角色", "虚拟世界", "原神", "哈利·波特", "哈利波特", "宝可梦", "星球大战",
)  # fmt: skip
# Out of place only in a tale of older times.
_MODERN = (
    "computer", "software", "smartphone", "internet", "website", "online", "Google", "YouTube", "Facebook", "TikTok",
    "Twitter", "Netflix", "Wikipedia", "television", "airplane",
    "计算机", "电脑", "智能手机", "手机", "互联网", "网站", "上网", "谷歌", "抖音", "微信", "微博", "淘宝", "百度",
    "电视", "飞机",
)  # fmt: skip
# An author who writes of one of these has no tale of older times.
_MODERN_SIGNS = (
    "phone", "police", "robot", "android", "spaceship", "starship", "laser", "car", "truck", "office", "elevator",
    "screen", "camera",
    "电话", "警察", "机器人", "飞船", "星舰", "激光", "汽车", "公司", "办公室", "电梯", "屏幕", "摄像",
)  # fmt: skip
# In what is said to a character, besides.
_ASKED = (
    r"real life|(?:in|from|of) the real world|developer mode|jailbreak|out of character|break character"
    r"|(?:ignore|forget|disregard|override|reveal|repeat|print)[^.!?]{0,30}"
    r"(?:instructions?|rules|programming|prompts?|guidelines)"
    r"|are you (?:\w+ )?(?:a )?(?:bot|robot|program|machine|real)\b|who (?:created|programmed|trained) you"
    r"|my (?:laptop|homework)|现实(?:生活|世界|中)|真实世界|真实生活"
    r"|(?:忘掉|忘记|忽略|无视|跳出|透露|输出)[^。！？]{0,8}(?:规则|指令|设定|提示|限制|角色)"
    r"|你(?:到底|其实)?是(?:不是)?[^。！？]{0,4}(?:机器人|程序|真人|模型)|谁(?:开发|训练|编写)了?你|开发者模式|写作业"
)


def _pattern(phrase: str) -> str:
    """Capitals alone count where there are only capitals: «ai» is a word in some languages."""
    body = re.escape(phrase).replace(r"\ ", r"\s+")
    if not phrase.isascii() and phrase != "Pokémon":
        return body
    bounded = rf"(?<![A-Za-z]){body}s?(?![A-Za-z])"
    return f"(?-i:{bounded})" if phrase.isupper() else bounded


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_pattern, phrases)), re.IGNORECASE)


_OF_MAKING, _OF_TODAY = _any_of(_MAKING), _any_of((*_MAKING, *_MODERN))
_TO_CHARACTER = re.compile(rf"{_ASKED}|(?<![A-Za-z])ai(?![A-Za-z])", re.IGNORECASE)
# The marks with which any of these begins.
OPENINGS = frozenset(next(mark for _, mark in marks_of(tokens(phrase))) for phrase in (*_MAKING, *_MODERN))


@dataclass(frozen=True, slots=True)
class Tale:
    """A world as its authors wrote it. `named` are those of the phrases that stand in it: they belong to it."""

    named: frozenset[str]
    is_modern: bool

    def left_by(self, said: str) -> str | None:
        """The words of a character that are of no tale, or not of this one."""
        found = (_OF_MAKING if self.is_modern else _OF_TODAY).finditer(said)
        return next((one.group() for one in found if folded(one.group()) not in self.named), None)

    def is_left_by(self, asked: str) -> bool:
        """Whether somebody talks to a character of another world, or wants it to be somebody else."""
        return self.left_by(asked) is not None or any(
            folded(one.group()) not in self.named for one in _TO_CHARACTER.finditer(asked)
        )


@lru_cache(maxsize=KEPT_WORLDS)
def tale_of(world: CompiledWorld) -> Tale:
    personas = (world.persona_of(one).model_dump_json() for one in world.characters)
    text = "\n".join((world.document.model_dump_json(), *personas)).replace("\\n", " ")
    named = frozenset(f"{folded(one)}{s}" for one in _standing_in(text, (*_MAKING, *_MODERN)) for s in ("", "s"))
    return Tale(named, bool(_standing_in(text, (*_MODERN_SIGNS, *_MODERN))))


def _standing_in(text: str, phrases: Iterable[str]) -> list[str]:
    """Looks for the letters first: a pattern of all phrases takes a tenth of a second for a long world."""
    plain = folded(text)
    return [one for one in phrases if folded(one) in plain and re.search(_pattern(one), text, re.IGNORECASE)]
