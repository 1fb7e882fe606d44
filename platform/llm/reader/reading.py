"""One turn of the reader: what it looks at, in which order."""

import re

from llm.reader.documents import answer_from_documents
from llm.reader.lines import choose, exactly, fallback, says_little, unsaid
from llm.reader.phrases import phrases
from llm.reader.safety import is_crisis
from llm.reader.spelling import HAN, fold, is_chinese
from llm.reader.types import EmbedPassages, EmbedQuery, ReaderAnswer, ReaderTask

# From here on an example's message and the question are the same small talk, not something to look up. On the
# demo's personas and tune questions, paraphrased small talk scores 0.89 to 1.0 and questions at most 0.91.
SMALL_TALK = 0.93
LIKE_SMALL_TALK = 0.90  # when the documents have nothing to say either


def read(task: ReaderTask, embed_query: EmbedQuery, embed_passages: EmbedPassages) -> ReaderAnswer:
    """Answer with authored words only: quotations, or the persona's lines, or a refusal.

    The same task gets the same answer. Without examples no vector is computed at all. With them the question
    is embedded, and the examples' messages once: `embed_passages` is the key under which they are remembered.
    """
    language = language_of(task)
    if is_crisis(task.question):
        return _line(_crisis_line(task, language), "crisis")
    example = exactly(task)
    if example and example.say not in task.said[-1:]:
        return _line(example.say, "example", matched=example.user)
    if computed := next((passage for passage in task.passages if passage.answer), None):
        answer = f"{computed.answer} [{computed.n}]"
        return ReaderAnswer(text=answer, cited=(computed.n,), confidence=1.0, trace={"reason": "computed"})
    if task.has_documents or task.passages:
        return _from_documents(task, language, embed_query, embed_passages)
    return _from_lines(task, language, embed_query, embed_passages)


def language_of(task: ReaderTask) -> str:
    """ "zh" or "en": the question's own language, the surface's if the question has no words."""
    if re.search(f"[A-Za-z{HAN}]", task.question):
        return "zh" if is_chinese(task.question) else "en"
    return "zh" if task.language.startswith("zh") else "en"


def _from_documents(
    task: ReaderTask, language: str, embed_query: EmbedQuery, embed_passages: EmbedPassages
) -> ReaderAnswer:
    """Small talk by the persona's examples or plain courtesy, all else from the documents."""
    choices = choose(task, language, embed_query, embed_passages)
    if choices and choices[0].score >= SMALL_TALK:
        return _line(choices[0].example.say, "example", matched=choices[0].example.user, score=choices[0].score)
    if courtesy := _courtesy(task.question, language):
        return _line(courtesy, "courtesy")
    answer = answer_from_documents(task, language)
    if answer.declined and choices and choices[0].score >= LIKE_SMALL_TALK:
        return _line(choices[0].example.say, "example", matched=choices[0].example.user, score=choices[0].score)
    return answer


def _from_lines(
    task: ReaderTask, language: str, embed_query: EmbedQuery, embed_passages: EmbedPassages
) -> ReaderAnswer:
    """A companion's nearest line that it has not just said, or one that keeps listening."""
    if not says_little(task.question):
        choice = unsaid(choose(task, language, embed_query, embed_passages), task.said)
        if choice:
            return _line(choice.example.say, "example", matched=choice.example.user, score=choice.score)
    return _line(fallback(task, language), "fallback")


def _crisis_line(task: ReaderTask, language: str) -> str:
    """The persona's own words for such a moment, if its author wrote some in this language; else ours."""
    own = (
        example.say
        for example in task.examples
        if is_crisis(example.user) and is_chinese(example.user) == (language == "zh")
    )
    return next(own, phrases(language).crisis)


def _courtesy(message: str, language: str) -> str | None:
    said = re.sub(r"[^\w ]+", "", fold(message)).strip()
    return next((answer for pattern, answer in phrases(language).courtesies if re.fullmatch(pattern, said)), None)


def _line(text: str, reason: str, *, matched: str = "", score: float | None = None) -> ReaderAnswer:
    trace: dict[str, object] = {"reason": reason}
    if matched:
        trace["matched"] = matched
    if score is not None:
        trace["score"] = round(score, 3)
    return ReaderAnswer(text=text, confidence=1.0 if score is None else min(1.0, max(0.0, score)), trace=trace)
