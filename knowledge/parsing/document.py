"""What every format is turned into: blocks of text in reading order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

Kind = Literal["heading", "paragraph", "list", "table", "code"]

BLOCK_SEPARATOR = "\n\n"
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")
# One Chinese character says about as much as two or three letters.
_HAN_SHARE_OF_CHINESE = 0.2
_SAMPLE_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, paragraph, list, table or piece of code.

    Lists and tables hold one item or row a line; each row carries its headers ("Price: 12; Stock: 3"), so
    that it can stand alone. Headings have a level, 1 to 6.
    """

    text: str
    kind: Kind = "paragraph"
    level: int = 0
    page: int | None = None  # from 1, where the format has pages


@dataclass(frozen=True)
class ParsedDocument:
    """A document's text in blocks."""

    title: str
    blocks: Sequence[Block]

    @cached_property
    def text(self) -> str:
        """The whole text. Citations count code points of it."""
        return BLOCK_SEPARATOR.join(block.text for block in self.blocks)

    @cached_property
    def starts(self) -> list[int]:
        """Where each block begins in `text`."""
        lengths = (len(block.text) + len(BLOCK_SEPARATOR) for block in self.blocks)
        return [0, *accumulate(lengths)][: len(self.blocks)]

    @cached_property
    def language_hint(self) -> str:
        """ "zh" or "en", by the letters it is written with; "" if it has none."""
        sample = self.text[:_SAMPLE_CHARACTERS]
        letters = len(_LETTER.findall(sample))
        if not letters:
            return ""
        return "zh" if len(_HAN.findall(sample)) / letters >= _HAN_SHARE_OF_CHINESE else "en"
