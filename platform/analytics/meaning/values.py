"""Values of the data that a question says, found among the samples of a catalogue."""

import re
from collections.abc import Iterator

from analytics.catalogue import Catalogue
from analytics.meaning.linking import Found
from knowledge.words import fold

MOST_FOUND = 50
MIN_CHARACTERS = 2
_WORD_CHARACTER = re.compile(r"[a-z0-9]")


def said_in(catalogue: Catalogue, question: str) -> list[Found]:
    """Sample values that stand in the question as they are, the longest first, none inside a longer one."""
    folded = fold(question)
    found = [
        Found(table.name, column.name, sample, 1.0, said)
        for table in catalogue.tables
        for column in table.columns
        for sample in column.samples
        if len(said := fold(sample).strip()) >= MIN_CHARACTERS and stands_in(folded, said)
    ]
    return list(_outermost(sorted(found, key=lambda each: -len(each.said))))[:MOST_FOUND]


def stands_in(text: str, part: str) -> bool:
    """Whether `part` stands in `text`, both folded; what begins or ends in Latin letters as whole words."""
    return next(occurrences(text, part), None) is not None


def occurrences(text: str, part: str) -> Iterator[tuple[int, int]]:
    """Where it stands, as (begin, end)."""
    at = text.find(part) if part else -1
    while at >= 0:
        end = at + len(part)
        before, after = text[at - 1 : at], text[end : end + 1]
        begins = not (_WORD_CHARACTER.match(part) and before and _WORD_CHARACTER.match(before))
        ends = not (_WORD_CHARACTER.match(part[-1]) and after and _WORD_CHARACTER.match(after))
        if begins and ends:
            yield at, end
        at = text.find(part, at + 1)


def _outermost(found: list[Found]) -> Iterator[Found]:
    longer: list[str] = []
    for each in found:
        if each.said in longer or not any(each.said in other for other in longer):
            longer.append(each.said)
            yield each
