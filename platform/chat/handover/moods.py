"""Whether somebody is upset, by a small lexicon of our own in Chinese and English. Pure.

Only plain words count; what is denied (not angry), asked about (投诉电话) or meant otherwise (垃圾桶) does not.
"""

import re

from knowledge.words import fold

MAX_CHARACTERS = 2_000

# Taken out first: the same words in an ordinary sense.
_ZH_ORDINARY = (
    r"垃圾(?:桶|箱|分类|袋|处理|站)|投诉(?:电话|流程|渠道|邮箱|方式|热线)|差评的|歌词|恶心(?:想吐|怎么办)|崩溃日志|"
    r"防骗子|防诈骗|(?:没|没有|不|别|并不|并没有)(?:生气|失望|愤怒|崩溃|讨厌|恶心|过分|离谱|糟糕|投诉)|没什么不满意|"
    r"没有不满意|生气时|生气的时候|破损|差不多|差价|一点也不差|不差"
)
_ZH_UPSET = (
    r"差劲|破(?:服务|酒店|公司|平台|系统|机器人)|气死|再也不|生气|骗子|欺诈|过分|敷衍|失望|恶劣|烦死|投诉|忍无可忍|离谱|"
    r"有病|人话|什么玩意|没用|受不了|答非所问|糟糕|糟透|坑人|太坑|也太坑|不讲信用|崩溃|差评|不满意|不满|恶心|浪费.{0,4}时间|"
    r"说话不算|管不管|不负责|愤怒|给个说法|蠢|垃圾|恼火|无语|滚|坑爹|黑心|耍我|糊弄"
)
_EN_ORDINARY = (
    r"rubbish\s+bins?|waste\s+(?:bin|sort)|sort\s+waste|complaints?\s+(?:procedure|form|department)|angry\s+birds|"
    r"(?:i\s+)?hate\s+to\s+(?:ask|bother|say)|terribly\s+sorry|awfully\s+\w+|sick\s+leave|no\s+complaints?|"
    r"weather\s+is\s+\w+|stupidly\s+\w+|no\s+hard\s+feelings|acceptable\s+(?:on|in|to|for)\b|"
    r"(?:not|n't|never|isn't|wasn't|no)\s+(?:\w+\s+){0,2}?(?:angry|terrible|bad|useless|disappointed|stupid|frustrated|awful|"
    r"horrible|ridiculous|disgusting|upset)|(?:was|were)\s+disappointed\s+before|disgusting\s+or\b"
)
_EN_UPSET = (
    r"terrible|awful|horrible|dreadful|angry|furious|useless|what\s+a\s+joke|frustrat\w+|unacceptable|"
    r"not\s+acceptable|worst|(?:file|make|lodge)\s+a\s+complaint|not\s+helping|ridiculous|stupid|idiots?|fed\s+up|scam|"
    r"disgusting|disgusted|i\s+hate|disappoint(?:ed|ing|ment)|are\s+you\s+kidding|pointless|sick\s+(?:of|and\s+tired)|"
    r"nonsense|nightmare|what\s+the\s+hell|wtf|treated\s+so\s+badly|outrageous|outraged|"
    r"not\s+(?:\w+\s+)?(?:happy|satisfied)|unhappy|losing\s+my\s+patience|waste\s+of\s+(?:time|money)|rubbish|incompetent|"
    r"ruined|sue\s+you|ripped?\s+off|pathetic|appalling|crap"
)
_ORDINARY = re.compile(f"{_ZH_ORDINARY}|\\b(?:{_EN_ORDINARY})")
_UPSET = re.compile(f"{_ZH_UPSET}|\\b(?:{_EN_UPSET})\\b")


def upset_by(text: str) -> str:
    """The words that show that somebody is upset; "" if none do."""
    folded = fold(text[:MAX_CHARACTERS]).replace("’", "'")
    match = _UPSET.search(_ORDINARY.sub(" ", folded))
    return match.group() if match else ""
