"""What a dataset's tables mean, and which of them a question is about. Works without a model; better with one."""

from analytics.meaning.linking import Linked, Reading
from analytics.meaning.looking_up import NEAR_ENOUGH, has_pair_for, link, nearest_pairs
from analytics.meaning.rebinding import rebind

__all__ = ["NEAR_ENOUGH", "Linked", "Reading", "has_pair_for", "link", "nearest_pairs", "rebind"]
