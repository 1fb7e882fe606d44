"""What of an answer its sources bear out: no model is asked, only rules and words.

`claims_of` cuts an answer into sentences, leaves out those that claim nothing, and finds for each of the others the
source that says the same. See docs/adr/0021-grounding-by-words.md for what it is worth.
"""

from chat.grounding.judging import Claim, Ground, claims_of

__all__ = ["Claim", "Ground", "claims_of"]
