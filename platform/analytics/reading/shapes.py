"""How people write numbers, dates and the like: each cell of text has at most one of these shapes.

The patterns are for RE2, which looks at a million cells in the time in which Python looks at fifty thousand.
"""

import re

_PLAIN = r"(?:0|[1-9]\d*)"
_GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+"
NUMBER = rf"(?:(?:{_GROUPED}|{_PLAIN})(?:\.\d+)?|\.\d+)"

SIGNS = {
    "¥": "[¥￥]|CN¥|CNY|RMB|人民币",
    "$": r"\$|US\$|USD",
    "€": "€|EUR",
    "£": "£|GBP",
}
_AFTER = {"¥": "元|圆|CNY|RMB", "$": r"\$|USD|美元", "€": "€|EUR|欧元", "£": "£|GBP|英镑"}

_MONTHS = (
    "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?|"
    "Nov(?:ember)?|Dec(?:ember)?"
)
_DAYS = {
    "ymd": r"\d{4}(?:-\d{1,2}-|/\d{1,2}/|\.\d{1,2}\.|年\d{1,2}月)\d{1,2}[日号]?",
    # With points the day comes first, in all countries that write so.
    "d.m.y": r"\d{1,2}\.\d{1,2}\.\d{4}",
    "x/x/y": r"\d{1,2}(?:/\d{1,2}/|-\d{1,2}-)\d{4}",
    "month": rf"(?i:\d{{1,2}}[- ]?(?:{_MONTHS})\.?[- ,]{{1,2}}\d{{4}}|(?:{_MONTHS})\.? \d{{1,2}},? \d{{4}})",
}
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[AaPp][Mm])?"
_ZONE = r" ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"

DATES = frozenset(_DAYS)
TIMESTAMPS = frozenset(f"{day} time" for day in _DAYS)
ZONED = frozenset(f"{day} time zone" for day in _DAYS)
# Numbers that mean the same however they are mixed.
NUMBERS = frozenset(["integer", "long integer", "decimal", "scientific", "grouped", "negative", "万"])
MONEY = frozenset(SIGNS)
BOOLEAN = {
    "true": ("true", "t", "yes", "y", "是", "对", "✓", "√"),
    "false": ("false", "f", "no", "n", "否", "错", "✗", "×"),
}
_ERROR = "#(?:DIV/0|REF|VALUE|NAME|NUM|NULL|SPILL|CALC)[!?]"
# Of no value in a column of numbers or dates; in a column of text most of them may be meant.
NOTHING = rf"(?i:null|n/?a|#n/a|nan|none|nil|\\N|-{{1,3}}|—{{1,2}}|–|/|无|空|暂无|缺失)|{_ERROR}"
# Of no value in a column of text either.
NEVER_TEXT = rf"^(?:(?i:null)|\\N|#N/A|{_ERROR})$"

SHAPES: dict[str, str] = {
    "integer": r"[+-]?(?:0|[1-9]\d{0,17})",
    "decimal": r"[+-]?(?:(?:0|[1-9]\d*)\.\d+|\.\d+)",
    "long integer": r"[+-]?[1-9]\d{18,}",
    "leading zeros": r"0\d+",
    "ymd": _DAYS["ymd"],
    "ymd time": rf"{_DAYS['ymd']}[T ]{{1,2}}{_TIME}",
    "ymd time zone": rf"{_DAYS['ymd']}[T ]{{1,2}}{_TIME}{_ZONE}",
    "grouped": rf"[+-]?{_GROUPED}(?:\.\d+)?",
    "scientific": r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d{1,3}",
    "%": rf"[+-]?{NUMBER} ?[%％]",
    "negative": rf"\({NUMBER}\)",
    "万": rf"[+-]?{NUMBER} ?[万亿]元?",
    "1.234,5": r"[+-]?(?:(?:0|[1-9]\d*),(?:\d{1,2}|\d{4,})|[1-9]\d{0,2}(?:\.\d{3})+,\d+)",
    "boolean": f"(?i:{'|'.join([*BOOLEAN['true'], *BOOLEAN['false']])})",
    "time": r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?",
    "interval": r"-?(?:2[4-9]|[3-9]\d|\d{3,6}):[0-5]\d:[0-5]\d(?:\.\d{1,6})?",
    "nothing": NOTHING,
    **{
        sign: rf"[+-]?(?:{names}) ?[+-]?{NUMBER}|[+-]?{NUMBER} ?(?:{_AFTER[sign]})|\((?:{names}) ?{NUMBER}\)"
        for sign, names in SIGNS.items()
    },
    **{
        name: pattern
        for kind in ("d.m.y", "x/x/y", "month")
        for name, pattern in {
            kind: _DAYS[kind],
            f"{kind} time": rf"{_DAYS[kind]},?[T ]{{1,2}}{_TIME}",
            f"{kind} time zone": rf"{_DAYS[kind]},?[T ]{{1,2}}{_TIME}{_ZONE}",
        }.items()
    },
}
SHAPES = {name: f"^(?:{pattern})$" for name, pattern in SHAPES.items()}

# In a column of dates whose first two numbers may be day and month: which one must be the day.
DAY_FIRST = r"^(?:1[3-9]|2\d|3[01])[-/]"
MONTH_FIRST = r"^\d{1,2}[-/](?:1[3-9]|2\d|3[01])[-/]"
COMPACT_DAY = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"

# Digits that are a name and no amount: nobody adds up telephone numbers.
_CODES = re.compile(
    r"电话|手机|传真|联系方式|身份证|证件号|卡号|账号|帐号|邮编|邮政编码|学号|工号|条形?码|"
    r"\b(?:phone|mobile|tel|telephone|fax|zip|zip ?code|postal ?code|post ?code|account (?:no|number)|iban|ssn|isbn|"
    r"ean|barcode|passport)\b",
    re.IGNORECASE,
)
MOBILE = r"^1[3-9]\d{9}$"
# Identity and card numbers have 15 to 19 digits, all of one length.
CODE_DIGITS = range(15, 20)

_DAY_LABEL = re.compile(r"日期|时间|日$|\b(?:date|day|dt)\b", re.IGNORECASE)


def names_codes(label: str) -> bool:
    return bool(_CODES.search(label.replace("_", " ")))


def names_a_day(label: str) -> bool:
    return bool(_DAY_LABEL.search(label.replace("_", " ")))


_VALUE = re.compile("|".join(pattern for name, pattern in SHAPES.items() if name not in ("boolean", "nothing")))


def is_value(cell: str) -> bool:
    """Whether the cell is a number, date or time, as column names are not."""
    return bool(_VALUE.match(cell.strip()))
