"""Whether a sentence claims anything at all. Greetings, questions, offers and "I don't know" do not."""

import re

from llm.reader.spelling import fold
from llm.reader.words import units

# Not more telling words than this are a nod: "Yes.", "Great choice!", 好的。
TOO_FEW = 1.0

_QUESTION = re.compile(r"[?？]\s*[\"'”’」』）)]*\s*$|(?:吗|呢|么)[。!！]?$")
_LEADS_IN = re.compile(r"[:：]\s*$")
_UNKNOWN = re.compile(
    r"""
      (?:资料|文档|文件|说明|信息|知识库)(?:里|中|内)?(?:都|也|并|暂时?)*(?:没有|没|未)
    | (?:没有|没能?|未能?|无法)(?:找到|查到|提到|提及|看到|搜到|确认|得知|回答)
    | (?:不太?|并不)(?:清楚|了解|确定|知道|确认)
    | (?:无法|不能)(?:为您)?(?:回答|确认|提供)
    | \b(?:do(?:es)?\ not|don't|doesn't|did\ not|didn't|could\ not|couldn't|can\ not|cannot|can't|was\ unable\ to|
         am\ unable\ to|am\ not\ able\ to)\ (?:\w+\ )?(?:know|say|mention|find|have\ (?:any\ )?(?:information|details)|
         tell|confirm|state|specify|answer|contain|cover|see\ any)\b
    | \b(?:no\ information|not\ sure|not\ mentioned|not\ covered|nothing\ about)\b
    """,
    re.VERBOSE,
)
_COURTESY = re.compile(
    r"""
    ^(?:(?:好的|您好|你好|嗨|当然|没问题|抱歉|不好意思|对不起|很抱歉|非常抱歉|明白了?|了解了?|嗯|是的|不客气)
        [，,。!！~～ ]*)*
     (?: (?:很|非常)?(?:高兴|荣幸|乐意)(?:能?为|帮|解答|回答).*
       | (?:非常|十分)?感谢.* | 谢谢.* | 多谢.*
       | 欢迎(?:您|你|光临|来|再|随时|使用|入住|咨询|选择).* | 祝(?:您|你|大家).* | 期待.*
       | 希望.{0,10}(?:帮助|有用|满意).*
       | (?:如果|如|若|假如).{0,16}(?:问题|疑问|需要|不清楚|想了解|帮助)
         .{0,24}(?:告诉|联系|问|咨询|说|提出|吩咐|帮|找).*
       | (?:请)?(?:随时)(?:告诉|联系|问|咨询|提出).*
       | (?:我|我们)?(?:可以|能|很乐意|会)(?:再|继续|也)?(?:帮|为)(?:您|你)
         .{0,12}(?:查|查询|了解|介绍|解答|看看|转接|联系|说明).*
       | 请(?:您|你)?(?:告诉|提供|说明|告知|问|稍等|稍候).*
       | 建议(?:您|你)?(?:再)?(?:联系|咨询|询问).* | 我(?:来|先)?(?:帮|为)(?:您|你).*
       |
     )$
    """,
    re.VERBOSE,
)
_COURTESY_EN = re.compile(
    r"""
    ^(?:(?:hello|hi|hey|yes|no|sure|certainly|of\ course|great|good|okay|ok|alright|absolutely|sorry|thanks|i'm\ sorry|
        i\ am\ sorry|unfortunately|welcome)\b[\s,.!–—-]*(?:and\ |but\ )?)*
     (?: (?:thank\ you|thanks)\b.*
       | (?:i'm|i\ am|we're|we\ are)?\ ?(?:happy|glad|pleased|delighted)\ to\ (?:help|assist|hear)\b.*
       | (?:i\ )?hope\b.* | (?:enjoy|have)\ (?:a|your|the)\b.* | welcome\b.*
       | (?:great|good|excellent)\ (?:question|choice|idea)\b.*
       | (?:please\ )?(?:feel\ free\ to|don't\ hesitate\ to|do\ not\ hesitate\ to)\b.*
       | (?:please\ )?(?:just\ )?let\ (?:me|us)\ know\b.*
       | (?:if\ .{0,50})?(?:,\ )?(?:i|we)(?:\ can|\ could|'d\ be\ happy\ to|\ would\ be\ happy\ to|'ll|\ will)
         \ (?:also\ |gladly\ |then\ )?
         (?:help|connect|put|look|check|tell|explain|transfer|assist|forward|pass)\b.*
       | if\ (?:you|there).{0,60}
         \b(?:let\ (?:me|us)\ know|ask|tell\ me|get\ in\ touch|contact|reach\ out|feel\ free)\b.*
       | (?:could|can|would|may)\ (?:you|i)\b.*
       | (?:please\ )?(?:tell|give|send)\ me\b.* | (?:we|i)\ look\ forward\b.*
       | (?:looking\ forward|see\ you|take\ care|good\ luck|all\ the\ best)\b.*
       | here\ (?:is|are)\b.{0,60}
       |
     )$
    """,
    re.VERBOSE,
)


def claims_something(sentence: str) -> bool:
    """Whether a sentence says something that a source could bear out."""
    folded = fold(sentence).strip()
    if not folded or _QUESTION.search(folded) or _LEADS_IN.search(folded) or _UNKNOWN.search(folded):
        return False
    bare = folded.rstrip("。.!！~～… ")
    if _COURTESY.match(bare) or _COURTESY_EN.match(bare):
        return False
    return sum(unit.weight for unit in units(sentence)) > TOO_FEW or any(letter.isdigit() for letter in folded)


def declines(answer: str) -> bool:
    """Whether an answer says that it does not know."""
    return _UNKNOWN.search(fold(answer)) is not None
