"""Answering from documents: quote what answers, word for word, or say that nothing does."""

from dataclasses import asdict
from typing import Any

from llm.reader.confidence import THRESHOLD, confidence
from llm.reader.evidence import Candidate, Inquiry
from llm.reader.phrases import phrases
from llm.reader.quoting import is_row, quotables
from llm.reader.spelling import is_chinese
from llm.reader.types import ReaderAnswer, ReaderTask

# Another passage is quoted too if it is nearly as good (the reader cannot tell which of the two answers), or if
# it speaks of something that the first leaves open and is not much worse.
NEARLY_AS_GOOD = 0.1
NOT_MUCH_WORSE = 0.25
LEFT_OPEN = 0.5  # by so much the first covers a thing less than the other does
# A sentence is quoted with its neighbours, which say what "it" is or what the rule is for others.
QUOTED_TOGETHER = 3
AS_GOOD = 0.02  # rows of a table are quoted together only if nothing tells them apart
TRACED_CANDIDATES = 3


def answer_from_documents(task: ReaderTask, language: str) -> ReaderAnswer:
    """Quote a few sentences with their marks, or decline below the threshold."""
    inquiry = Inquiry(task)
    if not inquiry.candidates:
        return decline(task, language, 0.0, {})
    best = inquiry.candidates[0]
    evidence = inquiry.evidence(best)
    sureness = confidence(evidence)
    trace: dict[str, Any] = {
        "units": [unit.text for unit in inquiry.units],
        "form": inquiry.form.value,
        "evidence": {name: round(value, 3) for name, value in asdict(evidence).items()},
        "threshold": THRESHOLD,
        "candidates": [
            {"n": candidate.passage.n, "text": candidate.text, "score": round(candidate.score, 3)}
            for candidate in inquiry.candidates[:TRACED_CANDIDATES]
        ],
    }
    if sureness <= THRESHOLD:
        return decline(task, language, sureness, trace)
    quotations = quoted(inquiry)
    trace["quotes"] = [{"n": candidate.passage.n, "text": candidate.text} for candidate in quotations]
    return ReaderAnswer(
        text=_frame(quotations, language),
        cited=tuple(dict.fromkeys(candidate.passage.n for candidate in quotations)),
        confidence=sureness,
        trace=trace,
    )


def decline(task: ReaderTask, language: str, sureness: float, trace: dict[str, Any]) -> ReaderAnswer:
    """Say that the documents do not answer, in the persona's words if it has some, and offer a person."""
    ours = phrases(language)
    text = task.refusal or ours.refusal + ("" if language == "zh" else " ") + ours.offer
    return ReaderAnswer(text=text, declined=True, confidence=sureness, trace=trace)


def quoted(inquiry: Inquiry) -> list[Candidate]:
    """The best candidate and, if it adds something, the best of another passage, each with its neighbours."""
    best = inquiry.candidates[0]
    first = _with_neighbours(best, inquiry)
    other = next((other for other in inquiry.candidates if other.passage.n != best.passage.n), None)
    if other is None:
        return first
    is_near = other.score >= best.score - NEARLY_AS_GOOD
    if not is_near and not (other.score >= best.score - NOT_MUCH_WORSE and _adds(other, first, inquiry)):
        return first
    second = _with_neighbours(other, inquiry)
    in_chinese = is_chinese(inquiry.task.question)
    is_readable = is_chinese(other.text) == in_chinese != is_chinese(best.text)
    return second + first if is_near and is_readable else first + second


def _adds(other: Candidate, first: list[Candidate], inquiry: Inquiry) -> bool:
    """Whether `other` speaks of something telling that the quotation `first` leaves open."""
    shares = zip(inquiry.units, other.covers, *(each.covers for each in first), strict=True)
    return any(not unit.is_weak and share > max(known) + LEFT_OPEN for unit, share, *known in shares)


def _with_neighbours(best: Candidate, inquiry: Inquiry) -> list[Candidate]:
    """The best candidate and what stands beside it in its passage, in order; the better side first."""
    by_text = {other.text: other for other in inquiry.candidates if other.passage.n == best.passage.n}
    beside = list(dict.fromkeys(quotables(best.passage.text)))
    first = last = beside.index(best.text)
    while last - first + 1 < QUOTED_TOGETHER:
        ends = [at for at in (first - 1, last + 1) if 0 <= at < len(beside)]
        fitting = [at for at in ends if _goes_with(best, by_text[beside[at]])]
        if not fitting:
            break
        taken = max(fitting, key=lambda at: (by_text[beside[at]].score, at))
        first, last = min(first, taken), max(last, taken)
    return [by_text[text] for text in beside[first : last + 1]]


def _goes_with(best: Candidate, other: Candidate) -> bool:
    if is_row(best.text) or is_row(other.text):
        return other.score >= best.score - AS_GOOD
    return True


def _frame(quoted: list[Candidate], language: str) -> str:
    """The quotations in a sentence of the question's language, each passage with its mark."""
    ours = phrases(language)
    by_passage: dict[int, list[Candidate]] = {}
    for candidate in quoted:
        by_passage.setdefault(candidate.passage.n, []).append(candidate)
    sentences = []
    for number, candidates in enumerate(by_passage.values()):
        passage = candidates[0].passage
        quote = _joined(candidates)
        is_other = is_chinese(quote) != (language == "zh")
        frame = ours.quote_other_language if is_other else ours.quote
        if number:
            frame = ours.second_quote
        sentences.append(frame.format(title=passage.title, quote=quote, mark=f"[{passage.n}]"))
    return "\n\n".join(sentences)


def _joined(candidates: list[Candidate]) -> str:
    """Sentences of one passage as they stand in it, with dots where something between them is left out."""
    text, quote = candidates[0].passage.text, candidates[0].text
    end = text.index(quote) + len(quote)
    for candidate in candidates[1:]:
        start = text.index(candidate.text)
        gap = text[end:start]
        quote += (gap if not gap.strip() else " … ") + candidate.text
        end = start + len(candidate.text)
    return quote
