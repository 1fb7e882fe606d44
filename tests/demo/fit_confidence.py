"""Fit the reader's confidence on the `tune` half and print what `llm/reader/confidence.py` should hold.

Run `PYTHONPATH=platform python -m tests.demo.fit_confidence`. Three kinds of cases: questions that the
documents answer, questions that they do not, and answerable ones whose chunk is hidden, which count less
because near-answers may be left. The rates are of fits that have not seen the question; the threshold stays
at one half.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from llm.reader.evidence import Evidence, Inquiry
from llm.reader.types import ReaderTask
from tests.demo.pipeline import Question, find, holds_quote, load, questions

HIDDEN_WEIGHT = 0.3
RIDGE = 1.0  # keeps the weights of 4 features small on some 270 cases

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    group: str  # cases of one question stay together when one is left out
    kind: str  # "answerable", "unanswerable", "hidden"
    evidence: Evidence

    @property
    def values(self) -> list[float]:
        return list(asdict(self.evidence).values())


def cases() -> list[Case]:
    """Each tune question with few and with many passages, since a persona may be set to either."""
    return [case for question in questions("tune") for passages in (6, 12) for case in cases_of(question, passages)]


def cases_of(question: Question, passages: int) -> Iterator[Case]:
    kind = "answerable" if question.document else "unanswerable"
    yield Case(question.id, kind, best_evidence(find(question, passages=passages)[0]))
    if question.document and not question.document.endswith(".xlsx"):  # hidden rows take their neighbours along
        everything = enumerate(load(question.base).chunks)
        hidden = frozenset(number for number, chunk in everything if holds_quote(chunk, question))
        yield Case(question.id, "hidden", best_evidence(find(question, hidden, passages)[0]))


def best_evidence(task: ReaderTask) -> Evidence:
    inquiry = Inquiry(task)
    return inquiry.evidence(inquiry.candidates[0])


def fit(found: list[Case]) -> Floats:
    """Intercept and weights of a ridge logistic regression, by Newton's method."""
    inputs = np.array([[1.0, *case.values] for case in found])
    answered = np.array([float(case.kind == "answerable") for case in found])
    importance = np.array([HIDDEN_WEIGHT if case.kind == "hidden" else 1.0 for case in found])
    ridge = RIDGE * np.diag([1e-6, *np.ones(inputs.shape[1] - 1)])
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):
        predicted = probability(inputs, weights)
        slope = inputs.T @ (importance * (predicted - answered)) + ridge @ weights
        curve = (inputs * (importance * predicted * (1 - predicted))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights


def probability(inputs: Floats, weights: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-inputs @ weights))
    return result


def left_out(found: list[Case]) -> Floats:
    """Each case's probability by a fit that has not seen its question."""
    result = np.zeros(len(found))
    for group in {case.group for case in found}:
        weights = fit([case for case in found if case.group != group])
        for number, case in enumerate(found):
            if case.group == group:
                result[number] = probability(np.array([[1.0, *case.values]]), weights)[0]
    return result


def main() -> None:
    found = cases()
    weights, unseen = fit(found), left_out(found)
    for name, weight in zip(["intercept", *asdict(found[0].evidence)], weights, strict=True):
        print(f"{name:>10} {weight:6.2f}")
    kinds = np.array([case.kind for case in found])
    print("threshold  answerable answered  unanswerable declined  hidden declined")
    for threshold in np.arange(0.30, 0.71, 0.05):
        is_right = (unseen > threshold) == (kinds == "answerable")
        rates = [is_right[kinds == kind].mean() for kind in ("answerable", "unanswerable", "hidden")]
        print(f"{threshold:9.2f}  {rates[0]:19.3f}  {rates[1]:21.3f}  {rates[2]:15.3f}")


if __name__ == "__main__":
    main()
