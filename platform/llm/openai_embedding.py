"""Embeddings of any OpenAI-compatible endpoint."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import httpx2
import numpy as np
import orjson

from llm.breaker import guarded
from llm.calling import pause_before_retry, post
from llm.errors import ProviderError, ProviderInvalid, ProviderTimeout, ProviderUnavailable
from llm.text import scrub
from llm.types import Matrix, RouteConfig, Vector

# What common servers take at once.
BATCH = 64
# 64 vectors of 4 096 floats as decimal text are 5 MB.
MAX_BODY_BYTES = 16 * 1_048_576


async def embed_openai(route: RouteConfig, texts: Sequence[str]) -> Matrix:
    """`(n, dimension)` float32, L2-normalised, in the order of the texts. Raises ProviderError.

    The route's time limit holds for each batch. Question and passage are embedded alike: endpoints have no
    common way to say which it is.
    """
    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    found = [await _embed_batch(route, batch) for batch in batches]
    if len({matrix.shape[1] for matrix in found}) > 1:
        raise ProviderInvalid(upstream="vectors of different lengths")
    return np.concatenate(found)


async def _embed_batch(route: RouteConfig, texts: Sequence[str]) -> Matrix:
    deadline = asyncio.get_running_loop().time() + route.timeout_s
    # Half the size and a tenth of the parsing; endpoints that know only floats ignore it.
    body = {"model": route.embedding_model, "input": list(map(scrub, texts)), "encoding_format": "base64"}
    attempt = 0
    while True:
        attempt += 1
        try:
            with guarded(route, route.embedding_model) as breaker:
                found = parsed_embeddings(await _body(route, body, deadline), len(texts))
                breaker.succeeded()
                return found
        except ProviderError as error:
            if not await pause_before_retry(error, attempt, deadline):
                raise


async def _body(route: RouteConfig, body: dict[str, Any], deadline: float) -> bytes:
    response = await post(route, "/embeddings", body, deadline)
    received = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for data in response.aiter_bytes():
                received += data
                if len(received) > MAX_BODY_BYTES:
                    raise ProviderInvalid(upstream=f"more than {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        raise ProviderTimeout from None
    except (httpx2.HTTPError, httpx2.StreamError) as error:
        raise ProviderUnavailable(upstream=repr(error)) from None
    finally:
        await response.aclose()
    return bytes(received)


def parsed_embeddings(body: bytes, count: int) -> Matrix:
    """The vectors of an answer by `index`. Raises ProviderInvalid unless there are `count` sound ones."""
    try:
        rows = sorted(orjson.loads(body)["data"], key=lambda row: row["index"])
        if [row["index"] for row in rows] != list(range(count)):
            raise ProviderInvalid(upstream=f"{len(rows)} vectors for {count} texts")
        matrix = np.stack([_vector(row["embedding"]) for row in rows])
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise ProviderInvalid(upstream=f"not embeddings: {error!r}") from None
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(matrix, axis=-1, keepdims=True)
    if matrix.ndim != 2 or not np.isfinite(lengths).all() or not lengths.all():
        raise ProviderInvalid(upstream="a vector that is zero or not finite")
    normalised: Matrix = (matrix / lengths).astype(np.float32)
    return normalised


def _vector(embedding: str | list[float]) -> Vector:
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
    return np.asarray(embedding, dtype=np.float32)
