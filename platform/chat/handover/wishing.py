"""Whether somebody asks for a person, in Chinese or English, and not only speaks of one. Pure.

It must neither be missed nor happen by accident: what names a person (人工费, real estate agent) or asks about one
(are you human?) is no wish. How often each is right is measured in tests/chat/handover.
"""

import re
from functools import lru_cache

from knowledge.words import boundaries, fold

# --- Chinese --------------------------------------------------------------------------------------------
_HELP = r"(?:人工(?:客服|服务|坐席|座席|专员|帮助)?|真人(?:客服)?|活人|客服(?:人员|专员|经理|代表)?)"
_STAFF = r"(?:坐席|座席|专员|话务员|接线员|经理|主管|负责人|领导|工作人员|店员|员工|老板|同事)"
_ANYBODY = rf"(?:{_HELP}|{_STAFF})"
# What they are followed by when they are part of something else, or are asked about.
_NOT_HIM = (
    r"(?!电话|号码|热线|邮箱|几点|周末|上班|下班|休息|制服|证书|套房|工资|费|湖|智能|智慧|授粉|翻译|草|岛|成本|"
    r"宝石|呼吸|关节|秀|cs|版|电影|中心在|微信号)"
)
_CALL = r"(?:转接?(?:给|到|个|至)?|接(?:通|给)?|找(?!不)|叫|喊|让|换|请(?!问)|联系|呼叫|帮我?)"
_ZH_WISHES = [
    rf"{_CALL}.{{0,6}}?(?P<who>{_ANYBODY}){_NOT_HIM}",
    rf"(?:要|需要|有没有|想找)(?:一?个|一?位|一下)?(?P<who>{_HELP}){_NOT_HIM}",
    rf"(?:跟|和|与|同).{{0,3}}?(?P<who>{_ANYBODY})(?:本人)?(?:说|聊|谈|沟通|讲|通话|联系|对话)",
    r"(?:找|换|叫)(?:一?个|一?位)(?:真)?人(?:来|吧|$)",
    rf"^(?:你好|您好|喂|那|我的)?(?P<who>{_HELP})(?:呢|吧|啊|在吗|在不在|有吗|有人吗|谢谢)?$",
]
_ZH_NOT_WANTED = r"(?:(?<!要)不|不用|不需要|无需|不必|没必要|别|不要|不想|甭)(?:再|先|给我|帮我|把我)?$"

# --- English --------------------------------------------------------------------------------------------
_KIND = r"(?:(?:real|live|actual|human|customer|support|service|proper|another)\s+)*"
_WHO = (
    rf"(?:{_KIND}(?:humans?(?:\s+beings?)?|persons?|people|agents?|representatives?|reps?|operators?|advisors?|"
    r"supervisors?|managers?)|someone|somebody|person\s+in\s+charge|customer\s+(?:service|support|care)|"
    r"support\s+(?:staff|team)|(?:member\s+of\s+)?(?:your\s+)?staff|one\s+of\s+your\s+(?:colleagues|people|staff)|"
    r"(?:your|a)\s+(?:colleague|team))"
)
_A = r"(?:an?\s+|the\s+|your\s+|some\s+|any\s+)?"
_ENDS = (
    r"(?=\s*(?:$|[,.!?;]|please\b|now\b|here\b|on\b|instead\b|not\b|to\s+(?:talk|help|speak)|who\b|i\s+can|"
    r"available|about))"
)
_EN_WISHES = [
    rf"\b(?:talk|speak|chat|deal)\s+(?:\w+\s+)?(?:to|with)\s+{_A}{_WHO}\b",
    rf"\b(?:talk|speak)\s+{_WHO}{_ENDS}",
    rf"\b(?:connect|transfer|put|hand|pass|switch|forward|escalate)\s+(?:me|us|this|it|my\s+case)\s+(?:\w+\s+)?"
    rf"(?:to|with|over\s+to)\s+{_A}{_WHO}\b",
    rf"\b(?:want|need|get|give|prefer|like|send)\s+(?:me\s+|us\s+)?{_A}(?!someone|somebody|people|staff){_WHO}{_ENDS}",
    rf"\bis\s+there\s+{_A}{_WHO}\s*(?:$|[?]|here|available|i\s+can|who\s+can)",
    rf"^(?:please\s+|an?\s+)?{_KIND}(?:human|person|agent|operator|representative|manager|supervisor|customer\s+service)"
    r"(?:\s+(?:please|now))?[.!?]*$",
    rf"\b(?:reach|contact|get\s+hold\s+of)\s+{_A}(?:real|live|actual|human)\s+{_WHO}",
    r"\b(?:can|could|may|will)\s+(?:someone|somebody|an?\s+(?:person|agent|human|colleague)|a\s+member\s+of\s+staff)\b"
    r"(?:\s+from\s+your\s+team)?\s+(?:please\s+)?(?:call|chat|help|talk|speak|take\s+over|contact)\b",
]
_EN_NOT_WANTED = r"(?:\bno\s+need\b|\bnot\b|n't\b|\bnever\b|\bwithout\b)(?:\s+\w+){0,4}\s*$"

_ZH = [re.compile(pattern) for pattern in _ZH_WISHES]
_EN = [re.compile(pattern) for pattern in _EN_WISHES]
_ZH_REFUSED, _EN_REFUSED = re.compile(_ZH_NOT_WANTED), re.compile(_EN_NOT_WANTED)
_CLAUSES = re.compile(r"[，。！？；、,.!?;\n]+")
MAX_CHARACTERS = 2_000


def asks_for_person(text: str) -> str:
    """The words by which somebody asks for a person; "" if nobody does."""
    folded = fold(text[:MAX_CHARACTERS]).replace("’", "'")
    for clause in _CLAUSES.split(folded):
        said = " ".join(clause.split())
        if found := _found(_ZH, _ZH_REFUSED, said) or _found(_EN, _EN_REFUSED, said):
            return found
    return ""


def _found(wishes: list[re.Pattern[str]], refused: re.Pattern[str], clause: str) -> str:
    for wish in wishes:
        match = wish.search(clause)
        if match and not refused.search(clause[: match.start()]) and _is_whole(match, clause):
            return match.group()
    return ""


def _is_whole(match: re.Match[str], clause: str) -> bool:
    """Whether who was named is a word of its own: 人工 is not, in 人工智能."""
    if "who" not in match.re.groupindex:
        return True
    begins, ends = match.span("who")
    edges = boundaries(clause)
    return begins in edges and ends in edges


def keyword_in(text: str, keywords: tuple[str, ...]) -> str:
    """The first of a tenant's own words that the text holds, as words of its own; "" if none."""
    folded = fold(text[:MAX_CHARACTERS])
    edges: frozenset[int] | None = None
    for keyword in keywords:
        for match in _pattern(keyword).finditer(folded):
            edges = boundaries(folded) if edges is None else edges
            if match.start() in edges and match.end() in edges:
                return keyword
    return ""


@lru_cache(maxsize=4096)
def _pattern(keyword: str) -> re.Pattern[str]:
    """In any case and blanks; an English word may end otherwise (refund, refunds, refunded)."""
    words = [re.escape(word) for word in fold(keyword).split()]
    ending = r"(?:s|es|ed|d|ing)?" if words and words[-1][-1:].isascii() else ""
    return re.compile(r"\s+".join(words) + ending)
