"""Numbers, times and names as people of a language read them."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from analytics.results.cells import plain
from analytics.results.shapes import Field, Grain, moment_of

# More places than these are the rest of a division: shown rounded, and said so.
MAX_PLACES = 6
MAX_TEXT = 60
# Python's own arithmetic keeps 28 digits. A number of PostgreSQL has up to 131 072 before and 16 383 behind the point.
EXACT = Context(prec=200_000)
_TIMES: dict[str, dict[Grain, str]] = {
    "zh": {"year": "{0.year}年", "month": "{0.year}年{0.month}月", "day": "{0.year}年{0.month}月{0.day}日"},
    "en": {"year": "{0.year:04}", "month": "{0.year:04}-{0.month:02}", "day": "{0.year:04}-{0.month:02}-{0.day:02}"},
}
# The same for Vega, whose axes format times themselves.
D3_TIMES: dict[str, dict[Grain, str]] = {
    "zh": {"year": "%Y年", "month": "%Y年%-m月", "day": "%Y年%-m月%-d日", "minute": "%-m月%-d日 %H:%M"},
    "en": {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "minute": "%m-%d %H:%M"},
}
_WORDS: dict[str, dict[object, str]] = {
    "zh": {None: "（空）", "": "（空白）", True: "是", False: "否"},
    "en": {None: "(none)", "": "(blank)", True: "yes", False: "no"},
}
# Names that are words of our own sentences, or none without that of their column.
_NEEDS_NAME = re.compile(
    r"[\W\d_]*|[是否为到从有的共占等和与最高低大小多少行值约]|yes|no|a|the|is|at|in|to|of|it", re.I
)


def shown_number(number: Decimal) -> str:
    """With separators of thousands and all digits; one of more than MAX_PLACES rounded."""
    return f"{rounded(number):,f}" if is_rounded(number) else f"{Decimal(plain(number)):,f}"


def is_rounded(number: Decimal) -> bool:
    _, _, fraction = plain(number).partition(".")
    return len(fraction) > MAX_PLACES


def rounded(number: Decimal) -> Decimal:
    """To two places, or to three digits if it is smaller than 1."""
    places = 2 if number.copy_abs() >= 1 else 2 - number.adjusted()
    return Decimal(plain(round_to(number, places)))


def round_to(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)


def shown_value(field: Field, value: Any, language: str) -> str:
    """One value of a time, a period or a category."""
    if value is None or value == "" or isinstance(value, bool):
        return _WORDS[language][value]
    if field.role == "time" and isinstance(value, date):
        return _shown_time(value, field.grain, language)
    return plain(value) if isinstance(value, Decimal) else str(value)


def shown_label(field: Field, value: Any, language: str) -> str:
    """A value that names its row, as it stands in a sentence: "Beijing", but "customer_id 5"."""
    shown = shown_value(field, value, language)
    if value is None or value == "" or field.role == "time" or not needs_name(shown):
        return shown
    return f"{field.name} {shown}"


def needs_name(shown: str) -> bool:
    return bool(_NEEDS_NAME.fullmatch(shown))


def clipped(text: str) -> str:
    """On one line, short enough for a sentence."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def is_sayable(label: Field) -> bool:
    """Whether its labels can be told from numbers where they need the column's name."""
    return any(letter.isalpha() for letter in label.name)


def _shown_time(value: date, grain: Grain, language: str) -> str:
    moment = moment_of(value)
    if grain == "minute":
        return f"{_TIMES[language]['day'].format(moment)} {moment:%H:%M}"
    return _TIMES[language][grain].format(moment)
