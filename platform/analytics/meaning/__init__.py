"""What a dataset's tables mean, and which of them a question is about. Works without a model; better with one."""

from analytics.meaning.known_questions import approved_pairs, examples_for, has_pair_for, likely_pairs
from analytics.meaning.linking import Linked, Reading
from analytics.meaning.looking_up import link
from analytics.meaning.rebinding import rebind
from analytics.meaning.values import said_values

__all__ = [
    "Linked",
    "Reading",
    "approved_pairs",
    "examples_for",
    "has_pair_for",
    "likely_pairs",
    "link",
    "rebind",
    "said_values",
]
