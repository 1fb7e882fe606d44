"""Whether a line asks for something to be done, by its form alone, in Chinese and English.

Most of what players say is talk: questions, news, memories, feelings. A deed follows only from a wish.
"""

import re
from enum import Enum

from llm.reader.spelling import HAN, fold


class Wish(Enum):
    DEED = "deed"
    WAY = "way"  # how one gets to a place


# --- English ----------------------------------------------------------------------------------------------
_OPENERS = (
    r"(?:(?:oh|ah|well|okay|ok|hey|hi|now|then|so|and|or|but|please|kindly|just|go on|come on|look|yes|no|sure|alright"
    r"|all right|right|maybe|perhaps|quick|quickly|again|always|never mind|dear|sir|madam|here|there)\b[ ,]*)*"
)
# First words that no imperative has.
_NO_VERB_WORDS = """
    a an the this that these those my your his her its our their i you he she it we they who what which whose
    when where why how whether is are was were am be been do does did have has had will would shall should can
    could may might must not no yes if because since while although though as than when in on at by for from
    with without of off to up down over under into onto about after before between through during against among
    around behind beside beyond near above below and or but nor so yet there here hello hi hey good thanks thank
    sorry nice lovely great fine well today tomorrow tonight yesterday last next every each all some any many
    much more most few several another other one two three four five six seven eight nine ten everyone everybody
    everything someone somebody something nobody nothing perhaps maybe only even still also very too quite
    rather really never always often once old young new little big small such both either neither morning
    evening goodbye bye congratulations happy sad
"""
_NO_VERB = frozenset(_NO_VERB_WORDS.split())
# What one asks others to do with their mouths and minds: talk, not deeds.
_TALK_VERBS_WORDS = """
    tell say ask explain describe imagine believe remember guess listen forgive excuse thank think know
    understand see suppose consider wonder hope wish look forget pretend trust repeat answer talk speak
"""
_TALK_VERBS = frozenset(_TALK_VERBS_WORDS.split())
_FINITE_WORDS = """
    is are was were has had have does did will would can could isn't aren't wasn't weren't
"""
_FINITE = frozenset(_FINITE_WORDS.split())
_SUBJECT_FOLLOWS = re.compile(r"^\w+(?: \w+){0,2} (?:i|we|you|they|he|she|it) (?:am|are|is|was|were|have|has|had)\b")
_ENDS_LIKE_NO_VERB = re.compile(r"(?:[^s]s|ed|ing|ly|'\w+)$")
_ENDS_SO_ANYWAY_WORDS = """
    bring sing ring swing fling sting cling string feed need speed bleed shed wed reply apply fly supply rely is
"""
_ENDS_SO_ANYWAY = frozenset(_ENDS_SO_ANYWAY_WORDS.split())
_EN_WISHES = (
    r"\b(?:can|could|will|would|won't|wouldn't) (?:you|we|i|one|someone|somebody)\b",
    r"\b(?:may|shall|might) (?:we|i)\b",
    r"\bwould .*\bfor me\b",
    r"\bi(?:'d| would) (?:\w+ )?(?:like|love|want|pay|rather|need|buy|take|have|give (?:a lot|anything))\b",
    r"\bi(?:'ll| will) (?:take|have|buy|pay|try)\b",
    r"\bi (?:\w+ly )?(?:want|need|wish|fancy|could do with|could use|would|require|beg)\b",
    r"\bi'm (?:buying|after|looking for|dying|ready)\b",
    r"\bplease\b",
    r"\bfor me[?!]",
    r"\b(?:have )?(?:you )?got (?:any|a|an|one|some|anything)\b",
    r"^(?:do|would) you (?:promise|swear|agree|have|sell|keep|want to|like to|feel like)\b",
    r"^(?:want to|wanna|care to|fancy|feel like|ready to|willing to|up for|time to|any chance)\b",
    r"\b(?:are )?you(?:'re)? (?:coming|joining)\b",
    r"\b(?:how|what) about\b",
    r"\bwhy (?:don't|not)\b",
    r"\bmind (?:if|\w+ing)\b",
    r"\b(?:will|would|should) (?:do|be enough|suffice)\b",
    r"\btime (?:for|to|you)\b",
    r"\byou (?:could|should|must|can|ought to|have to) (?!be\b|have\b|see\b|hear\b|feel\b|say\b|tell\b)",
    r"\bif you(?:'d| would| could| wouldn't mind)\b",
    r"\b(?:can't|couldn't|won't|wouldn't) (?:you|we)\b",
    r"\b(?:be so|so) (?:good|kind|nice)\b",
    r"\blet(?:'s| us| me)\b",
    # What is offered is to be taken.
    r"\b(?:here you (?:are|go)|here is|here's|(?:this|it|these|that) is (?:for|yours)|(?:is|are|'s) for you)\b",
    r"\ba (?:gift|present) for you\b",
    r"\bi(?:'ve| have)? (?:brought|bring|got|give) (?:you|this|it)\b|\byou can (?:have|keep)\b",
    r"^to (?:the|my|your)\b.*!",
    r"\bwhat do i owe\b|\bhow much for\b",
)
_EN_WISH = re.compile("|".join(_EN_WISHES))
_EN_TALK = re.compile(
    r"\b(?:can|could|will|would|won't|may|shall) (?:you|i|we) (?:\w+ly |please |even )?(?:"
    + "|".join(sorted(_TALK_VERBS))
    + r")\b"
    r"|\bi(?:'d| would) (?:like|love) to (?:" + "|".join(sorted(_TALK_VERBS)) + r")\b"
    r"|\bi (?:wish|need|want) (?:i|to (?:" + "|".join(sorted(_TALK_VERBS)) + r"))\b"
)
_EN_NEGATED = re.compile(
    r"^(?:don't|do not|never|stop|no need|you (?:don't|needn't|mustn't|shouldn't))\b"
    r"|\bi (?:don't|do not|wouldn't|won't)\b"
)
_EN_WAY = re.compile(
    r"\b(?:how (?:do|does|can|could|would|should|might) (?:i|one|we|you) (?:\w+ )?(?:get|find|reach|go|come)"
    r"|what(?:'s| is) the (?:\w+ )?(?:way|road|path)|which (?:way|road|path|direction)"
    r"|where(?:'s| is| are| do| does| can| would| might)\b"
    r"|where to\b|(?<!lead )(?:the|my|your) way to|point (?:me|us)|direct (?:me|us)|directions?\b)"
)
_EN_CLAUSES = re.compile(r"(?<=[.!?])\s+|[,;:\u2013\u2014]\s*|\s+-+\s+|(?<=\w)\s+and\s+(?=\w)")

