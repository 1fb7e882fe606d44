"""The write-behind log of a conversation's events: a Redis stream, for who was away or is on another process.

It may be empty at any time. What it cannot give comes from the turn's own process or from the database.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.events import Item, behind, block_end, dump, ends_block, load

logger = logging.getLogger(__name__)

# Long answers make a few hundred entries; beyond this the database serves.
MAX_ENTRIES = 5_000
TTL_S = 3_600
# A tail asks again after this long, so that it notices when nobody listens any more.
BLOCK_MS = 1_000
# A Redis that does not answer holds nobody up for longer.
PATIENCE: dict[str, Any] = {"socket_timeout": 3, "socket_connect_timeout": 2}
# To tell its name, redis-py reads its own metadata from disk for each connection, and the loop waits some milliseconds.
ANONYMOUS: dict[str, Any] = {"driver_info": None}

# Not of a conversation; all processes read it.
AGE_KEY = "events:age"

Command = tuple[str | int | bytes, ...]
Append = tuple[list[Command], asyncio.Future[list[Any]]]


@dataclass(frozen=True)
class Replay:
    """What came after a number. Not `is_complete` when the log does not reach back to it, or has a hole."""

    items: list[Item]
    is_complete: bool


def stream_key(tenant_id: UUID, conversation_id: UUID) -> str:
    return f"events:{tenant_id.hex}:{conversation_id.hex}"


class EventLog:
    """The log as seen from an event loop. Its methods raise redis.RedisError unless they say otherwise."""

    def __init__(self) -> None:
        # One more try mends a connection that a restart of Redis broke.
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_EVENTS_URL,
            max_connections=settings.REDIS_MAX_CONNECTIONS,
            retry=redis.asyncio.retry.Retry(NoBackoff(), 1),
            **PATIENCE,
            **ANONYMOUS,
        )
        self._waiting: list[Append] = []
        self._sender: asyncio.Task[None] | None = None
        self._owes_age = False

    async def append(self, key: str, items: Sequence[Item], previous: int, *, may_begin: bool) -> bool:
        """Write items that follow `previous`. False: nothing is written, since the log was emptied.

        Only who has all events of his turn `may_begin` a log; else it would have a hole at its beginning. The log
        is kept for TTL_S from then on. What many turns write at the same moment travels together.
        """
        commands: list[Command] = []
        for item in items:
            begin = () if may_begin else ("NOMKSTREAM",)
            entry = (f"{item.last}-0", "e", dump(item, previous))
            commands.append(("XADD", key, *begin, "MAXLEN", "~", MAX_ENTRIES, *entry))
            previous = item.last
        if may_begin:
            commands.append(("EXPIRE", key, TTL_S))
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((commands, written))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send())
        results = await written
        for result in results:
            # An id below the top: a successor has gone on, and our numbers are history.
            if isinstance(result, redis.RedisError) and not isinstance(result, redis.ResponseError):
                raise result
        return None not in results

    async def _send(self) -> None:
        """Write what waits with one round trip, and what came to wait meanwhile with the next."""
        batch: list[Append] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    results = await self._execute([command for commands, _written in batch for command in commands])
                except Exception as error:
                    self._owes_age = True
                    for _commands, written in batch:
                        if not written.done():
                            written.set_exception(error)
                    continue
                for commands, written in batch:
                    found = list(islice(results, len(commands)))
                    if not written.done():
                        written.set_result(found)
        finally:
            self._sender = None
            for _commands, written in (*batch, *self._waiting):
                written.cancel()

    async def _execute(self, commands: Iterable[Command]) -> Iterator[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return iter(await pipeline.execute(raise_on_error=False))

    async def read(self, key: str, after: int, *, is_over: bool = False) -> Replay:
        """Everything behind `after`, with which a block of numbers `is_over`.

        A log that does not answer is an incomplete one, not an error.
        """
        try:
            return _replay(await self._redis.xrange(key, min=f"({after}-0"), after, is_over)
        except (redis.RedisError, OSError) as error:
            logger.warning("The event log did not answer: %s", error)
            return Replay([], is_complete=False)

    async def read_many(self, wanted: Iterable[tuple[str, int, bool]]) -> list[Replay]:
        """What came in several conversations, each behind its own number, with which a block is over or not."""
        wanted = list(wanted)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, after, _is_over in wanted:
                pipeline.xrange(key, min=f"({after}-0")
            found = await pipeline.execute()
        return [_replay(entries, after, is_over) for entries, (_key, after, is_over) in zip(found, wanted, strict=True)]

    async def age(self) -> bytes | str | None:
        """Another one when something was lost since: the log was emptied, or a process could not write to it."""
        await self._redis.set(AGE_KEY, uuid4().hex, nx=not self._owes_age)
        self._owes_age = False
        return await self._redis.get(AGE_KEY)

    async def wait(self, key: str, after: int, *, is_over: bool) -> Replay:
        """What comes behind `after`, as soon as it comes; empty when nothing came for a second."""
        found: Any = await self._redis.xread({key: f"{after}-0"}, block=BLOCK_MS)
        return _replay(found[0][1] if found else [], after, is_over)

    async def delete(self, key: str) -> None:
        await self._redis.delete(key)

    async def aclose(self) -> None:
        if self._sender:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        await self._redis.aclose()


def _replay(entries: Any, after: int, is_over: bool = False) -> Replay:
    loaded = [load(fields[b"e"]) for _id, fields in entries]
    items = [left for item, _previous in loaded if (left := behind(item, after))]
    return Replay(items, is_unbroken(loaded, after, is_over=is_over))


def is_unbroken(entries: Sequence[tuple[Item, int]], after: int, *, is_over: bool = False) -> bool:
    """Whether entries, each with the number before it, tell of all that came behind `after`.

    Between the end of a turn, or what came outside of turns, and the next block numbers are left out; nowhere else.
    `is_over`: `after` was such an end.
    """
    ends = [(after, is_over), *((item.last, ends_block(item)) for item, _previous in entries)]
    return bool(entries) and all(
        previous <= last or (is_end and previous == block_end(last))
        for (last, is_end), (_item, previous) in zip(ends, entries, strict=False)
    )


# --- From threads: the sweeper, and views that erase
# ----------------------------------------------------------
@lru_cache(maxsize=1)
def _blocking_client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_EVENTS_URL, retry=Retry(NoBackoff(), 1), **PATIENCE)


def read_blocking(key: str) -> list[Item]:
    """All that the log holds. Empty when Redis does not answer."""
    try:
        return _replay(_blocking_client().xrange(key), 0).items
    except (redis.RedisError, OSError) as error:
        logger.warning("The event log did not answer: %s", error)
        return []


def append_blocking(key: str, items: Sequence[Item], previous: int) -> None:
    """Write items that follow `previous`.

    A Redis that is away loses nothing: the database has what they say.
    """
    try:
        for item in items:
            _blocking_client().xadd(key, {"e": dump(item, previous)}, id=f"{item.last}-0", maxlen=MAX_ENTRIES)
            previous = item.last
        _blocking_client().expire(key, TTL_S)
    except (redis.RedisError, OSError) as error:
        logger.warning("Not in the event log: %s", error)


def delete_blocking(keys: Sequence[str]) -> None:
    """Forget conversations. What a Redis that is away keeps ends with its time to live."""
    try:
        if keys:
            _blocking_client().delete(*keys)
    except (redis.RedisError, OSError) as error:
        logger.warning("Not forgotten before an hour has passed: %s", error)


def count_blocking(keys: Sequence[str]) -> int:
    """How many conversations the log still knows of. Raises redis.RedisError when Redis does not answer."""
    return int(_blocking_client().exists(*keys)) if keys else 0
