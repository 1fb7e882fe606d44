"""What may be asked next: questions that the knowledge near what was asked can answer. No model is asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chat.grounding.polarity import share_of
from llm.reader.spelling import fold, is_chinese
from llm.reader.words import bag, units
from personas.context import Source

MOST = 3
# A suggestion is near if this much of what it asks stands in a passage that was found.
NEAR = 0.6
# One that shares more than this with something asked before asks it again.
ASKED_AGAIN = 0.6
LONGEST_HEADING = 40
_QUESTION_MARK = re.compile(r"[?？]\s*$")
# "3.2 Returns", "第一章 总则", "附录"
_NUMBERING = re.compile(
    r"^(?:第[一二三四五六七八九十\d]+[章节条部]|[\d.]+|[一二三四五六七八九十]+、|[QqAa问答][:：.])\s*"
)
_SAY_NOTHING = re.compile(
    r"^(?:introduction|overview|contents|table of contents|appendix|summary|general|notes?|faq|misc\w*|other|contact|"
    r"简介|概述|目录|附录|总则|说明|前言|其他|备注|摘要|常见问题|联系方式)s?$"
)
_ASKED_ABOUT = {"zh": "能介绍一下“{heading}”吗？", "en": "Can you tell me about “{heading}”?"}


@dataclass(frozen=True, slots=True)
class Asking:
    """What was asked: now, before (in any order), and the questions that the persona's author offers."""

    question: str
    earlier: Sequence[str] = ()
    authored: Sequence[str] = ()

    @property
    def language(self) -> str:
        return "zh" if is_chinese(self.question) else "en"


def suggestions_for(asking: Asking, found: Sequence[Source], cited: Sequence[int]) -> list[str]:
    """At most three, in the asker's language: authored ones first, then the documents' questions and headings."""
    chosen: list[str] = []
    asked = [asking.question, *asking.earlier]
    for text in _candidates(asking, found, cited):
        if not any(_same(text, other) for other in [*asked, *chosen]):
            chosen.append(text)
            if len(chosen) == MOST:
                break
    return chosen


def _candidates(asking: Asking, found: Sequence[Source], cited: Sequence[int]) -> Iterator[str]:
    is_zh = asking.language == "zh"
    for text in asking.authored:
        if is_chinese(text) == is_zh and any(_answers(source, text) for source in found):
            yield text
    for source in found:
        for heading in _headings(source):
            if is_chinese(heading) != is_zh:
                continue
            if _QUESTION_MARK.search(heading):
                yield heading
            elif source.n not in cited:
                yield _ASKED_ABOUT[asking.language].format(heading=heading)


def _headings(source: Source) -> Iterator[str]:
    """The innermost heading of a passage, if it says what the passage is about."""
    heading = _NUMBERING.sub("", source.heading.rsplit(" > ", 1)[-1].strip()).strip()
    if 2 <= len(heading) <= LONGEST_HEADING and not _SAY_NOTHING.match(fold(heading)):
        yield heading


def _answers(source: Source, question: str) -> bool:
    """Whether a passage speaks of most of what a question asks."""
    return share_of(units(question), bag(f"{source.title}\n{source.heading}\n{source.text}")) >= NEAR


def _same(text: str, other: str) -> bool:
    """Whether one of two questions asks little that the other does not."""
    first, second = units(_quoted_part(text)), units(_quoted_part(other))
    if not first or not second:
        return fold(text) == fold(other)
    return min(share_of(first, bag(other)), share_of(second, bag(text))) > ASKED_AGAIN or fold(text) == fold(other)


def _quoted_part(text: str) -> str:
    """What a question made of a heading is about."""
    match = re.search("“(.+)”", text)
    return match[1] if match else text