# --- Chinese ----------------------------------------------------------------------------------------------
_ZH_PAST = re.compile(
    r"昨[天晚儿日]|前[天年]|去年|上个?(?:礼拜|星期|周|月)|以前|从前|小时候|那年|当年|刚才|[^路经通]过过|曾|[^来去]过[一两几]?[次回趟]"
)
_ZH_WISHES = (
    r"请(?!问)|麻烦|劳驾|拜托|求[求你您]|帮[我忙个]|替我|给我|给(?:大|咱|他|她|它|众)|让我|[一-鿿](?<![在对和跟同与比叫问说得了过是有])我(?:一[把下程段趟回]|去|到|过|来|上|下|走)",
    r"[带陪送卖领借教划载捎渡分赏赐抱扶背等换递拿]我|[带陪送卖领借教划载捎渡赏]咱",
    r"(?:[能可行肯愿要][意以]?)不[能可行肯愿要]|能否|可否|是否愿",
    r"(?:能|可以|肯|愿意?|答应|保证|要不要|敢|会)[^，。！？]*[吗么嘛]",
    r"(?<![得你您近体都])(?:好|行|成|可以|中|怎么样|如何)[吗么不]?[？?]*$|(?:好不好|行不行|成不成|中不中|怎么样)[？?]*$",
    r"我(?:也|就|还|真|好|很|只|来|都)*(?:想(?!起|念|到|知道|问|必|来想)|要|想要|需要|得|买|换|订|出[一二两三四五六七八九十\d])",
    r"我买了[。！!]*$",
    r"(?:^|[，,。！!？?])(?:把|将|让|来|走吧?|快|跟我|和我|随我|陪|同我)",
    r"[跟和随同与]我(?:们)?(?:一|来|走|去|上|回|到|作)",
    r"(?:吧|嘛|呗|咯|罢)(?=$|[，,。！!？?])",
    r"就(?:成|行|好|可以|够)了?[。！!]*$",
    r"咱们?(?:去|一起|走|来|到)",
    r"^要[一二两三四五六七八九十几个些壶碗间张把只条根支\d]|^(?:你|您)[来去给把带帮]",
    r"^[^我他她它]{0,4}[过起下上出进]来[。！!]?$|^[^我他她它]{0,2}[坐站躺跪趴蹲]下[来吧]?[。！!]?$",
    # What is offered is to be taken.
    r"(?:送给?|给|带给?|拿给|交给|还给)[你您]|归[你您]|[你您]收下",
    r"再[来给][一二两三四五六七八九十\d]",
)
# A clause that begins with one of these and says nothing of how or when it was done is an order.
_ZH_ORDER = re.compile(
    r"^[给拿取递端倒盛来借换跟等停站坐跪敲唱弹吹念读修救教交还扶背划笑跳摇摸挥点](?!的|之前|自|堂|室|个月|天|者|书|心)[^了过着得很真太最挺是]*$"
)
# "Sing one, will you" is sung twice in Chinese: the doubled verb asks lightly.
_ZH_DOUBLED = re.compile(r"([\u4e00-\u9fff])一?\1")
_ZH_ALWAYS_DOUBLED = frozenset(
    "天常刚慢好渐人家妈爸哥姐弟妹爷奶婆公叔伯姑舅个年处明偏谢星宝月日样种次事时往白早晚深轻静远高大小长满红绿"
)
_ZH_WISH = re.compile("|".join(_ZH_WISHES))
_ZH_CALL = re.compile(r"[！!]$")
_ZH_EXCLAIMS = re.compile(
    r"太|真|多么|好[多久大]|可[^以]*[了啦]|了[！!]$|啊[！!]$|^(?:你|您)?(?:好|早|早安|晚安|再见|谢谢|多谢|恭喜|对不起)"
)
_ZH_STATES = re.compile(r"^(?:我|他|她|它|他们|她们|我们)(?!们?[要想来买])")
_ZH_NEGATED = re.compile(r"^(?:你|您)?(?:别|不要|不用|甭|莫|休|不必|勿)|我(?:不|没)(?:想|要|买|需)")
_ZH_TALK = re.compile(
    r"^(?:请|麻烦|快|你|您|能|能不能|可以|可不可以|给我|跟我)*(?:告诉|说说|讲讲|说一?下|聊聊|谈谈|猜|问一?下?|记住|听我说)"
)
_ZH_WAY = re.compile(
    r"怎么(?:走|去|到|过去)|咋(?:走|去)|往哪|朝哪|哪条[路道]|哪个方向|在哪|打哪|从哪[^来]*走|路(?:在|怎么)|指[个条一]?[点条个]?路"
)
_ZH_QUESTION = re.compile(r"什么|怎么|为什么|为何|谁|哪|几[个只条时点岁年]|多少|多[大高重长久深远]|[吗么呢][？?]?$")
_ZH_CLAUSES = re.compile(r"(?<=[。！!？?])|[，,；;：:…—]+")


