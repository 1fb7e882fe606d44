"""How sure the reader is that a sentence answers: one logistic formula, and the one threshold.

Fitted by `tests/demo/fit_confidence.py` on all questions but the `report` half, and printed by it.
"""

import math
from dataclasses import asdict

from llm.reader.evidence import Evidence

INTERCEPT = -3.57
WEIGHTS = {
    "score": 3.33,
    "covered": 1.77,
    "nearness": 1.21,
}
THRESHOLD = 0.5


def confidence(evidence: Evidence) -> float:
    """The probability, 0 to 1, that the sentence answers the question."""
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in asdict(evidence).items())
    return 1 / (1 + math.exp(-logit))
