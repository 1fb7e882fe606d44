"""The write-behind log of a conversation's events: a Redis stream, for who was away or is on another process.

It may be empty at any time. What it cannot give comes from the database (`chat.history`).
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings

from chat.events import Item, behind, dump, load

logger = logging.getLogger(__name__)

# Long answers make a few hundred entries; beyond this the database serves.
MAX_ENTRIES = 5_000
TTL_S = 3_600
# A tail asks again after this long, so that it notices when nobody listens any more.
BLOCK_MS = 1_000


@dataclass(frozen=True)
class Replay:
    """What came after a number. Not `is_complete` when the log does not reach back to it."""

    items: list[Item]
    is_complete: bool


def stream_key(tenant_id: UUID, conversation_id: UUID) -> str:
    return f"events:{tenant_id.hex}:{conversation_id.hex}"


class EventLog:
    """The log as seen from an event loop."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_EVENTS_URL, max_connections=settings.REDIS_MAX_CONNECTIONS, socket_connect_timeout=2
        )

    async def append(self, key: str, items: list[Item], previous: int) -> None:
        """Write items that follow `previous`. Raises redis.RedisError when that is not possible now."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for item in items:
                pipeline.xadd(key, {"e": dump(item, previous)}, id=f"{item.last}-0", maxlen=MAX_ENTRIES)
                previous = item.last
            pipeline.expire(key, TTL_S)
            results = await pipeline.execute(raise_on_error=False)
        for result in results:
            # An id below the top: a successor has gone on, and our numbers are history.
            if isinstance(result, redis.RedisError) and not isinstance(result, redis.ResponseError):
                raise result

    async def read(self, key: str, after: int) -> Replay:
        """Everything behind `after`."""
        try:
            entries = await self._redis.xrange(key, min=f"({after}-0")
        except (redis.RedisError, OSError) as error:
            logger.warning("The event log did not answer: %s", error)
            return Replay([], is_complete=False)
        return _replay([fields[b"e"] for _id, fields in entries], after)

    async def wait(self, key: str, after: int) -> list[Item]:
        """What comes behind `after`, as soon as it comes; empty when nothing came for a second."""
        found = await self._redis.xread({key: f"{after}-0"}, block=BLOCK_MS)
        entries = found[0][1] if found else []
        return _replay([fields[b"e"] for _id, fields in entries], after).items

    async def delete(self, key: str) -> None:
        await self._redis.delete(key)

    async def aclose(self) -> None:
        await self._redis.aclose()


def _replay(entries: list[bytes], after: int) -> Replay:
    loaded = [load(entry) for entry in entries]
    is_complete = bool(loaded) and loaded[0][1] <= after
    items = [left for item, _previous in loaded if (left := behind(item, after))]
    return Replay(items, is_complete)


@lru_cache(maxsize=1)
def _blocking_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_EVENTS_URL, socket_timeout=3, socket_connect_timeout=2)


def read_blocking(key: str) -> list[Item]:
    """All that the log holds, from a thread: for the sweeper. Empty when Redis does not answer."""
    try:
        entries = _blocking_client().xrange(key)
    except (redis.RedisError, OSError):
        return []
    return _replay([fields[b"e"] for _id, fields in entries], 0).items


def append_blocking(key: str, items: list[Item], previous: int) -> None:
    """Write from a thread. A Redis that is away loses nothing: the database has what the events say."""
    try:
        for item in items:
            _blocking_client().xadd(key, {"e": dump(item, previous)}, id=f"{item.last}-0", maxlen=MAX_ENTRIES)
            previous = item.last
    except (redis.RedisError, OSError) as error:
        logger.warning("Not in the event log: %s", error)


def delete_blocking(keys: list[str]) -> None:
    """Forget conversations."""
    if keys:
        _blocking_client().delete(*keys)
