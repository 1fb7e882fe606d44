"""Words of somebody who may hurt themselves. They always get the safe answer, whatever else would fit."""

import re

from llm.reader.words import fold

# Wide on purpose, since a needless kind word costs little; turns of speech ("累死了", 跳楼价) are left out.
_CRISIS = re.compile(
    r"""
      自杀 | 轻生 | 寻短见 | 不想活 | 活不下去 | 活着(?:真|太|好)?(?:没|无)(?:有)?(?:意思|意义) | 活够了 | 活腻了
    | (?:结束|了结)(?:我|自己|掉)*(?:的)?(?:生命|一生|性命) | (?<!笑)(?<!累)(?<!热)(?:想|要|不如)(?:去)?死(?!你|机) | 死了算了 | 一了百了
    | 自残 | 自伤 | 割腕 | 跳楼(?!价|甩|大|促) | (?:伤害|弄死|杀了?)(?:我)?自己 | 写(?:好)?遗书
    | \b(?:kill|hurt|harm|cut|hang|shoot)(?:ing)?\ (?:myself|my\ ?self) | \bsuicid | \bself[-\ ]?harm
    | \b(?:end|take|taking|ending)\ my\ (?:own\ )?life | \bend\ it\ all\b | \bkms\b
    | \b(?:want|wanna|going|ready|rather)\ (?:to\ )?(?:die|be\ dead)\b | \bwish\ i\ (?:was|were)\ (?:dead|never\ born)
    | \b(?:do\ not|don't|dont)\ (?:want\ to|wanna)\ (?:live|be\ alive|exist|wake\ up)\b | \bbetter\ off\ (?:dead|without\ me)
    | \bno\ (?:reason|point)\ (?:to|in)\ (?:live|living|go(?:ing)?\ on) | \boverdos
    """,
    re.VERBOSE,
)


def is_crisis(message: str) -> bool:
    """Whether somebody speaks of dying or of hurting themselves, in Chinese or English."""
    return _CRISIS.search(fold(message)) is not None
