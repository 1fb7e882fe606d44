"""How token buckets count: in Redis, in the process while Redis is away, and by the plain model of both."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from tenants.errors import RateLimited
from tenants.limits import Bucket, Limit, take, take_meanwhile, taking
from tenants.limits.buckets import LocalBuckets
from tenants.limits.headers import headers_of
from tenants.limits.taking import SharedBuckets

LIMITS = st.builds(Limit, st.integers(1, 50), st.sampled_from([1, 7, 60, 3600]))
# Which buckets of three each call takes from, and how many microseconds pass before it.
CALLS = st.lists(st.tuples(st.sets(st.integers(0, 2), min_size=1), st.integers(0, 20_000_000)), min_size=1, max_size=40)


@dataclass
class PlainBucket:
    """A bucket as anybody would draw it: a number of tokens that grows with time, up to the limit."""

    limit: Limit
    tokens: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.limit.limit)

    def wait(self, us: int) -> None:
        self.tokens = min(Fraction(self.limit.limit), self.tokens + Fraction(us, self.limit.token_us))


def bucket(limit: Limit, name: str = "key-turns") -> Bucket:
    return Bucket(name, f"limit:{{test}}:{uuid4().hex}", limit)


OUR_CLOCK = "local now = tonumber(ARGV[#ARGV])"
# Keys expire by the clock of Redis, which goes on while a busy machine lets us wait: in the test they stay.
STAYING = """
local theirs = redis
local redis = {call = function(what, ...)
    if what == 'SET' then return theirs.call('SET', ({...})[1], ({...})[2], 'EX', 60) end
    return theirs.call(what, ...)
end}
"""


@pytest.fixture(scope="module")
def in_redis() -> SharedBuckets:
    """The real script in the real Redis, by a clock of ours."""
    return SharedBuckets(settings.REDIS_EVENTS_URL, now=f"{OUR_CLOCK} {STAYING}")


@given(limits=st.tuples(LIMITS, LIMITS, LIMITS), calls=CALLS)
@tries(max_examples=60)
def test_both_ways_of_counting_agree_with_the_plain_model(
    in_redis: SharedBuckets, limits: tuple[Limit, ...], calls: list[tuple[set[int], int]]
) -> None:
    """All or nothing, never more than there is, and whole again after the pause that was named."""
    buckets, plain, here = [bucket(limit) for limit in limits], [PlainBucket(limit) for limit in limits], LocalBuckets()
    now_us = 1_700_000_000_000_000
    for chosen, pause_us in calls:
        now_us += pause_us
        for one in plain:
            one.wait(pause_us)
        asked = [buckets[n] for n in sorted(chosen)]
        is_granted = all(plain[n].tokens >= 1 for n in chosen)
        if is_granted:
            for n in chosen:
                plain[n].tokens -= 1

        shared, local = in_redis.take(asked, now_us), here.take(asked, now_us)

        assert shared == local
        assert is_granted == (not any(standing.wait_us for standing in shared))
        for n, standing in zip(sorted(chosen), shared, strict=True):
            assert standing.left == int(plain[n].tokens)
            # Who waits exactly as long as he is told gets his token; a microsecond before it is not there.
            missing = max(Fraction(0), 1 - plain[n].tokens) * plain[n].limit.token_us if not is_granted else 0
            assert standing.wait_us == missing


def test_nothing_is_taken_from_any_bucket_when_one_refuses() -> None:
    wide, narrow = bucket(Limit(10, 60)), bucket(Limit(1, 60))
    take(wide, narrow)

    with pytest.raises(RateLimited) as refused:
        take(wide, narrow)

    assert refused.value.extra["retry_after_s"] in range(55, 61)
    assert refused.value.headers["Retry-After"] == str(refused.value.extra["retry_after_s"])
    (standing,) = take(wide)
    assert standing.left == 8


def test_who_is_refused_hears_of_it_when_what_he_did_meanwhile_is_done() -> None:
    narrow, done = bucket(Limit(1, 60)), []
    with take_meanwhile(narrow) as taken:
        done.append("first")
    assert [standing.left for standing in taken] == [0]

    with pytest.raises(RateLimited), take_meanwhile(narrow):
        done.append("second")

    assert done == ["first", "second"]


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_one() -> None:
    narrow, wide = bucket(Limit(5, 60)), bucket(Limit(100, 60))
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), take_meanwhile(narrow):
            1 / 0  # noqa: B018

        assert [standing.bucket for standing in take(wide)] == [wide]

    assert [standing.left for standing in take(wide)] == [96]


def test_a_redis_that_has_forgotten_the_script_learns_it_again() -> None:
    one = bucket(Limit(5, 60))
    take(one)
    redis.Redis.from_url(settings.REDIS_EVENTS_URL).script_flush()

    assert [standing.left for standing in take(one)] == [3]


def test_many_at_once_get_no_more_than_there_is() -> None:
    shared, granted = bucket(Limit(50, 3600)), []

    def hammer() -> None:
        for _ in range(20):
            try:
                take(shared)
            except RateLimited:
                return
            granted.append(1)

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == 50


def test_a_lowered_limit_keeps_the_share_that_is_used() -> None:
    before = bucket(Limit(100, 60))
    for _ in range(20):
        take(before)

    (standing,) = take(Bucket(before.name, before.key, Limit(10, 60)))

    assert standing.left == 7


@pytest.fixture
def redis_is_gone() -> Iterator[None]:
    """Nobody listens at the address where Redis should be."""
    with pytest.MonkeyPatch.context() as patch:
        nowhere = SharedBuckets("redis://127.0.0.1:1/2")
        patch.setattr(taking, "_shared", lambda: nowhere)
        yield


def test_without_redis_each_process_limits_by_itself(redis_is_gone: None) -> None:
    narrow = bucket(Limit(3, 60))
    for _ in range(3):
        take(narrow)

    with pytest.raises(RateLimited):
        take(narrow)


def test_a_redis_that_takes_too_long_is_not_waited_for_twice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = SharedBuckets(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

        (standing,) = slow.take([bucket(Limit(3, 60))])

        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert standing.left == 2


def test_the_headers_are_structured_fields() -> None:
    standings = [
        *LocalBuckets().take([bucket(Limit(10, 60), "key-requests")], 0),
        *LocalBuckets().take([bucket(Limit(600, 60), "tenant-requests")], 0),
    ]

    assert headers_of(standings) == {
        "RateLimit-Policy": '"key-requests";q=10;w=60, "tenant-requests";q=600;w=60',
        "RateLimit": '"key-requests";r=9;t=6, "tenant-requests";r=599;t=1',
    }
