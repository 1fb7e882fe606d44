"""What in a column is personal: found by rule from its header and values, and masked wherever it would be shown."""

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

from knowledge.words import fold

Personal = Literal["", "email", "phone", "id_number", "name", "card"]

MASK = "***"
# With a header that says so, this share of the values decides; without one, it takes most of them: order
# numbers of sixteen digits pass Luhn's check by chance one time in ten.
SHARE_WITH_HEADER = 0.1
SHARE_WITHOUT_HEADER = 0.5

_EMAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\d.])")
_PHONE = re.compile(
    r"(?<![\d.])(?:\+\d{1,3}[ -]?(?:\(\d{1,4}\)[ -]?)?\d{2,5}(?:[ -]?\d{2,5}){1,4}"  # +44 20 7946 0958
    r"|0\d{2,3}[ -]\d{7,8}"  # 010-12345678
    r"|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\d.])"  # (555) 010-1234
)
_ID_NUMBER = re.compile(r"(?<!\d)[1-9]\d{16}[\dXx](?![\dA-Za-z])|(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_CARD = re.compile(r"(?<![\d.])[2-6]\d{3}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,4})?(?![\d.])")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"

_HEADERS: dict[Personal, re.Pattern[str]] = {
    "email": re.compile(r"e-?mail|邮箱|电子邮件|邮件地址"),
    "phone": re.compile(r"phone|mobile|\btel\b|telephone|\bfax\b|电话|手机|联系方式|传真"),
    "id_number": re.compile(
        r"身份证|证件号|护照|社保号|passport|\bssn\b|social security|id card|identity (?:card|number)|national id"
    ),
    "card": re.compile(
        r"银行卡|信用卡|卡号|银行账号|银行帐号|card (?:no|number|num)\b|bank account|iban|account number"
    ),
}
# What only a person has, and what a company, a product or a city may have as well: there the values decide.
_PERSON = re.compile(
    r"姓名|收货人|收件人|联系人|昵称|first name|last name|full name|surname|given name|family name"
    r"|contact (?:name|person)|(?:employee|staff|patient|student|person|candidate|guest) name"
)
_PERHAPS_PERSON = re.compile(
    r"名字|客户名|客户$|会员名|员工|负责人|经理|业务员|销售员|经办人|申请人|审批人|主管|司机|教师|学生|患者"
    r"|\bname$|manager|owner|salesperson|sales rep|customer$|employee$|driver|author|assignee|\bcontact$|recruiter"
)
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆"
    "汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_CHINESE_NAME = re.compile(r"[\u4e00-\u9fff]{2,3}|[\u4e00-\u9fff]{1,2}·[\u4e00-\u9fff]{1,6}")
_ENGLISH_NAME = re.compile(r"[A-Z][a-z'’-]+(?: [A-Z]\.?)?(?: (?:Mc|Mac|O['’]|van |de )?[A-Z][a-z'’-]+){1,2}")
_COMPANY = re.compile(
    r"(?i)\b(?:inc|ltd|llc|gmbh|corp|company|group|store|shop|hotel|bank|school|center|centre|team|kit|set)\b"
)


def is_id_number(text: str) -> bool:
    """Whether this is a Chinese identity card's number: a date within and the right check digit (GB 11643)."""
    if not re.fullmatch(r"[1-9]\d{16}[\dXx]", text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weighted = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, text, strict=False))
    return _ID_CHECKS[weighted % 11] == text[-1].upper()


def is_card_number(text: str) -> bool:
    """Whether this is the number of a payment card by Luhn's check."""
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[2-6]\d{12,18}", digits) or len(set(digits)) < 2:
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def personal_kind(header: str, values: Sequence[str]) -> Personal:
    """What a column holds of persons, by its name or label and some of its values; '' for nothing found."""
    heading = _spaced(header)
    values = [value.strip() for value in values if value.strip()]
    for kind, is_one in _TESTS.items():
        is_said = _HEADERS[kind].search(heading) is not None
        looks = _LOOSELY[kind] if is_said else is_one
        wanted = SHARE_WITH_HEADER if is_said else SHARE_WITHOUT_HEADER
        if values and sum(map(looks, values)) >= wanted * len(values):
            return kind
    if _PERSON.search(heading):
        return "name"
    if _PERHAPS_PERSON.search(heading) and values:
        return "name" if sum(map(_is_name, values)) >= SHARE_WITHOUT_HEADER * len(values) else ""
    return ""


def masked(text: str, kind: Personal = "") -> str:
    """A value that may be shown: of a personal column its shape only, of others what is personal within it cut out."""
    if kind:
        return {"email": f"{MASK}@{MASK}", "phone": "1**********"}.get(kind, MASK)
    text = _EMAIL.sub(MASK, text)
    for pattern, is_one in ((_ID_NUMBER, _is_any_id), (_CARD, is_card_number), (_MOBILE, bool), (_PHONE, bool)):
        text = pattern.sub(lambda found, is_one=is_one: MASK if is_one(found[0]) else found[0], text)  # type: ignore[misc]
    return text


def _spaced(header: str) -> str:
    """`customerName`, `customer_name` and "Customer Name" read alike."""
    return fold(re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", header)).strip()


def _is_email(value: str) -> bool:
    return _EMAIL.fullmatch(value) is not None


def _is_phone(value: str) -> bool:
    return (_MOBILE.fullmatch(value) or _PHONE.fullmatch(value)) is not None


def _is_any_id(value: str) -> bool:
    return is_id_number(value) or re.fullmatch(r"\d{3}-\d{2}-\d{4}", value) is not None


def _is_name(value: str) -> bool:
    if _CHINESE_NAME.fullmatch(value):
        return value[0] in _SURNAMES or "·" in value
    return _ENGLISH_NAME.fullmatch(value) is not None and not _COMPANY.search(value)


def _digits_between(least: int, most: int) -> Callable[[str], bool]:
    """Values of so many digits, some of them perhaps starred out already."""

    def looks(value: str) -> bool:
        return re.fullmatch(rf"\+?[\d*Xx]{{{least},{most}}}", re.sub(r"[ ()./-]", "", value)) is not None

    return looks


_TESTS: dict[Personal, Callable[[str], bool]] = {
    "email": _is_email,
    "id_number": _is_any_id,
    "phone": _is_phone,
    "card": is_card_number,
}
_LOOSELY: dict[Personal, Callable[[str], bool]] = {
    "email": lambda value: "@" in value,
    "id_number": lambda value: re.fullmatch(r"[A-Za-z]{0,2}[\d*-]{6,18}[\dXx]?", value) is not None,
    "phone": _digits_between(7, 15),
    "card": _digits_between(10, 30),
}
