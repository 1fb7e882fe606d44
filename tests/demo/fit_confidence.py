"""Fit the reader's confidence on all questions but the `report` half; print what `confidence.py` should hold.

Run `PYTHONPATH=platform python -m tests.demo.fit_confidence`. The rates below the weights are of fits that saw
neither the question nor another about the same sentence. With `--common-question` it writes what questions have
in common instead, from the practice questions about other trades than the demo's.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from llm.embedding import COMMON_QUESTION
from llm.reader.confidence import THRESHOLD
from llm.reader.documents import quoted
from llm.reader.evidence import Evidence, Inquiry
from llm.reader.types import Matrix
from tests.demo.pipeline import Chunk, Question, embed_query, find, holds_quote, plain, questions

RIDGE = 1.0  # keeps the weights of 5 features small on some 500 cases
FOLDS = 12
DEMO_BASES = ("cloud-mountain-tea", "harbour-finch")
LANGUAGES = ("zh", "en")

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


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


@cache
def cases() -> list[Case]:
    return [case_of(question) for question in [*questions("tune"), *questions("practice")]]


def case_of(question: Question) -> Case:
    task, behind = find(question)
    inquiry = Inquiry(task)
    return Case(question, inquiry.evidence(inquiry.candidates[0]), is_right(question, inquiry, behind))


def is_right(question: Question, inquiry: Inquiry, behind: list[Chunk]) -> bool:
    found = quoted(inquiry)
    text = plain("".join(candidate.text for candidate in found))
    cites_the_source = any(holds_quote(behind[candidate.passage.n - 1], question) for candidate in found)
    return cites_the_source and all(plain(words) in text for words in question.expect)


def fit(found: Sequence[Case]) -> Floats:
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


def unseen_probability(found: Sequence[Case]) -> Floats:
    """Each case's probability by a fit that saw no question about the same sentence."""
    asked_about = [case.question.quote or case.question.id for case in found]
    number_of = {quote: number for number, quote in enumerate(dict.fromkeys(asked_about))}
    fold_of = np.array([number_of[quote] % FOLDS for quote in asked_about])
    inputs = np.array([case.values for case in found])
    result = np.zeros(len(found))
    for fold in range(FOLDS):
        weights = fit([case for case, held in zip(found, fold_of == fold, strict=True) if not held])
        result[fold_of == fold] = probability(inputs[fold_of == fold], weights)
    return result


def common_question() -> Matrix:
    """`(2, dimension)`: the mean question in Chinese and in English, about neither of the demo's trades."""
    asked = [question for question in questions("practice") if question.base not in DEMO_BASES]
    return np.stack(
        [
            np.mean([embed_query(question.text) for question in asked if question.lang == language], axis=0)
            for language in LANGUAGES
        ]
    )


def main() -> None:
    found = cases()
    for name, weight in zip(["intercept", *asdict(found[0].evidence)], fit(found), strict=True):
        print(f"{name:>10} {weight:6.2f}")
    unseen = unseen_probability(found)
    print("threshold  rightly answered and declined: of all, then by base and language")
    for threshold in sorted({*np.arange(0.40, 0.66, 0.05).round(2), THRESHOLD}):
        everything = np.ones(len(found), dtype=bool)
        selections = [everything, *(_of(found, base, lang) for base in DEMO_BASES for lang in LANGUAGES)]
        print(f"{threshold:9.2f}  " + "  ".join(_rates(found, unseen > threshold, chosen) for chosen in selections))


def _of(found: Sequence[Case], base: str, lang: str) -> Flags:
    return np.array([(case.question.base, case.question.lang) == (base, lang) for case in found])


def _rates(found: Sequence[Case], answered: Flags, chosen: Flags) -> str:
    answerable = np.array([case.is_answerable for case in found])
    right = np.array([case.is_right for case in found])
    rightly = (answered & right)[chosen & answerable].mean()
    declined = (~answered)[chosen & ~answerable].mean()
    return f"{rightly:.3f} {declined:.3f}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--common-question"]:
        np.save(COMMON_QUESTION, common_question())
    else:
        main()
