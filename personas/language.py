"""Which of our two languages a text or a person speaks."""

import re

from personas.context import Language

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-zÀ-ɏ]+")


def is_chinese(text: str) -> bool:
    """Whether a text is mostly Chinese. A Chinese word has about two characters, so two count as one word."""
    return len(_HAN.findall(text)) / 2 > len(_WORD.findall(text))


def language_of(*, setting: str, locale: str, instructions: str) -> Language:
    """Which language the platform's texts have: as set, else the end user's, else the instructions'."""
    wanted = (setting or locale).lower()
    if wanted.startswith("zh"):
        return "zh"
    if wanted.startswith("en"):
        return "en"
    return "zh" if is_chinese(instructions) else "en"
