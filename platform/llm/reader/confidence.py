"""How sure the reader is that a sentence answers: one logistic formula, and the one threshold.

Fitted by `tests/demo/fit_confidence.py` on the `tune` half of `demo/questions.jsonl`, and printed by it.
"""

import math
from dataclasses import asdict

from llm.reader.evidence import Evidence

INTERCEPT = -0.28
WEIGHTS = {
    "coverage": 2.91,
    "gap": -1.31,
    "unheard": -1.70,
    "cosine": 1.12,
    "lead": 2.04,
    "form": 1.30,
    "asks_existence": -2.09,
    "misses_focus": -0.79,
}
THRESHOLD = 0.54


def confidence(evidence: Evidence) -> float:
    """The probability, 0 to 1, that the sentence answers the question."""
    logit = INTERCEPT + sum(WEIGHTS[name] * value for name, value in asdict(evidence).items())
    return 1 / (1 + math.exp(-logit))
