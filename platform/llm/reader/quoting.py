"""Cutting a passage into what can be quoted: whole sentences and table rows, word for word."""

import re
from functools import lru_cache

# A Western full stop ends a sentence only before a blank and what may begin one, and not behind a short form.
_SENTENCE_END = re.compile(
    r"""
      (?<=[。！？])[”’」』）)】》]*
    | (?<=[.!?])
      (?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bNo\.)(?<!\bSt\.)(?<!e\.g\.)(?<!i\.e\.)(?<!\b[A-Z]\.)
      [\"')\]”’]*(?=\s+[^\sa-z])
    """,
    re.VERBOSE,
)
# A table row as the knowledge base writes it: "Price: 12; Stock: 3", or cells between bars.
_ROW = re.compile(r"[^:：;；]{1,60}[:：].*?[;；][^:：;；]{1,60}[:：]|.*\|.*\|")
_LIST_MARK = re.compile(r"^\s*(?:[-*•·]|\d+[.)、])\s+")
_OPENING_CLOSERS = "”’」』）)】》\"']"


@lru_cache(maxsize=2048)
def quotables(text: str) -> tuple[str, ...]:
    """All of a passage's sentences and rows in order, each a piece of `text` without its list mark."""
    return tuple(piece for line in text.splitlines() for piece in _pieces(_LIST_MARK.sub("", line).strip()))


def is_row(piece: str) -> bool:
    """Whether it is a row of a table, which says all that it has to say by itself."""
    return _ROW.match(piece) is not None


def _pieces(line: str) -> list[str]:
    if is_row(line):
        return [line]
    ends = [match.end() for match in _SENTENCE_END.finditer(line)]
    cut = [line[start:end].strip() for start, end in zip([0, *ends], [*ends, len(line)], strict=True)]
    return [piece for piece in cut if piece.strip(_OPENING_CLOSERS)]
