"""Answering from documents: quote what answers, word for word, or say that nothing does."""

from dataclasses import asdict
from typing import Any

from llm.reader.confidence import THRESHOLD, confidence
from llm.reader.evidence import Candidate, Inquiry
from llm.reader.phrases import phrases
from llm.reader.spelling import is_chinese
from llm.reader.types import ReaderAnswer, ReaderTask

# A second sentence is quoted if it is nearly as good: the reader cannot tell which of the two answers.
NEARLY_AS_GOOD = 0.15
TRACED_CANDIDATES = 3


def answer_from_documents(task: ReaderTask, language: str) -> ReaderAnswer:
    """Quote one or two sentences with their marks, or decline below the threshold."""
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
    quoted = _quoted(inquiry)
    trace["quotes"] = [{"n": candidate.passage.n, "text": candidate.text} for candidate in quoted]
    return ReaderAnswer(
        text=_frame(quoted, language),
        cited=tuple(dict.fromkeys(candidate.passage.n for candidate in quoted)),
        confidence=sureness,
        trace=trace,
    )


def decline(task: ReaderTask, language: str, sureness: float, trace: dict[str, Any]) -> ReaderAnswer:
    """Say that the documents do not answer, in the persona's words if it has some, and offer a person."""
    ours = phrases(language)
    text = task.refusal or ours.refusal + ("" if language == "zh" else " ") + ours.offer
    return ReaderAnswer(text=text, declined=True, confidence=sureness, trace=trace)


def _quoted(inquiry: Inquiry) -> list[Candidate]:
    """The best candidate and, if it is close, the next, in the order of the passage if they share one."""
    best, *others = inquiry.candidates
    close = next((other for other in others[:1] if other.score >= best.score - NEARLY_AS_GOOD), None)
    if close is None:
        return [best]
    if close.passage.n != best.passage.n:
        return [best, close]
    return sorted([best, close], key=lambda candidate: best.passage.text.index(candidate.text))


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
