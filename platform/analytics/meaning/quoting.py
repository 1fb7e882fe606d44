"""Texts of the data's people, made fit to be quoted: they are data, whatever they say."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

MAX_NAME = 200
MAX_DESCRIPTION = 1000
MAX_SYNONYMS = 20
# What prompts are fenced and roles are marked with. A text may speak of them; it may not be them.
_FENCES = re.compile(
    r"```+|~~~+|<\|[^|<>]{0,40}\|>|</?(?:s|system|user|assistant|data|tool)\b[^>]{0,40}>", re.IGNORECASE
)


def plain(text: str) -> str:
    """One line without control or format characters, half surrogates and prompt fences."""
    text = _FENCES.sub(" ", text)
    kept = (" " if character.isspace() else character for character in text if _is_shown(character))
    return " ".join("".join(kept).split())


def plain_name(text: str) -> str:
    return plain(text)[:MAX_NAME]


def plain_description(text: str) -> str:
    return plain(text)[:MAX_DESCRIPTION]


def plain_synonyms(texts: Iterable[Any]) -> list[str]:
    """Each once, without empty ones."""
    names = (plain_name(text) for text in texts if isinstance(text, str))
    return list(dict.fromkeys(name for name in names if name))[:MAX_SYNONYMS]


def _is_shown(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")
