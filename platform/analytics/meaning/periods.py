"""Periods of time as questions say them ("last month", 上个月, 2024年3月, "Q2"), and as days and SQL."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

Unit = Literal["day", "week", "month", "quarter", "year"]

MONTHS = {"day": 0, "week": 0, "month": 1, "quarter": 3, "year": 12}
DAYS = {"day": 1, "week": 7, "month": 0, "quarter": 0, "year": 0}
FAR = 400  # how many units a question may go back; beyond that it is no period of anybody's data


@dataclass(frozen=True, slots=True)
class Edge:
    """A day, either by name or counted from today's: `unit` first truncates today, then `offset` units are added."""

    day: date | None = None
    unit: Unit = "day"
    offset: int = 0
    months: int = 0  # added besides

    def on(self, today: date) -> date:
        return self.day or moved(moved(truncated(today, self.unit), self.unit, self.offset), "month", self.months)

    @property
    def sql(self) -> str:
        if self.day:
            return f"DATE '{self.day.isoformat()}'"
        base = "CURRENT_DATE" if self.unit == "day" else f"CAST(DATE_TRUNC('{self.unit}', CURRENT_DATE) AS DATE)"
        months = self.months + self.offset * MONTHS[self.unit]
        days = self.offset * DAYS[self.unit]
        if not months and not days:
            return base
        length = f"{abs(months)} months" if months else f"{abs(days)} days"
        return f"CAST({base} {'-' if min(months, days) < 0 else '+'} INTERVAL '{length}' AS DATE)"


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until just before `end`.

    "The last 3 months" may be whole months, days counted back from today, or whole months and this one: `others` are
    the further ways to see it, always as many and in the same order.
    """

    start: Edge
    end: Edge
    others: tuple["Period", ...] = ()

    @property
    def is_relative(self) -> bool:
        return self.start.day is None or self.end.day is None


@dataclass(frozen=True, slots=True)
class Said:
    """A period and where it stands in the text."""

    period: Period
    begin: int
    end: int


def truncated(day: date, unit: Unit) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "day":
        return day
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3, "year": 1}[unit]
    return date(day.year, month, 1)


def moved(day: date, unit: Unit, count: int) -> date:
    """Whole units later or earlier; the last day of a month stays within its month. Raises ValueError out of range."""
    if not MONTHS[unit]:
        try:
            return day + timedelta(days=count * DAYS[unit])
        except OverflowError:
            raise ValueError("no such day") from None
    months = day.year * 12 + day.month - 1 + count * MONTHS[unit]
    first = date(months // 12, months % 12 + 1, 1)
    last = (moved(first, "month", 1) - timedelta(days=1)).day if day.day > 28 else day.day
    return first.replace(day=min(day.day, last))


def periods_in(folded: str, today: date) -> list[Said]:
    """The periods that a folded text says, in order, none within another; two joined by "to" are one."""
    found: list[Said] = []
    for pattern, read in _PATTERNS:
        for match in pattern.finditer(folded):
            if any(said.begin < match.end() and match.start() < said.end for said in found):
                continue
            try:
                period = read(match, today)
            except (ValueError, KeyError):
                continue
            if period:
                found.append(Said(period, match.start(), match.end()))
    return list(_joined(sorted(found, key=lambda said: said.begin), folded, today))


_TO = re.compile(r"\s*(?:到|至|~|—|–|-|to|through|until|till)\s*(?:the end of )?")
_BEFORE = re.compile(r"(?:\bfrom|\bbetween|从|自|在|介于)\s*$")
_AND = re.compile(r"\s*(?:and|和|与)\s*")


def _joined(found: list[Said], text: str, today: date) -> Iterator[Said]:
    at = 0
    while at < len(found):
        said = found[at]
        before = _BEFORE.search(text[: said.begin])
        if at + 1 < len(found):
            between = text[said.end : found[at + 1].begin]
            is_pair = before and before[0].strip() in ("between", "介于") and _AND.fullmatch(between)
            if _TO.fullmatch(between) or is_pair:
                later = _in_year_of(said, found[at + 1], text, today)
                if said.period.start.on(today) < later.period.end.on(today):
                    begin = before.start() if before else said.begin
                    yield Said(Period(said.period.start, later.period.end), begin, later.end)
                    at += 2
                    continue
        yield said
        at += 1


def _in_year_of(first: Said, second: Said, text: str, today: date) -> Said:
    """2024年1月到3月: the year is said once."""
    start, named = first.period.start.day, re.search(r"\d{4}", text[second.begin : second.end])
    end, begin = second.period.end.day, second.period.start.day
    if start is None or end is None or begin is None or named or start.year == begin.year:
        return second
    years = start.year - begin.year
    period = Period(Edge(moved(begin, "year", years)), Edge(moved(end, "year", years)))
    return replace(second, period=period)


def named(unit: Unit, day: date) -> Period:
    """The unit that begins on this day."""
    return Period(Edge(day), Edge(moved(day, unit, 1)))


def relative(unit: Unit, offset: int) -> Period:
    return Period(Edge(unit=unit, offset=offset), Edge(unit=unit, offset=offset + 1))


def rolling(unit: Unit, count: int) -> Period:
    if not 0 < count <= FAR:
        raise ValueError("not a period")
    since = Edge(unit="day", offset=-count * DAYS[unit], months=-count * MONTHS[unit])
    start, tomorrow = Edge(unit=unit, offset=-count), Edge(unit="day", offset=1)
    return Period(start, Edge(unit=unit), (Period(since, tomorrow), Period(start, tomorrow)))


_DIGITS = {numeral: number for number, numeral in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_UNITS: dict[str, Unit] = {
    "天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month", "季度": "quarter",
    "季": "quarter", "年": "year",
    "day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year",
}  # fmt: skip
_NAMED_DAYS = {
    "今天": 0, "今日": 0, "昨天": -1, "昨日": -1, "前天": -2, "today": 0, "yesterday": -1, "day before yesterday": -2,
}  # fmt: skip
_NAMED_YEARS = {"今年": 0, "本年": 0, "本年度": 0, "去年": -1, "上年": -1, "前年": -2}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4}


def number_of(text: str) -> int:
    """A whole number in digits, in Chinese numerals below a thousand, or as an English word. Raises ValueError."""
    if text.isdecimal():
        return int(text)
    if text in _WORDS:
        return _WORDS.index(text)
    hundreds, is_hundred, rest = text.rpartition("百")
    tens, is_ten, ones = rest.lstrip("零").rpartition("十")
    try:
        total = 100 * _DIGITS[hundreds] if is_hundred else 0
        total += 10 * (_DIGITS[tens] if tens else 1) if is_ten else 0
        return total + (_DIGITS[ones] if ones else 0)
    except KeyError:
        raise ValueError(text) from None


_YEAR = r"(?P<year>(?:19|20)\d\d)"
_CHINESE_NUMBER = r"[0-9零〇一二两三四五六七八九十百]+"
_MONTH_NAME = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_UNIT_NAME = r"(?P<unit>day|week|month|quarter|year)"
_COUNT = r"(?P<count>\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"


def _day(match: re.Match[str], today: date) -> Period:
    year = int(match["year"]) if match.groupdict().get("year") else today.year
    return named("day", date(year, _month_number(match["month"]), int(match["day"])))


def _month(match: re.Match[str], today: date) -> Period:
    year = int(match["year"]) if match.groupdict().get("year") else _year_before(match, today)
    return named("month", date(year, _month_number(match["month"]), 1))


def _year_before(match: re.Match[str], today: date) -> int:
    """去年3月; a month by itself is this year's."""
    said = match.groupdict().get("said")
    return today.year + (_NAMED_YEARS[said] if said else 0)


