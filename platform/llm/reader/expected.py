"""What form an answer should have: a price, a span of time, a number; and whether a text has it."""

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


# In this order: "how much time" asks for a duration before it asks for a number.
_ASKED = {
    Expected.TEMPERATURE: r"多少度|几度|水温|温度是|how (?:hot|cold|warm)|temperature",
    Expected.SHARE: r"几折|打折|百分之几|比例|折扣是|what percentage|how many percent|what share",
    Expected.MONEY: (
        r"多少钱|几块|几元|什么价|价格|售价|(?:运费|费用)是|贵不贵|(?:补|报|奖)多少|多少元|收费吗"
        r"|how much (?:is|are|does|do|would|will|can i (?:spend|claim)|for|money)|how expensive|price of"
        r"|what .*\bcosts?\b|what (?:is|are) the .*\b(?:price|fee|limit|budget|rate|charge|allowance)"
    ),
    Expected.DURATION: (
        r"多久|多长时间|几天|多少天|几个月|多少个?月|几年|多少年|几周|几个?小时|多少小时|几分钟|期限|有效期"
        r"|how (?:long|soon|often|late|far (?:ahead|in advance)|much time)|deadline"
        r"|how many (?:days|weeks|months|years|hours|minutes)"
    ),
    Expected.MOMENT: (
        r"几点|什么时候|何时|哪天|几号|什么时间|星期几|周几|几月"
        r"|\bwhen |what time|which days?|on what day|by when|opening hours|what (?:are|is) the .*hours"
    ),
    Expected.NUMBER: (
        r"多少|几(?:个|次|种|位|件|瓶|盒|人|倍|岁|张|条|款|公里)|多(?:大|高|重|长)"
        r"|how (?:many|much|big|large|tall|high|heavy)"
    ),
}
_NUMERAL = (
    r"(?:\d[\d,.]*|[一二两三四五六七八九十百半]+"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|half|an?)\b)"
)
_WEEKDAY = r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|周[一二三四五六日天末]|星期[一二三四五六日天]"
_MONTH = r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
_FOUND = {
    Expected.TEMPERATURE: rf"{_NUMERAL} ?(?:°c|℃|°|度|degrees?)",
    Expected.SHARE: rf"{_NUMERAL} ?(?:%|折|percent|per cent)|百分之|一半|half",
    Expected.MONEY: (
        rf"{_NUMERAL} ?(?:元|块|万|美元|英镑|欧元|yuan|cny|rmb|pounds?|gbp|euros?|eur|dollars?|usd)"
        r"|[¥￥$€£] ?\d"
        r"|(?:price|cost|fee|价|费)[^:：;|]{0,12}[:：] ?\d|免费|\bfree\b|包邮|不收费"
    ),
    Expected.DURATION: (
        rf"{_NUMERAL} ?(?:working |个)?(?:days?|weeks?|months?|years?|hours?|minutes?|seconds?)"
        rf"|{_NUMERAL} ?个?(?:天|日|周|星期|月|年|小时|钟头|分钟|秒|工作日)"
        r"|\bevery \w+|immediately|次日|当天|即时|立即|永久|每[天周月年日]"
    ),
    Expected.MOMENT: (
        rf"\d{{1,2}}:\d\d|{_NUMERAL} ?(?:点|月|日|号)|\d(?:st|nd|rd|th)\b|\d ?[ap]\.?m\b|{_WEEKDAY}|{_MONTH}"
        rf"|\bweekends?\b|每[天日]|当[天月]|{_NUMERAL} ?(?:days?|hours?|weeks?|天|小时|周|工作日)"
    ),
    Expected.NUMBER: _NUMERAL,
}
_ASKED_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _ASKED.items()}
_FOUND_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _FOUND.items()}


def expected(folded_question: str) -> Expected:
    """What a folded question asks for; ANYTHING when its form does not say."""
    asked = (kind for kind, pattern in _ASKED_PATTERNS.items() if pattern.search(folded_question))
    return next(asked, Expected.ANYTHING)


def holds(kind: Expected, folded_text: str) -> bool:
    """Whether a folded text has something of that form."""
    return kind is Expected.ANYTHING or _FOUND_PATTERNS[kind].search(folded_text) is not None
