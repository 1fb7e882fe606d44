"""How often linking finds all tables of a question among the first five, and what a question costs beside its vector.

The company has 60 tables, named in Chinese, in English and in both. The held-out questions were written before linking
was, and never tuned on.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from analytics.catalogue import Catalogue
from analytics.meaning.linking import Vectors, centred, link_by, text_of
from analytics.meaning.values import said_in
from llm.embedding import bundled
from llm.types import Matrix
from tests.analytics.meaning.company import company, questions

TOP = 5


def measure() -> Iterator[tuple[str, str]]:
    catalogue = company()
    bare = replace(catalogue, joins=())
    cards = centred(bundled().embed_passages([text_of(table) for table in catalogue.tables]))
    for part in ("dev", "held_out"):
        yield f"right tables in the top {TOP}, {part}", _share(catalogue, cards, part)
        yield f"right tables in the top {TOP}, {part}, without joins", _share(bare, cards, part)
        yield f"right tables in the top {TOP}, {part}, by words alone", _share(catalogue, 0 * cards, part)
        yield f"settled without a vector, {part}", _settled(catalogue, part)
    yield "CPU of a question beside its vector", f"{_cost_ms(catalogue, cards):.1f} ms"


def _share(catalogue: Catalogue, cards: Matrix, part: str) -> str:
    asked = questions(part)
    found = 0
    for question, needed in asked:
        vector, values = bundled().embed_queries([question])[0], said_in(catalogue, question)
        linked = link_by(catalogue, question, values=values, vectors=partial(Vectors, vector, cards))
        found += needed <= {table.name for table, _score in linked.tables[:TOP]}
    return f"{found} of {len(asked)}"


def _settled(catalogue: Catalogue, part: str) -> str:
    asked = questions(part)
    settled = sum(link_by(catalogue, text, values=said_in(catalogue, text)).is_settled for text, _needed in asked)
    return f"{settled} of {len(asked)}"


def _cost_ms(catalogue: Catalogue, cards: Matrix) -> float:
    asked = [question for part in ("dev", "held_out") for question, _needed in questions(part)]
    vectors = bundled().embed_queries(asked)
    began = time.process_time()
    for question, vector in zip(asked, vectors, strict=True):
        link_by(catalogue, question, values=said_in(catalogue, question), vectors=partial(Vectors, vector, cards))
    return (time.process_time() - began) / len(asked) * 1000
