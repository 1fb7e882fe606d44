"""Numbers as people write them in a sentence, Chinese or English, with how exactly they are meant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

_DIGITS = str.maketrans("０１２３４５６７８９％．－−〇", "0123456789%.--零")
_SCALES = {
    "十万": 5,
    "百万": 6,
    "千万": 7,
    "十亿": 9,
    "百亿": 10,
    "千亿": 11,
    "万亿": 12,
    "百": 2,
    "千": 3,
    "万": 4,
    "亿": 8,
    "thousand": 3,
    "million": 6,
    "billion": 9,
    "trillion": 12,
    "bn": 9,
    "k": 3,
    "m": 6,
    "b": 9,
}
_PERCENT = r"%|percent\b|per\scent\b|个?百分点|percentage\spoints?\b"
_SCALE = "|".join(sorted((rf"{word}\b" if word.isascii() else word for word in _SCALES), key=len, reverse=True))
_HAN = "零一二两三四五六七八九十百千万亿"
# Words with a number's letter that are none.
_HARMLESS = (
    "第一|一共|一直|一样|一般|一定|一致|一些|一下|一起|一旦|一方面|另一|之一|唯一|统一|进一步|同一|每一|十分|万一"
)
# "first" and "last" are places at the ends; other ordinals and words for numbers would need more than we read.
_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|"
    "nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|"
    "twice|double[ds]?|triple[ds]?|halve[ds]?|second|third|thirds|fourth|fifth|quarters?|times|fold|zero|none|single|both"
)
_NUMBER = re.compile(
    rf"""(?P<harmless>{_HARMLESS})
    | 百分之(?P<of_hundred>\d+(?:\.\d+)?|[零一二三四五六七八九十]+)
    | (?P<before>[A-Za-z_第/]?)(?P<minus>(?<![\w.)\]])-)?
      (?P<digits>\d{{1,3}}(?:,\d{{3}})+(?![\d,])|\d+)(?P<fraction>\.\d+)?
      (?:\s*(?:(?P<percent>{_PERCENT})|(?P<tenths>成半?)|(?P<scale>{_SCALE})))?
      (?P<after>\s*(?:[年月日号点时季周倍/:]|[A-Za-z]?\d|(?:st|nd|rd|th)\b))?
    | (?P<han>[{_HAN}]+(?:点[{_HAN}]+)?)(?P<han_tenths>成半?)?(?P<han_after>[年月日号点季周倍分半])?
    | \b(?P<word>{_WORDS})\b
    | (?P<vague>[半几数][{_HAN}个成倍]|翻番|翻倍)""",
    re.X | re.I,
)


@dataclass(frozen=True, slots=True)
class Written:
    """`text[start:end]`. `value` is None where it is a number that we do not read.

    It is exact to `places` behind the point, negative ones before it. One that `is_rough` says to how many it is
    rounded: it has a fraction, or is told in thousands.
    """

    start: int
    end: int
    value: Decimal | None
    places: int = 0
    is_percent: bool = False
    is_rough: bool = False


def western(text: str) -> str:
    """Full-width digits as plain ones; no letter moves."""
    return text.translate(_DIGITS)


def written_numbers(text: str) -> Iterator[Written]:
    """The numbers of a text that `western` made plain."""
    for match in _NUMBER.finditer(text):
        if not match["harmless"]:
            yield _read(match)


def _read(match: re.Match[str]) -> Written:
    start, end = match.span()
    unread = Written(start, end, None)
    if (of_hundred := match["of_hundred"]) is not None:
        value = Decimal(of_hundred) if of_hundred[0].isdigit() else han_number(of_hundred)
        return unread if value is None else Written(start, end, value, _places(value), is_percent=True, is_rough=True)
    if match["digits"]:
        return unread if match["before"] or match["after"] else _digits(match)
    if match["han"] and not match["han_after"]:
        value = han_number(match["han"])
        if value is None or match["han_tenths"] == "成半":
            return unread
        if match["han_tenths"]:
            return Written(start, end, value * 10, -1, is_percent=True, is_rough=True)
        return Written(start, end, value)
    return unread


def _digits(match: re.Match[str]) -> Written:
    start, end = match.span()
    fraction = match["fraction"] or ""
    value = Decimal((match["minus"] or "") + match["digits"].replace(",", "") + fraction)
    places = max(len(fraction) - 1, 0)
    if match["tenths"]:
        if match["tenths"] == "成半":
            return Written(start, end, None)
        return Written(start, end, value * 10, places - 1, is_percent=True, is_rough=True)
    power = _SCALES[match["scale"].lower()] if match["scale"] else 0
    return Written(
        start,
        end,
        value.scaleb(power),
        places - power,
        is_percent=bool(match["percent"]),
        is_rough=bool(fraction or power or match["percent"]),
    )


def han_number(text: str) -> Decimal | None:
    """三百二十 is 320; None for what is no number, as 三二十."""
    total = section = digit = 0
    has_digit = False
    for letter in text:
        if letter in "零":
            continue
        if (place := "十百千".find(letter)) >= 0:
            if not has_digit and (section or letter != "十"):
                return None
            section += (digit if has_digit else 1) * 10 ** (place + 1)
            digit, has_digit = 0, False
        elif letter in "万亿":
            if not (section or digit):
                return None
            total = (total + section + digit) * (10**4 if letter == "万" else 10**8)
            section = digit = 0
            has_digit = False
        elif has_digit or letter == "点":
            return None
        else:
            digit, has_digit = _HAN_DIGITS[letter], True
    return Decimal(total + section + digit)


_HAN_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def _places(value: Decimal) -> int:
    return max(-int(value.as_tuple().exponent), 0)
