"""How sure the reader is that a sentence answers: one logistic formula, and the one threshold.

Fitted by `tests/demo/fit_confidence.py` on all questions but the `report` half, and printed by it.
"""

import math
from dataclasses import asdict

from llm.reader.evidence import Evidence

INTERCEPT = -3.91
WEIGHTS = {
    "score": 3.08,
    "covered": 1.94,
    "nearness": 1.36,
    "crosses": 0.61,
    "row_lacks": -1.40,
}
THRESHOLD = 0.50


def confidence(evidence: Evidence) -> float:
    """The probability, 0 to 1, that the sentence answers the question."""
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in asdict(evidence).items())
    return 1 / (1 + math.exp(-logit))
