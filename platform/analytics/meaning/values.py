"""Values of the data that a question says: among the samples of a catalogue, and among all that are kept of it."""

import re
from collections.abc import Iterator

from django.db.models import BooleanField, F, Func

from analytics.catalogue import Catalogue
from analytics.meaning.linking import Found
from analytics.models import Dataset, KnownValue
from knowledge.words import fold, index_words
from tenants.scope import tenant_scope
from tenants.statements import Param, Select

MOST_FOUND = 50
MIN_CHARACTERS = 2
MAX_QUESTION_CHARACTERS = 2000
MAX_CHARACTERS = 300  # of a question, where kept values are looked for
MAX_VALUE_CHARACTERS = 100
MOST_ATOMS = 10
BY_A_WORD = 0.6  # of a value that is not said in full
# One Chinese character, or one word.
_ATOM = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z][a-z0-9]{2,}")
_WORD_CHARACTER = re.compile(r"[a-z0-9]")


class _IsOneOf(Func):
    """Whether an expression is among the texts of a list: `key__in` for a `Param`, however many there are."""

    template, arg_joiner = "%(expressions)s::text[])", " = ANY("
    output_field = BooleanField()


_SAID: Select[tuple[str, str, str, bool, str]] = Select(
    lambda: (
        KnownValue.objects.filter(
            _IsOneOf(F("key"), Param("said")),
            tenant_id=Param("tenant_id"),
            dataset_id=Param("dataset_id"),
            column__pii="",
            column__samples_off=False,
        )
        .order_by("-is_whole", "id")
        .values_list("column__table__name", "column__name", "value", "is_whole", "key")[: 4 * MOST_FOUND]
    )
)


def said_values(dataset: Dataset, catalogue: Catalogue, question: str) -> list[Found]:
    """Values of the data that the question says."""
    question = question[:MAX_QUESTION_CHARACTERS]
    with tenant_scope(dataset.tenant_id):
        values = known_values(dataset, catalogue, question)
    return values + [found for found in said_in(catalogue, question) if found not in values]


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


def known_values(dataset: Dataset, catalogue: Catalogue, question: str) -> list[Found]:
    """Kept values that the question says, whole or by a telling word. One query, in the tenant's scope."""
    said = list(_sayings(fold(question)))
    if not said:
        return []
    rows = _SAID.all(tenant_id=dataset.tenant_id, dataset_id=dataset.pk, said=said)
    found = [
        Found(table, column, value, 1.0 if is_whole else BY_A_WORD, key)
        for table, column, value, is_whole, key in rows
        if catalogue.table(table)
    ]
    best: dict[tuple[str, str, str], Found] = {}
    for each in found:
        best.setdefault((each.table, each.column, each.value), each)
    return list(_outermost(sorted(best.values(), key=lambda each: -len(each.said))))[:MOST_FOUND]


def keys_of(value: str, telling: frozenset[str] = frozenset()) -> dict[str, bool]:
    """By what a question may say a value: the whole of it (True), and those of its words that are `telling`."""
    whole = fold(value).strip()
    words = dict.fromkeys(sorted(words_of(value) & telling), False)
    return words | ({whole: True} if MIN_CHARACTERS <= len(whole) <= MAX_VALUE_CHARACTERS else {})


def words_of(value: str) -> set[str]:
    """The words of a value in letters; of Chinese those that the dictionary cuts it into."""
    folded = fold(value)
    latin = {token[0] for token in _LATIN.finditer(folded)}
    return latin | {word.text for word in index_words(folded) if not word.text.isascii() and len(word.text) > 1}


def _sayings(folded: str) -> Iterator[str]:
    """Everything in a question that might be a value: runs of words, or of Chinese characters."""
    atoms = [(atom.start(), atom.end()) for atom in _ATOM.finditer(folded[:MAX_CHARACTERS])]
    seen: set[str] = set()
    for first, (begin, _) in enumerate(atoms):
        for _, end in atoms[first : first + MOST_ATOMS]:
            said = folded[begin:end]
            if MIN_CHARACTERS <= len(said) <= MAX_VALUE_CHARACTERS and said not in seen:
                seen.add(said)
                yield said


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
