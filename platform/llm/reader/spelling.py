"""How a text is written: one spelling for all variants, and which language carries it."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〇"


def fold(text: str) -> str:
    """Half width, lower case, simplified characters, straight apostrophes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_simplified())
    return text.lower()


def is_chinese(text: str) -> bool:
    """Whether Chinese carries the text: a character says about as much as a word of four letters."""
    han = len(re.findall(f"[{HAN}]", text))
    return han * 4 > len(re.findall("[A-Za-z]", text))


@cache
def _simplified() -> dict[int, str]:
    """Each traditional character's simplified form, from OpenCC's list of characters."""
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {ord(traditional): simplified.split(" ")[0] for traditional, simplified in pairs} | {ord("’"): "'"}
