"""How sure the reader is that a sentence answers: one logistic formula, and the one threshold.

Fitted by `tests/demo/fit_confidence.py` on all questions but the `report` half, and printed by it.
"""

import math
from dataclasses import asdict

from llm.reader.evidence import Evidence

INTERCEPT = -3.44
WEIGHTS = {
    "score": 3.13,
    "covered": 1.89,
    "nearness": 1.26,
}
# Above the middle: an invented answer costs more than an honest "my documents do not say".
THRESHOLD = 0.56


def confidence(evidence: Evidence) -> float:
    """The probability, 0 to 1, that the sentence answers the question."""
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in asdict(evidence).items())
    return 1 / (1 + math.exp(-logit))