def _month_number(text: str) -> int:
    return _MONTH_NAMES.index(text[:3]) + 1 if text[:3] in _MONTH_NAMES else number_of(text)


def _quarter(match: re.Match[str], today: date) -> Period:
    year = int(match["year"]) if match.groupdict().get("year") else _year_before(match, today)
    said = match["quarter"]
    quarter = _ORDINALS[said] if said in _ORDINALS else number_of(said)
    return named("quarter", date(year, 3 * quarter - 2, 1))


def _half(match: re.Match[str], today: date) -> Period:
    year = int(match["year"]) if match["year"] else _year_before(match, today)
    begin = date(year, 1 if match["half"] == "上" else 7, 1)
    return Period(Edge(begin), Edge(moved(begin, "month", 6)))


def _relative(match: re.Match[str], _today: date) -> Period:
    unit = _UNITS[match["unit"]]
    which = match["which"]
    offset = {"last": -1, "previous": -1, "上": -1, "上上": -2, "next": 1, "下": 1}.get(which, 0)
    return relative(unit, offset)


def _rolling(match: re.Match[str], _today: date) -> Period:
    return rolling(_UNITS[match["unit"]], number_of(match["count"]))


def _alone(match: re.Match[str], today: date) -> Period:
    """A month or a quarter without its year: this year's."""
    if quarter := match.groupdict().get("quarter"):
        return named("quarter", date(today.year, 3 * number_of(quarter) - 2, 1))
    return named("month", date(today.year, number_of(match["month"]), 1))


