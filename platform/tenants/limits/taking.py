"""Taking from buckets that all processes share: one round trip to Redis, whatever the number of buckets.

While Redis is away each process limits by itself (docs/adr/0020-limits-without-redis.md).
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from tenants.errors import RateLimited
from tenants.limits.buckets import MILLION, Bucket, LocalBuckets, Standing
from tenants.limits.headers import headers_of

logger = logging.getLogger(__name__)

# Nobody waits longer for his limits to be looked up...
PATIENCE_S = 0.25
# ...and while Redis is away only one in a while does.
AWAY_S = 1.0

# The clock of Redis: those of web servers may differ.
NOW = "local time = redis.call('TIME') local now = time[1] * 1000000 + time[2]"
TAKE = """
local kept = redis.call('MGET', unpack(KEYS))
local full_in, wait, refused = {}, {}, false
for i = 1, #KEYS do
    full_in[i] = math.max(0, tonumber(kept[i] or 0) - now)
    wait[i] = math.max(0, full_in[i] + tonumber(ARGV[2 * i - 1]) - tonumber(ARGV[2 * i]))
    refused = refused or wait[i] > 0
end
local told = {}
for i = 1, #KEYS do
    if not refused then
        full_in[i] = full_in[i] + tonumber(ARGV[2 * i - 1])
        redis.call('SET', KEYS[i], string.format('%.0f', now + full_in[i]), 'PX', math.ceil(full_in[i] / 1000))
    end
    told[2 * i - 1], told[2 * i] = full_in[i], wait[i]
end
return told
"""


class Question:
    """A script's round trip in two halves: it is sent at once, and heard when its answer is needed. Then close it."""

    def __init__(self, script: Any, keys: Sequence[str], args: Sequence[int]) -> None:
        self._script, self._keys, self._args = script, keys, args
        self._pool = script.registered_client.connection_pool
        self._connection: Any = None
        self._is_late = False
        try:
            self._connection = self._pool.get_connection()
            self._connection.send_command("EVALSHA", script.sha, len(keys), *keys, *args)
        except (redis.RedisError, OSError) as error:
            self._is_late = isinstance(error, redis.TimeoutError)
            self.close()

    def answer(self) -> Any:
        """Raises redis.RedisError or OSError. Who was waited for in vain is not waited for once more."""
        if self._is_late:
            raise redis.TimeoutError("Redis took too long to be reached")
        if self._connection is not None:
            try:
                told = self._connection.read_response()
                self._give_back()
                return told
            except redis.ResponseError:  # the script is not known yet
                self._give_back()
            except (redis.ConnectionError, OSError):  # it was restarted
                self.close()
        return self._script(keys=self._keys, args=self._args)

    def close(self) -> None:
        """Whoever needs no answer any more leaves none behind for the next one."""
        if self._connection is not None:
            self._connection.disconnect()
            self._give_back()

    def _give_back(self) -> None:
        self._pool.release(self._connection)
        self._connection = None


class SharedBuckets:
    """The buckets in Redis, as this process sees them. Safe between threads."""

    def __init__(self, url: str, *, now: str = NOW) -> None:
        # One more try mends a connection that a restart of Redis broke.
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
            retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            driver_info=None,
        )
        self._take = self._redis.register_script(now + TAKE)
        self._local = LocalBuckets()
        self._is_away = False
        self._look_again_at = 0.0
        self._lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket], *more: int) -> list[Standing]:
        """Take one token of each bucket, or none of any; how each then stands. `more` is for another clock."""
        with self.taking(buckets, *more) as taken:
            pass
        return taken

    @contextmanager
    def taking(self, buckets: Sequence[Bucket], *more: int) -> Iterator[list[Standing]]:
        """As `take`, for who has something else to do while Redis answers. The list is filled when the block ends."""
        taken: list[Standing] = []
        if not self._may_ask():
            yield taken
        else:
            sizes = [size for bucket in buckets for size in (bucket.limit.token_us, bucket.limit.full_us)]
            keys = [bucket.key for bucket in buckets]
            with closing(Question(self._take, keys, [*sizes, *more])) as question:
                yield taken
                taken += self._heard(question, buckets)
        if not taken:
            taken += self._local.take(buckets, time.monotonic_ns() // 1000)

    def _heard(self, question: Question, buckets: Sequence[Bucket]) -> list[Standing]:
        """Nothing while Redis is away."""
        try:
            told = question.answer()
        except (redis.RedisError, OSError) as error:
            logger.warning("Redis did not answer, so this process limits by itself: %s", error)
            self._is_away, self._look_again_at = True, time.monotonic() + AWAY_S
            return []
        self._is_away = False
        return [Standing.of(bucket, told[2 * n], told[2 * n + 1]) for n, bucket in enumerate(buckets)]

    def _may_ask(self) -> bool:
        """Whether Redis is there, for all we know. While it is not, one of us looks once in a while for all."""
        if not self._is_away:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._look_again_at:
                return False
            self._look_again_at = now + AWAY_S
            return True


@cache
def _shared() -> SharedBuckets:
    return SharedBuckets(settings.REDIS_EVENTS_URL)


def take(*buckets: Bucket) -> list[Standing]:
    """Take one token of each bucket, of all or of none, and say how they stand. Raises RateLimited."""
    with take_meanwhile(*buckets) as taken:
        pass
    return taken


@contextmanager
def take_meanwhile(*buckets: Bucket) -> Iterator[list[Standing]]:
    """As `take`, while the block does what it must leave no trace of: at its end RateLimited may be raised."""
    if not buckets:
        yield []
        return
    with _shared().taking(buckets) as taken:
        yield taken
    refusing = [standing for standing in taken if standing.wait_us]
    if refusing:
        raise refusal(max(refusing, key=lambda standing: standing.wait_us), taken)


def refusal(longest: Standing, standings: Sequence[Standing]) -> RateLimited:
    """The error that says how long to wait, in its body and its headers."""
    wait_s = -(-longest.wait_us // MILLION)
    return RateLimited(
        headers={"Retry-After": str(wait_s), **headers_of(standings)}, retry_after_s=wait_s, limit=longest.bucket.name
    )
