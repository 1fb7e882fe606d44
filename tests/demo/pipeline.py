"""A question's whole way in memory: demo files → parse → split → embed → fuse → what the reader is given.

The same functions that the product runs, without its database, so that quality can be measured in seconds.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.asking import asked_words, known_words
from knowledge.fusion import CountedChunk, WordStatistics, fuse, score_words
from knowledge.parsing import parse
from knowledge.splitting import split
from knowledge.words import index_words
from llm.reader.types import Example, Matrix, Passage, ReaderTask, Vector
from tests.demo.vectors import embedder

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "demo"
PASSAGES = 8  # as many as a turn takes
MOST_WORDS = 32  # as the search takes, rarest first
COSINE_PER_COVERAGE = 0.5  # as the search has it for the bundled model


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    base: str
    lang: str
    split: str
    text: str
    document: str | None  # the file that answers; None if none does
    quote: str = ""
    expect: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    document: str
    title: str
    heading: str
    text: str

    @property
    def embedded_text(self) -> str:
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


@dataclass(frozen=True, slots=True)
class Base:
    """One knowledge base, searchable."""

    chunks: list[Chunk]
    vectors: Matrix
    counts: list[Counter[str]]
    statistics: WordStatistics


def questions(split_name: str) -> list[Question]:
    """`tune` or `report`, the halves of the demo's questions, or `practice`: more to fit on, on other trades too."""
    path = HERE / "practice.jsonl" if split_name == "practice" else DEMO / "questions.jsonl"
    records: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = [Question(**{**record, "expect": tuple(record.get("expect", ()))}) for record in records]
    return [question for question in found if question.split == split_name]


@dataclass(frozen=True, slots=True)
class House:
    """Who answers from a knowledge base."""

    names: tuple[str, ...]  # of the tenant and its personas
    examples: tuple[Example, ...]


@cache
def house(base: str) -> House:
    for tenant in json.loads((DEMO / "demo.json").read_text("utf-8"))["tenants"]:
        if base in [found["slug"] for found in tenant["knowledge_bases"]]:
            personas = [persona(slug) for slug in tenant["personas"]]
            examples = tuple(Example(**each) for one in personas for each in one["settings"]["examples"])
            return House((tenant["name"], *(one["name"] for one in personas)), examples)
    return House((), ())  # a practice document has none


def persona(slug: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEMO / f"personas/{slug}.json").read_text("utf-8"))
    return found


def embed_query(text: str) -> Vector:
    return embedder().embed_query(text)


def embed_passages(texts: Sequence[str]) -> Matrix:
    return embedder().embed_passages(texts)


@cache
def chunks(base: str) -> list[Chunk]:
    """The passages of one of the demo's bases, or of a practice document."""
    if practice := json.loads((HERE / "practice_documents.json").read_text("utf-8")).get(base):
        return [Chunk(base, practice["title"], "", text) for text in practice["passages"]]
    found = []
    for path in sorted((DEMO / "documents" / base).iterdir()):
        document = parse(path.read_bytes(), path.name)
        for piece in split(document, embedder().count_tokens):
            path_below = piece.heading_path[piece.heading_path[:1] == [document.title] :]
            found.append(Chunk(path.name, document.title, " > ".join(path_below), piece.text))
    return found


@cache
def load(base: str) -> Base:
    found = chunks(base)
    counts = [Counter(word.text for word in index_words(chunk.embedded_text)) for chunk in found]
    frequencies = Counter(word for count in counts for word in count)
    average = sum(count.total() for count in counts) / len(counts)
    vectors = embed_passages([chunk.embedded_text for chunk in found])
    return Base(found, vectors, counts, WordStatistics(len(found), average, frequencies))


def find(question: Question, passages: int = PASSAGES) -> tuple[ReaderTask, list[Chunk]]:
    """What the reader gets for a question, and the chunks behind its passages."""
    base = load(question.base)
    cosines = base.vectors @ embedder().embed_queries([question.text])[0]
    everything = range(len(base.chunks))
    words = known_words(asked_words(question.text), base.statistics.frequencies)
    present = {word.text for word in words if base.statistics.frequencies.get(word.text)}
    wanted = sorted(sorted(present), key=base.statistics.rarity, reverse=True)[:MOST_WORDS]
    counted = [
        CountedChunk(number, {word: base.counts[number][word] for word in wanted}, base.counts[number].total())
        for number in everything
    ]
    similarities = {number: float(cosines[number]) for number in everything}
    fused = fuse(similarities, score_words(words, counted, base.statistics), COSINE_PER_COVERAGE)[:passages]
    behind = [base.chunks[result.key] for result in fused]
    found = tuple(
        Passage(n, chunk.title, chunk.heading, chunk.text, result.similarity)
        for n, (result, chunk) in enumerate(zip(fused, behind, strict=True), start=1)
    )
    who = house(question.base)
    task = ReaderTask(question.text, passages=found, examples=who.examples, names=who.names, has_documents=True)
    return task, behind


def holds_quote(chunk: Chunk, question: Question) -> bool:
    """Whether the chunk is where the question's answer stands."""
    return chunk.document == question.document and plain(question.quote) in plain(chunk.text)


def plain(text: str) -> str:
    """Without blanks, which file formats and line ends change."""
    return "".join(text.split())
