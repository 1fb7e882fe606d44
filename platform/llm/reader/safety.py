"""Words of somebody who may hurt themselves. They always get the safe answer, whatever else would fit."""

import re

from llm.reader.spelling import fold

# Wide on purpose, since a needless kind word costs little; turns of speech (累死了, 跳楼价) are left out.
_CHINESE = r"""
      自杀 | 轻生 | 寻短见 | 不想活 | 活不下去 | 活够了 | 活腻了 | 死了算了 | 一了百了
    | 活着 (?:真|太|好)? [没无] 有? (?:意思|意义)
    | (?:结束|了结) (?:我|自己|掉)* 的? (?:生命|一生|性命)
    | (?:想|要|不如) 去? 死 (?!你|机|磕)
    | 自残 | 自伤 | 割腕 | 跳楼 (?!价|甩|大|促) | 写好?遗书
    | (?:伤害|弄死|杀了?) 我? 自己
"""
_ENGLISH = r"""
      \b (?:kill|hurt|harm|cut|hang|shoot) (?:ing)? \s my \s? self
    | \b suicid | \b self [-\s]? harm | \b kms \b | \b overdos | \b end \s it \s all \b
    | \b (?:end|ending|take|taking) \s my \s (?:own \s)? life
    | \b (?:want|wanna|going|ready|rather) \s (?:to \s)? (?:die|be \s dead) \b
    | \b wish \s i \s (?:was|were) \s (?:dead|never \s born)
    | \b (?:do \s not|don't|dont) \s (?:want \s to|wanna) \s (?:live|be \s alive|exist|wake \s up) \b
    | \b better \s off \s (?:dead|without \s me)
    | \b no \s (?:reason|point) \s (?:to|in) \s (?:live|living|go(?:ing)? \s on)
"""
_CRISIS = re.compile(f"{_CHINESE}|{_ENGLISH}", re.VERBOSE)


def is_crisis(message: str) -> bool:
    """Whether somebody speaks of dying or of hurting themselves, in Chinese or English."""
    return _CRISIS.search(fold(message)) is not None