def _year(match: re.Match[str], _today: date) -> Period:
    return named("year", date(int(match["year"]), 1, 1))


def _named_day(match: re.Match[str], _today: date) -> Period:
    return relative("day", _NAMED_DAYS[match[0]])


def _named_year(match: re.Match[str], _today: date) -> Period:
    return relative("year", _NAMED_YEARS[match[0]])


_HAN_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?"
_HAN_UNIT = r"(?P<unit>天|日|周|星期|礼拜|月|季度|年)"
_SAID_YEAR = r"(?P<said>今年|去年|前年)"
_ORDINAL = r"(?P<quarter>first|second|third|fourth|[1-4](?:st|nd|rd|th)) quarter"
# A bare number, or "may" and "march", is a time only behind a word that times stand behind.
_PREPOSITIONS = "in for of during since year from to before after through between and"
_BEHIND = "(?:" + "|".join(rf"(?<=\b{word} )" for word in _PREPOSITIONS.split()) + ")"
_Reader = Callable[[re.Match[str], date], Period | None]
# The longer ways to say it first. All of these read folded text.
_WAYS: list[tuple[str, _Reader]] = [
    (rf"(?<!\d){_YEAR}[-/.年](?P<month>\d\d?)[-/.月](?P<day>\d\d?)[日号]?(?!\d)", _day),
    (rf"\b{_MONTH_NAME} (?P<day>\d\d?)(?:st|nd|rd|th)?,? {_YEAR}\b", _day),
    (rf"\b(?P<day>\d\d?)(?:st|nd|rd|th)? (?:of )?{_MONTH_NAME},? {_YEAR}\b", _day),
    (r"(?<!\d)(?P<month>1[0-2]|[1-9])月(?P<day>\d\d?)[日号]", _day),
    (rf"(?<!\d){_YEAR}年?\s*的?第?(?P<quarter>[1-4一二三四])季度?", _quarter),
    (rf"{_SAID_YEAR}\s*的?第?(?P<quarter>[1-4一二三四])季度", _quarter),
    (rf"(?<!\d){_YEAR}年?[\s-]?q(?P<quarter>[1-4])(?!\d)", _quarter),
    (rf"\bq(?P<quarter>[1-4])(?: of|,)?[\s-]?{_YEAR}\b", _quarter),
    (rf"\b(?:the )?{_ORDINAL} (?:of )?{_YEAR}\b", _quarter),
    (rf"(?:(?:(?<!\d){_YEAR}年?)|{_SAID_YEAR})?(?P<half>[上下])半年", _half),
    (rf"(?<!\d){_YEAR}年\s*{_HAN_MONTH}", _month),
    (rf"{_SAID_YEAR}{_HAN_MONTH}", _month),
    (rf"(?<![\d-]){_YEAR}[-/](?P<month>1[0-2]|0[1-9])(?![\d-])", _month),
    (rf"\b{_MONTH_NAME},? (?:of )?{_YEAR}\b", _month),
    (rf"(?:过去|最近|近|前)\s*的?(?P<count>{_CHINESE_NUMBER})\s*个?{_HAN_UNIT}(?:内|里)?", _rolling),
    (rf"\b(?:in |during |over )?(?:the )?(?:last|past|previous) {_COUNT} {_UNIT_NAME}s\b", _rolling),
    (r"第(?P<quarter>[1-4])季度", _alone),
    (r"第?(?P<quarter>[一二三四])季度", _alone),
    (r"(?<![a-z0-9])q(?P<quarter>[1-4])(?![a-z0-9])", _quarter),
    (rf"\b(?:the )?{_ORDINAL}\b", _quarter),
    (r"(?P<which>上上|上|本|这|当|下)一?个?(?P<unit>周|星期|礼拜|月|季度)(?!末)", _relative),
    (rf"\b(?P<which>last|previous|this|current|next) {_UNIT_NAME}(?:'s)?\b", _relative),
    (r"今天|今日|昨天|昨日|前天|\bday before yesterday\b|\btoday\b|\byesterday\b", _named_day),
    (r"本年度|今年|本年|去年|上年|前年", _named_year),
    (rf"(?<![\d.,]){_YEAR}年度?", _year),
    (rf"{_BEHIND}{_YEAR}\b(?![-/])", _year),
    (rf"(?<![\d几每个]){_HAN_MONTH}(?!\d)", _alone),
    (rf"{_BEHIND}{_MONTH_NAME}(?![a-z])", _month),
]
_PATTERNS = [(re.compile(pattern), read) for pattern, read in _WAYS]
