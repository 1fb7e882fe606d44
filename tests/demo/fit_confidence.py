"""Fit the reader's confidence on all questions but the `report` half; print what `confidence.py` should hold.

Run `PYTHONPATH=platform python -m tests.demo.fit_confidence`. The rates below the weights are of fits that have not
seen the question. The threshold is the highest at which nine of ten answerable questions are still answered
rightly.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from llm.reader.documents import quoted
from llm.reader.evidence import Evidence, Inquiry
from tests.demo.pipeline import Chunk, Question, find, holds_quote, plain, questions

RIDGE = 1.0  # keeps the weights of 6 features small on some 700 cases

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    question: Question
    evidence: Evidence
    is_right: bool  # what would be quoted answers

    @property
    def values(self) -> list[float]:
        return [1.0, *asdict(self.evidence).values()]

    @property
    def is_answerable(self) -> bool:
        return self.question.document is not None

    @property
    def teaches(self) -> bool:
        """Not if the question has an answer but another sentence would be quoted."""
        return self.is_right or not self.is_answerable


def cases() -> list[Case]:
    """Each question with few and with many passages, so that the weights fit both."""
    asked = [*questions("tune"), *questions("practice")]
    return [case_of(question, passages) for question in asked for passages in (6, 12)]


def case_of(question: Question, passages: int) -> Case:
    task, behind = find(question, passages)
    inquiry = Inquiry(task)
    return Case(question, inquiry.evidence(inquiry.candidates[0]), is_right(question, inquiry, behind))


def is_right(question: Question, inquiry: Inquiry, behind: list[Chunk]) -> bool:
    found = quoted(inquiry)
    text = plain("".join(candidate.text for candidate in found))
    cites_the_source = any(holds_quote(behind[candidate.passage.n - 1], question) for candidate in found)
    return cites_the_source and all(plain(words) in text for words in question.expect)


def fit(found: list[Case]) -> Floats:
    """Intercept and weights of a ridge logistic regression, by Newton's method."""
    taught = [case for case in found if case.teaches]
    inputs = np.array([case.values for case in taught])
    answerable = np.array([float(case.is_answerable) for case in taught])
    ridge = RIDGE * np.diag([1e-6, *np.ones(inputs.shape[1] - 1)])
    weights = np.zeros(inputs.shape[1])
    for _ in range(20):
        predicted = probability(inputs, weights)
        slope = inputs.T @ (predicted - answerable) + ridge @ weights
        curve = (inputs * (predicted * (1 - predicted))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights


def probability(inputs: Floats, weights: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-inputs @ weights))
    return result


def unseen_probability(found: list[Case], folds: int = 10) -> Floats:
    """Each case's probability by a fit that has not seen its question."""
    ids = dict.fromkeys(case.question.id for case in found)
    fold_of = {question: number % folds for number, question in enumerate(ids)}
    folded = np.array([fold_of[case.question.id] for case in found])
    inputs = np.array([case.values for case in found])
    result = np.zeros(len(found))
    for fold in range(folds):
        weights = fit([case for case, held in zip(found, folded == fold, strict=True) if not held])
        result[folded == fold] = probability(inputs[folded == fold], weights)
    return result


def main() -> None:
    found = cases()
    for name, weight in zip(["intercept", *asdict(found[0].evidence)], fit(found), strict=True):
        print(f"{name:>10} {weight:6.2f}")
    unseen = unseen_probability(found)
    answerable = np.array([case.is_answerable for case in found])
    right = np.array([case.is_right for case in found])
    print("threshold  answered rightly  declined rightly")
    for threshold in np.arange(0.30, 0.601, 0.02):
        rightly = ((unseen > threshold) & right)[answerable].mean()
        declined = (unseen <= threshold)[~answerable].mean()
        print(f"{threshold:9.2f}  {rightly:16.3f}  {declined:16.3f}")


if __name__ == "__main__":
    main()
