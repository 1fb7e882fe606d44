"""Numbers with what they count: 三天 and "72 hours" are the same, £14 and 14 days are not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from llm.reader.spelling import fold

# 30 days and a month, 365 days and twelve of them.
SAME_WITHIN = 0.021
DAY = 24 * 60
_LENGTHS = {"minute": 1, "hour": 60, "day": DAY, "week": 7 * DAY, "month": 365 * DAY / 12, "year": 365 * DAY}
# The longer of two that begin alike stand first.
_HAN_UNITS = {
    "分钟": "minute", "个小时": "hour", "小时": "hour", "个钟头": "hour", "钟头": "hour",
    "个工作日": "day", "工作日": "day", "天": "day", "日": "day", "个星期": "week", "星期": "week", "周": "week",
    "个月": "month", "月": "month", "年": "year",
}  # fmt: skip
_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TIES = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ENGLISH_NUMBERS = dict(zip(_ONES, range(20), strict=True)) | dict(zip(_TIES, range(20, 100, 10), strict=True))
_DIGITS = {numeral: number for number, numeral in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_HAN_WEEKDAYS = "一二三四五六日"

_N = r"\d+(?:[,，]\d{3})*(?:\.\d+)?"
_HAN_N = "[零一二两三四五六七八九十百千万〇]+"
_MEASURES = "个次台本楼层件位人罐张条只元块角斤米克升度倍家门级种双名分盒瓶杯箱份科岁座道封把套页"
_UNIT_EN = r"(?P<unit>minute|hour|day|week|month|year)s?"
_MERIDIEM = r"a\.?m\.?|p\.?m\.?"


@dataclass(frozen=True, slots=True)
class Quantity:
    """`kind`: duration (minutes), time (minutes of half a day), money, percent, date, weekday, code or count."""

    kind: str
    value: float
    half: str = ""  # am or pm of a time, if it says
    text: str = ""  # of a code

    def agrees_with(self, other: "Quantity") -> bool:
        if self.kind == other.kind == "code":
            return self.text == other.text
        if self.kind == other.kind == "time":
            return self.value == other.value and (not self.half or not other.half or self.half == other.half)
        if self.kind != other.kind and "count" not in (self.kind, other.kind):
            return False
        return abs(self.value - other.value) <= SAME_WITHIN * max(abs(self.value), abs(other.value))


def quantities(text: str) -> list[Quantity]:
    """All quantities in a text, in the order of their kinds."""
    return list(_taken(text)[0])


def without_quantities(text: str) -> str:
    """The text, folded, with a gap in place of each number and what it counts."""
    return _taken(text)[1]


@lru_cache(maxsize=4096)
def _taken(text: str) -> tuple[tuple[Quantity, ...], str]:
    rest = fold(text)
    found: list[Quantity] = []

    def take(match: re.Match[str]) -> str:
        made = list(_of_kind(match))
        found.extend(made)
        return " ; " if made else match[0]

    for pattern, _of_kind in _KINDS:
        rest = pattern.sub(take, rest)
    return tuple(found), rest


def lacking(claimed: list[Quantity], given: list[Quantity]) -> list[Quantity]:
    """What is claimed and not given."""
    return [one for one in claimed if not any(one.agrees_with(other) for other in given)]


def _number(text: str) -> float:
    """12,5 with all that people write: digits, 三十, "thirty-five", "a"."""
    text = text.strip()
    if re.fullmatch(_N, text):
        return float(re.sub("[,，]", "", text))
    if text in ("a", "an"):
        return 1.0
    if text[:1] in _DIGITS or text[:1] in _TENS:
        return _han_number(text)
    return float(sum(_ENGLISH_NUMBERS.get(word, 0) for word in re.split("[ -]", text)))


def _han_number(text: str) -> float:
    total, digit = 0, 0
    for numeral in text:
        if numeral in _DIGITS:
            digit = _DIGITS[numeral]
        elif numeral == "万":
            total, digit = (total + digit) * 10_000, 0
        else:
            total, digit = total + (digit or 1) * _TENS[numeral], 0
    return float(total + digit)


_WORD_N = rf"(?:{'|'.join(sorted(_ENGLISH_NUMBERS, key=len, reverse=True))})(?:[- ](?:{'|'.join(_ONES[1:10])}))?"
_ANY_N = rf"(?P<n>{_N}|{_HAN_N}|\b{_WORD_N}\b)"


def _first(match: re.Match[str], *names: str) -> str:
    """The first of these groups that matched, or ""."""
    groups = match.groupdict()
    return next((groups[name] for name in names if groups.get(name)), "")


def _address(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("code", 0, text=match[0].rstrip(".,"))


def _code(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("code", 0, text=re.sub(r"[-_. ]", "", match[0]))


def _date(match: re.Match[str]) -> Iterator[Quantity]:
    name = _first(match, "name", "name2")
    month = _MONTHS.index(name) + 1 if name else int(match["month"])
    yield Quantity("date", month * 100 + int(_first(match, "day", "day2", "day3")))


def _weekday(match: re.Match[str]) -> Iterator[Quantity]:
    first = _weekday_number(match["first"])
    last = _weekday_number(match["last"]) if match["last"] else first
    for day in range(first, (last if last >= first else last + 7) + 1):
        yield Quantity("weekday", 1000 + 100 * (day % 7))


def _weekday_number(text: str) -> int:
    return _HAN_WEEKDAYS.index(text[-1].replace("天", "日")) if text[-1] > "z" else _WEEKDAYS.index(text[:3])


def _clock(match: re.Match[str]) -> Iterator[Quantity]:
    hour, groups = int(_number(match["hour"])), match.groupdict()
    minute = 30 if groups.get("half_past") else int(groups.get("minute") or 0)
    if hour > 24 or minute > 59:
        return
    half = _half(groups.get("part") or "", hour)
    yield Quantity("time", (hour % 12) * 60 + minute, half)


def _half(part: str, hour: int) -> str:
    if hour > 12 or part.startswith("p") or part in ("下午", "晚上", "傍晚", "夜里", "中午"):
        return "pm"
    return "am" if part else ""


def _clock_range(match: re.Match[str]) -> Iterator[Quantity]:
    part = match["part"]
    for hour, minute in ((match["hour"], match["minute"]), (match["hour2"], match["minute2"])):
        value = (int(hour) % 12) * 60 + int(minute or 0)
        # "10 am to 5" says of its first time only what it says of both.
        yield Quantity("time", value, _half(part, int(hour)) if hour == match["hour2"] else "")


def _noon(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("time", 0, "am" if match[0] in ("midnight", "午夜", "零点") else "pm")


def _money(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("money", _number(_first(match, "n", "n2")) / (10 if match[0].endswith("角") else 1))


def _percent(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("percent", _number(_first(match, "n", "n2")))


def _off(match: re.Match[str]) -> Iterator[Quantity]:
    """八折 is 20 percent off, 八五折 15."""
    digits = match["n"]
    value = float("".join(str(_DIGITS.get(digit, digit)) for digit in digits))
    yield Quantity("percent", 100 - value * (10 if value < 10 else 1))


def _half_price(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("percent", 50)


def _duration(match: re.Match[str]) -> Iterator[Quantity]:
    unit = match["unit"]
    minutes = _LENGTHS[_HAN_UNITS.get(unit, unit)]
    yield Quantity("duration", _number(match["n"]) * minutes)


def _half_of(match: re.Match[str]) -> Iterator[Quantity]:
    unit = _first(match, "unit", "unit2")
    yield Quantity("duration", _LENGTHS[_HAN_UNITS.get(unit, unit)] / 2)


def _count(match: re.Match[str]) -> Iterator[Quantity]:
    yield Quantity("count", _number(match["n"]))


_PART = "(?P<part>上午|早上|清晨|凌晨|中午|下午|傍晚|晚上|夜里)?"
_WEEKDAY_EN = r"(?:mon|tues?|wednes|thurs?|fri|satur|sun)days?"
_KINDS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Iterator[Quantity]]]] = [
    (re.compile(r"[a-z0-9][\w.+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)+|https?://\S+|www\.\S+"), _address),
    (re.compile(r"(?<![a-z0-9])[a-z]+[-_]?\d[a-z0-9]*(?![a-z0-9%:])"), _code),
    (re.compile(r"(?<![\d.:])\d{2,4}(?:[- ]\d{2,4}){1,4}(?![\d:]|\s*[%元])|(?<!\d)\d{7,}(?!\d)"), _code),
    (
        re.compile(
            rf"(?P<month>\d{{1,2}})月(?P<day>\d{{1,2}})[日号]?"
            rf"|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<name>{'|'.join(_MONTHS)})[a-z]*\b"
            rf"|\b(?P<name2>{'|'.join(_MONTHS)})[a-z]* (?P<day3>\d{{1,2}})(?:st|nd|rd|th)?\b"
        ),
        _date,
    ),
    (
        re.compile(
            r"(?P<first>(?:周|星期|礼拜)[一二三四五六日天])(?:\s*(?:至|到|-|~|—)+\s*(?P<last>(?:周|星期|礼拜)?[一二三四五六日天]))?"
        ),
        _weekday,
    ),
    (
        re.compile(rf"\b(?P<first>{_WEEKDAY_EN})(?:\s*(?:to|through|until|till|-|–)\s*(?P<last>{_WEEKDAY_EN}))?\b"),
        _weekday,
    ),
    (
        re.compile(
            rf"\b(?P<hour>\d{{1,2}})(?:[:.](?P<minute>\d{{2}}))?\s*(?:to|until|till|and|-|–)\s*"
            rf"(?P<hour2>\d{{1,2}})(?:[:.](?P<minute2>\d{{2}}))?\s*(?P<part>{_MERIDIEM})(?!\w)"
        ),
        _clock_range,
    ),
    (re.compile(rf"\b(?P<hour>\d{{1,2}})(?:[:.](?P<minute>\d{{2}}))?\s*(?P<part>{_MERIDIEM})(?!\w)"), _clock),
    (
        re.compile(
            rf"{_PART}\s*(?P<hour>\d{{1,2}}|[一二两三四五六七八九十]{{1,3}})点(?:钟|整)?"
            r"(?:(?P<half_past>半)|(?P<minute>\d{1,2})分?)?"
        ),
        _clock,
    ),
    (
        re.compile(rf"{_PART}\s*(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})"),
        _clock,
    ),
    (re.compile(r"\b(?:noon|midnight)\b|正午|午夜|零点"), _noon),
    (re.compile(r"(?P<n>[一二三四五六七八九]{1,2}|\d(?:\.\d)?)折"), _off),
    (re.compile(r"半价|\bhalf(?: the)? price\b|\bpay half\b|\bhalf off\b"), _half_price),
    (re.compile(rf"{_ANY_N}\s*(?:%|percent\b|per cent\b)|百分之(?P<n2>{_HAN_N})"), _percent),
    (re.compile(rf"[$€£¥]\s*(?P<n>{_N})|(?P<n2>{_N}|{_HAN_N})\s*(?:元|块钱?|美元|欧元|英镑|角|人民币)"), _money),
    (re.compile(rf"{_ANY_N}\s*(?:yuan|rmb|cny|dollars?|euros?|pounds?|usd|eur|gbp)\b"), _money),
    (re.compile(rf"\bhalf an? {_UNIT_EN}\b|半个?(?P<unit2>小时|钟头|天|年)"), _half_of),
    (
        re.compile(
            rf"(?P<n>{_N}|\b{_WORD_N}|(?:(?<=within )|(?<=for )|(?<=after )|(?<=in ))an?)[ -]?"
            rf"(?:\w+ing |business |work |calendar )?{_UNIT_EN}\b"
        ),
        _duration,
    ),
    (re.compile(rf"(?P<n>{_N}|{_HAN_N})\s*(?P<unit>{'|'.join(_HAN_UNITS)})"), _duration),
    (re.compile(rf"(?P<n>{_N}|\b(?!one\b){_WORD_N}\b|(?!一){_HAN_N}(?=[{_MEASURES}]))"), _count),
]
