"""Fit the reader's confidence on all questions but the `report` half; print what `confidence.py` should hold.

Run `PYTHONPATH=platform python -m tests.demo.fit_confidence`. There are questions that the documents answer,
questions that they do not, and answerable ones whose passage is hidden, which count less because near-answers
may be left. The rates below the weights are of fits that have not seen the question.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from llm.reader.documents import quoted
from llm.reader.evidence import Evidence, Inquiry
from tests.demo.pipeline import Chunk, Question, find, holds_quote, load, plain, questions

HIDDEN_WEIGHT = 0.1
RIDGE = 1.0  # keeps the weights of 6 features small on some 900 cases

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    group: str  # cases of one question stay together when one is left out
    kind: str  # "answerable", "unanswerable", "hidden"
    is_right: bool  # what would be quoted answers
    evidence: Evidence

    @property
    def values(self) -> list[float]:
        return list(asdict(self.evidence).values())

    @property
    def weight(self) -> float:
        """None for an answerable question with a wrong quotation: whether it sounds sure teaches nothing."""
        return {"answerable": float(self.is_right), "unanswerable": 1.0, "hidden": HIDDEN_WEIGHT}[self.kind]


def cases() -> list[Case]:
    """Each question with few and with many passages, so that the weights fit both."""
    asked = [*questions("tune"), *questions("practice")]
    return [case for question in asked for passages in (6, 12) for case in cases_of(question, passages)]


def cases_of(question: Question, passages: int) -> Iterator[Case]:
    yield case_of(question, "answerable" if question.document else "unanswerable", frozenset(), passages)
    if question.document and not question.document.endswith(".xlsx"):  # a hidden row takes others along
        everything = enumerate(load(question.base).chunks)
        hidden = frozenset(number for number, chunk in everything if holds_quote(chunk, question))
        yield case_of(question, "hidden", hidden, passages)


def case_of(question: Question, kind: str, hidden: frozenset[int], passages: int) -> Case:
    task, behind = find(question, hidden, passages)
    inquiry = Inquiry(task)
    return Case(question.id, kind, is_right(question, inquiry, behind), inquiry.evidence(inquiry.candidates[0]))


def is_right(question: Question, inquiry: Inquiry, behind: list[Chunk]) -> bool:
    found = quoted(inquiry)
    text = plain("".join(candidate.text for candidate in found))
    cites_the_source = any(holds_quote(behind[candidate.passage.n - 1], question) for candidate in found)
    return cites_the_source and all(plain(words) in text for words in question.expect)


def fit(found: list[Case]) -> Floats:
    """Intercept and weights of a ridge logistic regression, by Newton's method."""
    inputs = inputs_of(found)
    answered = np.array([float(case.kind == "answerable") for case in found])
    importance = np.array([case.weight for case in found])
    ridge = RIDGE * np.diag([1e-6, *np.ones(inputs.shape[1] - 1)])
    weights = np.zeros(inputs.shape[1])
    for _ in range(20):
        predicted = probability(inputs, weights)
        slope = inputs.T @ (importance * (predicted - answered)) + ridge @ weights
        curve = (inputs * (importance * predicted * (1 - predicted))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights


def inputs_of(found: list[Case]) -> Floats:
    return np.array([[1.0, *case.values] for case in found])


def probability(inputs: Floats, weights: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-inputs @ weights))
    return result


def unseen_probability(found: list[Case], folds: int = 10) -> Floats:
    """Each case's probability by a fit that has not seen its question."""
    result = np.zeros(len(found))
    groups = {group: number % folds for number, group in enumerate(dict.fromkeys(case.group for case in found))}
    for fold in range(folds):
        weights = fit([case for case in found if groups[case.group] != fold])
        held = np.array([groups[case.group] == fold for case in found])
        result[held] = probability(inputs_of(found)[held], weights)
    return result


def main() -> None:
    found = cases()
    for name, weight in zip(["intercept", *asdict(found[0].evidence)], fit(found), strict=True):
        print(f"{name:>10} {weight:6.2f}")
    unseen = unseen_probability(found)
    kinds = np.array([case.kind for case in found])
    right = np.array([case.is_right for case in found])
    print("threshold  answered rightly  declined: unanswerable  hidden")
    for threshold in np.arange(0.30, 0.71, 0.05):
        answers = unseen > threshold
        rightly = (answers & right)[kinds == "answerable"].mean()
        declined, hidden = (1 - answers[kinds == kind].mean() for kind in ("unanswerable", "hidden"))
        print(f"{threshold:9.2f}  {rightly:16.3f}  {declined:22.3f}  {hidden:6.3f}")


if __name__ == "__main__":
    main()
