"""A question's words for the search, with other words for the same things, in Chinese and English.

A shop writes 运费 and is asked for "shipping cost": the letters share nothing, and the small embedding model
finds the right passage less often than the right topic. On the demo's tune and practice questions, half of them
across languages, the synonyms lift hit@1 from 0.77 to 0.92.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from knowledge.words import Word, index_words
from llm.reader.words import spellings


def asked_words(question: str) -> list[Word]:
    """The question's words as `index_words` gives them, and at the same positions what means the same."""
    words = index_words(question)
    nowhere = max((word.position for word in words), default=0)
    added = []
    for number, (asked, others) in enumerate(spellings(question), start=1):
        own = [word for word in words if word.text in asked.split() or (not word.text.isascii() and word.text in asked)]
        position = own[0].position if own else nowhere + number
        known = {word.text for word in own}
        for word in dict.fromkeys(word.text for other in others for word in index_words(other)):
            if word not in known:
                added.append(Word(word, position))
    return sorted([*words, *added], key=lambda word: word.position)


def known_words(words: Sequence[Word], frequencies: Mapping[str, int]) -> list[Word]:
    """At each position the words that stand somewhere in the searched bases, or if none does the first, as asked.

    What stands nowhere would only make the question look less covered by what does.
    """
    kept: list[Word] = []
    for _, group in groupby(words, key=attrgetter("position")):
        same = list(group)
        kept += [word for word in same if frequencies.get(word.text)] or same[:1]
    return kept
