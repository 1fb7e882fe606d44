"""Lines of CSV files in which no cell is taken for a formula.

Spreadsheets run a text that begins like a formula, some also behind blanks or in full-width letters. Such a text gets
an apostrophe in front; numbers, which begin with a minus too, do not.
"""

import re
from collections.abc import Iterable

# With it Excel reads UTF-8, without it the code page of its machine.
BOM = "\ufeff"
# What spreadsheets take for the beginning of a formula: also full-width, and behind blanks of any kind.
_FORMULA = re.compile(r"[\s\ufeff\u200b\x00-\x1f]*[=+\-@＝＋－＠]|[\t\r\n]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# Also what separates cells elsewhere: Excel splits at the semicolon where the comma is for decimals.
_TO_QUOTE = re.compile(r"[\",;|\s]")
_QUOTE = '"'


def harmless(text: str) -> str:
    """The text as it may stand in a cell."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_line(cells: Iterable[str]) -> str:
    """A line of RFC 4180, of cells that are harmless."""
    quoted = (f'"{cell.replace(_QUOTE, _QUOTE * 2)}"' if _TO_QUOTE.search(cell) else cell for cell in cells)
    return ",".join(quoted) + "\r\n"
