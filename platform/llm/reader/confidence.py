"""How sure the reader is that a sentence answers: one logistic formula, and the one threshold.

Fitted by `tests/demo/fit_confidence.py` on the `tune` half of `demo/questions.jsonl`, and printed by it.
"""

import math
from dataclasses import asdict

from llm.reader.evidence import Evidence

INTERCEPT = -0.65
WEIGHTS = {
    "coverage": 3.27,
    "gap": -2.49,
    "unheard": -1.77,
    "cosine": 0.49,
}
THRESHOLD = 0.5


def confidence(evidence: Evidence) -> float:
    """The probability, 0 to 1, that the sentence answers the question."""
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in asdict(evidence).items())
    return 1 / (1 + math.exp(-logit))