def wishes_in(text: str) -> frozenset[Wish]:
    """What a line asks for; nothing if it is talk. A wish in one of its clauses is enough."""
    folded = fold(text).strip()
    is_chinese = re.search(f"[{HAN}]", folded) is not None
    asks_way, asks_deed = (_ZH_WAY.search, _chinese) if is_chinese else (_EN_WAY.search, _english)
    found = {Wish.WAY: asks_way(folded), Wish.DEED: asks_deed(folded)}
    return frozenset(wish for wish, is_there in found.items() if is_there)


def _english(text: str) -> bool:
    return any(map(_english_sentence, re.split(r"(?<=[.!?])\s+", text)))


def _english_sentence(sentence: str) -> bool:
    return any(
        _english_clause(re.sub(f"^{_OPENERS}", "", clause), clause)
        for clause in [sentence, *_EN_CLAUSES.split(sentence)]
        if clause
    )


def _english_clause(clause: str, whole: str) -> bool:
    if _EN_NEGATED.search(clause) or _EN_TALK.search(clause):
        return False
    return bool(_EN_WISH.search(whole) or _EN_WISH.search(clause)) or _is_imperative(
        clause, is_alone_enough=clause != whole or clause.endswith("!")
    )


def _is_imperative(clause: str, *, is_alone_enough: bool) -> bool:
    words = re.findall(r"[a-z']+(?:-[a-z]+)*", clause)
    if not words or words[0] in _NO_VERB or words[0] in _TALK_VERBS:
        return False
    if _SUBJECT_FOLLOWS.search(clause):
        return False
    if _ENDS_LIKE_NO_VERB.search(words[0]) and words[0] not in _ENDS_SO_ANYWAY:
        return False
    return words[1] not in _FINITE if len(words) > 1 else is_alone_enough


def _chinese(text: str) -> bool:
    if _ZH_PAST.search(text) and not re.search(r"[吧嘛呗]|[！!]$", text):
        return False
    return any(_chinese_clause(clause) for clause in _ZH_CLAUSES.split(text) if clause)


def _chinese_clause(clause: str) -> bool:
    if _ZH_NEGATED.search(clause) or _ZH_TALK.search(clause):
        return False
    if _ZH_WISH.search(clause):
        return True
    if _ZH_QUESTION.search(clause) or _ZH_STATES.search(clause):
        return False
    doubled = {found[1] for found in _ZH_DOUBLED.finditer(clause)} - _ZH_ALWAYS_DOUBLED
    if _ZH_ORDER.search(clause) or (doubled and "了" not in clause):
        return True
    return bool(_ZH_CALL.search(clause)) and not _ZH_EXCLAIMS.search(clause)
