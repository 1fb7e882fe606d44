"""The one door to models: everything that talks to one calls these functions.

No database is asked in here: a caller resolves its route first (`llm.routes`), calls, and records the call
after it (`llm.metering`), each in a scope of its own.
"""

from collections.abc import AsyncGenerator, Sequence

import numpy as np
from django.utils.translation import gettext_lazy as _

from llm.embedding import bundled, in_batches, off_loop
from llm.errors import ProviderInvalid
from llm.openai_chat import stream_openai
from llm.openai_embedding import embed_openai
from llm.reading import stream_reader
from llm.types import ChatRequest, Matrix, RouteConfig, Side, StreamItem, Vector
from tenants.looping import run_in_loop

__all__ = ["embed", "embed_in_worker", "embed_known", "stream_chat"]


def stream_chat(
    route: RouteConfig, request: ChatRequest, *, has_next: bool = False
) -> AsyncGenerator[StreamItem, None]:
    """Stream one answer: deltas as they come, then `Finished`, which says that it is whole.

    Before the first delta passing failures are tried again within the route's `timeout_s`; after it never, so
    that no word is said twice. Raises ProviderUnavailable (StreamCut once something was said),
    ProviderTimeout or ProviderInvalid; what was yielded before stands. Cancelling the task that iterates, or
    closing the generator (`contextlib.aclosing` where a loop may be left early), hangs up at once. `has_next`:
    another route would answer instead, so that this one is not waited for after a failure (`llm.fallback`).
    """
    return stream_reader(request) if route.is_reader else stream_openai(route, request, has_next=has_next)


async def embed(
    route: RouteConfig, texts: Sequence[str], side: Side = "query", *, dimension: int | None = None
) -> Matrix:
    """`(n, dimension)` float32, L2-normalised. Raises ProviderError, also if their dimension is another."""
    if not texts or not route.embedding_model:
        parts = [await off_loop(_embed_bundled, batch, side) for batch in in_batches(texts)]
        return np.concatenate(parts) if parts else _embed_bundled(texts, side)
    vectors = await embed_openai(route, texts)
    if dimension is not None and vectors.shape[1] != dimension:
        raise ProviderInvalid(
            _("The embedding model gives vectors of another dimension than before; check its route."),
            upstream=f"{vectors.shape[1]} floats, not {dimension}",
        )
    return vectors


def embed_known(route: RouteConfig, text: str) -> Vector | None:
    """As `embed` for one question, where that is done at once: it was asked lately. Else None."""
    if route.embedding_model or not bundled().knows_query(text):
        return None
    vector: Vector = bundled().embed_queries([text])[0]
    return vector


def embed_in_worker(
    route: RouteConfig, texts: Sequence[str], side: Side = "passage", *, dimension: int | None = None
) -> Matrix:
    """As `embed`, for synchronous code that no event loop runs: tasks, commands, REST views."""
    if not texts or not route.embedding_model:
        return _embed_bundled(texts, side)
    return run_in_loop(embed(route, texts, side, dimension=dimension))


def _embed_bundled(texts: Sequence[str], side: Side) -> Matrix:
    model = bundled()
    return model.embed_queries(texts) if side == "query" else model.embed_passages(texts)
