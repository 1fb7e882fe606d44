"""The arithmetic of token buckets, in whole microseconds, so that Redis and we come to the same.

A bucket holds `limit` tokens and fills up evenly within `window_s`. What is kept of it is one number: when it will be
full again. A token that is taken moves that moment on by what one token takes to come back, and none may be taken that
would move it further off than a whole window.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a window, after a pause all of them at once."""

    limit: int
    window_s: int

    @property
    def token_us(self) -> int:
        """How long one token takes to come back. Rounded up, so that never more come back than may."""
        return -(-self.window_s * MILLION // self.limit)

    @property
    def full_us(self) -> int:
        """How long an empty bucket takes to fill."""
        return self.token_us * self.limit


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: what it limits (`name`, as clients are told), whose it is (`key`), and how large."""

    name: str
    key: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Standing:
    """How a bucket stands after somebody took from it, or was refused."""

    bucket: Bucket
    left: int
    full_in_us: int
    # Until what was asked for is there; 0 if it was.
    wait_us: int

    @classmethod
    def of(cls, bucket: Bucket, full_in_us: int, wait_us: int) -> "Standing":
        """`full_in_us` may be more than a window where the limit has been lowered since."""
        left = max(0, (bucket.limit.full_us - full_in_us) // bucket.limit.token_us)
        return cls(bucket, left, full_in_us, wait_us)


# More addresses and people than any process has to do with within a few windows.
MOST_KEPT = 100_000


class LocalBuckets:
    """Buckets of this process alone, for while Redis is away. Safe between threads."""

    def __init__(self) -> None:
        self._full_at: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket], now_us: int) -> list[Standing]:
        """Take one token of each, or none of any."""
        with self._lock:
            before = [max(0, self._full_at.get(bucket.key, 0) - now_us) for bucket in buckets]
            waits = [
                max(0, full_in + bucket.limit.token_us - bucket.limit.full_us)
                for bucket, full_in in zip(buckets, before, strict=True)
            ]
            if any(waits):
                after = before
            else:
                after = [full_in + bucket.limit.token_us for bucket, full_in in zip(buckets, before, strict=True)]
                self._keep({bucket.key: now_us + full_in for bucket, full_in in zip(buckets, after, strict=True)})
            return [Standing.of(*one) for one in zip(buckets, after, waits, strict=True)]

    def _keep(self, full_at: dict[str, int]) -> None:
        if len(self._full_at) > MOST_KEPT:
            self._full_at = {}
        self._full_at |= full_at
