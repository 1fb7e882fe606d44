"""What every format is turned into: blocks of text in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

Kind = Literal["heading", "paragraph", "list", "table", "code"]

BLOCK_SEPARATOR = "\n\n"


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
