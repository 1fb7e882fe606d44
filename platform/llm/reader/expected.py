"""What form an answer should have: a price, a span of time, a number of something, and whether a text has it."""

import re
from enum import StrEnum


class Expected(StrEnum):
    ANYTHING = "anything"
    MONEY = "money"
    DURATION = "duration"
    MOMENT = "moment"  # a time of day, a weekday, a date
    TEMPERATURE = "temperature"
    SHARE = "share"  # a percentage or a discount
    NUMBER = "number"


_NUMERAL = r"(?:\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|an?)\b|[一二两三四五六七八九十百半]+)"
_ASKED = [
    (Expected.TEMPERATURE, r"多少度|几度|水温|温度是|how hot|how cold|temperature|how warm"),
    (Expected.SHARE, r"几折|打折|百分之几|比例|折扣是|what percentage|how many percent|what share"),
    (
        Expected.MONEY,
        r"多少钱|几块|几元|什么价|价格|售价|运费是|费用是|贵不贵|补多少|报多少|奖多少|多少元|收费吗?"
        r"|how much (?:is|are|does|do|would|will|can i (?:spend|claim)|for|money)|price of|what .*\bcosts?\b|how expensive"
        r"|what (?:is|are) the .*\b(?:price|fee|limit|budget|rate|charge|allowance)",
    ),
    (
        Expected.DURATION,
        r"多久|多长时间|几天|多少天|几个月|多少个?月|几年|多少年|几周|几小时|几分钟|几个小时|多少小时|期限|有效期"
        r"|how long|how soon|how many (?:days|weeks|months|years|hours|minutes)|how (?:far|much time) (?:ahead|in advance)"
        r"|how often|how far ahead|how late|deadline",
    ),
    (
        Expected.MOMENT,
        r"几点|什么时候|何时|哪天|几号|什么时间|星期几|周几|几月|when |what time|which days?|on what day|by when|opening hours"
        r"|what (?:are|is) the .*hours",
    ),
    (
        Expected.NUMBER,
        r"多少|几(?:个|次|种|位|件|瓶|盒|人|倍|岁|张|条|款|公里)|多大|多高|多重|多长|how many|how much|how (?:big|large|tall|high|heavy)",
    ),
]
_UNITS = {
    Expected.MONEY: r"{n} ?(?:元|块|万|美元|英镑|欧元|yuan|cny|rmb|pounds?|gbp|euros?|eur|dollars?|usd)|[¥￥$€£] ?\d"
    r"|(?:price|cost|fee|价|费)[^:：;|]{{0,12}}[:：] ?\d|免费|\bfree\b|包邮|不收费",
    Expected.DURATION: r"{n} ?(?:个)?(?:天|日|周|星期|月|年|小时|钟头|分钟|秒|工作日|days?|weeks?|months?|years?|hours?|minutes?|seconds?"
    r"|working days?)|\bevery (?:day|week|month|year|mon|tues|wednes|thurs|fri|satur|sun)\w*|次日|当天|即时|立即|永久|immediately|每(?:天|周|月|年|日)",
    Expected.MOMENT: r"\d{{1,2}}:\d\d|{n} ?(?:点|月|日|号)|周[一二三四五六日天末]|星期[一二三四五六日天]|礼拜"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweekends?\b|\b(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b|\d(?:st|nd|rd|th)\b|\d ?[ap]\.?m\b|每天|每日|当月|当天|{n} (?:days?|hours?|weeks?)|{n} ?(?:天|小时|周|工作日)",
    Expected.TEMPERATURE: r"{n} ?(?:°c|℃|°|度|degrees?)",
    Expected.SHARE: r"{n} ?(?:%|折|percent|per cent)|百分之|一半|half",
    Expected.NUMBER: r"{n}",
}
_ASKED_PATTERNS = [(kind, re.compile(pattern)) for kind, pattern in _ASKED]
_FOUND_PATTERNS = {kind: re.compile(pattern.format(n=_NUMERAL)) for kind, pattern in _UNITS.items()}


def expected(folded_question: str) -> Expected:
    """What a folded question asks for; ANYTHING when its form does not say."""
    return next((kind for kind, asked in _ASKED_PATTERNS if asked.search(folded_question)), Expected.ANYTHING)


def holds(kind: Expected, folded_text: str) -> bool:
    """Whether a folded text has something of that form."""
    return kind is Expected.ANYTHING or _FOUND_PATTERNS[kind].search(folded_text) is not None
