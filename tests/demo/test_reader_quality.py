"""What the reader is worth: the frozen half of the demo's questions, end to end, at the one threshold.

These questions took no part in fitting. If a change fails here, mend the change: fitting on them would only
hide what a newcomer will meet.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from llm.embedding import COMMON_QUESTION, bundled
from llm.reader import ReaderAnswer, read
from llm.reader.confidence import INTERCEPT, WEIGHTS
from tests.demo import fit_confidence
from tests.demo.pipeline import (
    Chunk,
    Question,
    chunks,
    embed_passages,
    embed_query,
    find,
    holds_quote,
    plain,
    questions,
)
from tests.demo.vectors import embedder

# A little below what is reached, 0.78 and 0.68. What is aimed at is 0.90 and 0.80.
RIGHT_AT_LEAST = 0.73
DECLINED_AT_LEAST = 0.65


@dataclass(frozen=True, slots=True)
class Outcome:
    question: Question
    answer: ReaderAnswer
    behind: list[Chunk]

    @property
    def is_right(self) -> bool:
        """It says what was expected, and cites the passage where that stands."""
        cites_the_source = any(holds_quote(self.behind[n - 1], self.question) for n in self.answer.cited)
        says_it = all(plain(words) in plain(self.answer.text) for words in self.question.expect)
        return not self.answer.declined and cites_the_source and says_it

    def __str__(self) -> str:
        return f"{self.question.id} {self.question.text} -> {self.answer.text}"


@cache
def outcomes(split_name: str) -> list[Outcome]:
    found = []
    for question in questions(split_name):
        task, behind = find(question)
        found.append(Outcome(question, read(task, embed_query, embed_passages), behind))
    return found


def answerable(split_name: str = "report") -> list[Outcome]:
    return [outcome for outcome in outcomes(split_name) if outcome.question.document]


def unanswerable(split_name: str = "report") -> list[Outcome]:
    return [outcome for outcome in outcomes(split_name) if not outcome.question.document]


def test_answers_are_right_and_cite_their_source() -> None:
    wrong = [str(outcome) for outcome in answerable() if not outcome.is_right]

    assert answerable()
    assert len(wrong) <= (1 - RIGHT_AT_LEAST) * len(answerable()), "\n".join(wrong)


def test_what_the_documents_do_not_say_is_declined() -> None:
    invented = [str(outcome) for outcome in unanswerable() if not outcome.answer.declined]

    assert unanswerable()
    assert len(invented) <= (1 - DECLINED_AT_LEAST) * len(unanswerable()), "\n".join(invented)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_neither_language_is_a_second_class(language: str) -> None:
    right = [outcome.is_right for outcome in answerable() if outcome.question.lang == language]

    assert right
    assert np.mean(right) >= RIGHT_AT_LEAST - 0.05


def test_every_quotation_stands_in_the_passage_it_cites() -> None:
    for outcome in outcomes("report"):
        for quote in outcome.answer.trace.get("quotes", []):
            assert quote["text"] in outcome.behind[quote["n"] - 1].text
            assert f"[{quote['n']}]" in outcome.answer.text


def test_the_published_weights_come_from_the_tune_half_alone() -> None:
    """And from the practice questions, which ask about the demo and about other trades."""
    cases = fit_confidence.cases()
    frozen = {question.id for question in questions("report")}

    assert frozen.isdisjoint(case.question.id for case in cases)
    assert list(WEIGHTS) == list(asdict(cases[0].evidence))
    assert np.allclose(fit_confidence.fit(cases), [INTERCEPT, *WEIGHTS.values()], atol=0.05)


def test_what_questions_have_in_common_comes_from_other_trades() -> None:
    assert np.allclose(np.load(COMMON_QUESTION), fit_confidence.common_question(), atol=1e-4)


def test_the_kept_vectors_are_all_there_and_the_models_own() -> None:
    asked = [question.text for question in questions("report")[::10]]
    read_from = [chunk.embedded_text for base in fit_confidence.DEMO_BASES for chunk in chunks(base)[::20]]

    outcomes("report")
    fit_confidence.cases()
    fit_confidence.common_question()

    assert not embedder().computed, "write them anew: python -m tests.demo.vectors"
    assert are_alike([embed_query(text) for text in asked], [bundled().embed_query(text) for text in asked])
    assert are_alike(embed_passages(read_from), bundled().embed_passages(read_from))


def are_alike(kept: Any, made: Any) -> bool:
    """Whether each pair of vectors points the same way; processors round each in their own manner."""
    return bool((np.sum(np.asarray(kept) * np.asarray(made), axis=-1) > 0.999).all())


def test_the_shortcut_through_memory_takes_what_a_turn_takes() -> None:
    from knowledge import searching
    from personas import turns
    from tests.demo import pipeline

    ours = (pipeline.PASSAGES, pipeline.MOST_WORDS, pipeline.COSINE_PER_COVERAGE)
    assert ours == (turns.TOP_K, searching.MOST_WORDS, searching.BUNDLED_COSINE_PER_COVERAGE)
