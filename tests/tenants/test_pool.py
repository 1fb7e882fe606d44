"""The pool of connections, as we want it."""

import os
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from psycopg_pool.base import AttemptWithBackoff

from tenants.models import Tenant
from tenants.postgresql.base import DatabaseWrapper, has_ended
from tests import plugin
from tests.conftest import Business
from tests.faults.proxy import FaultProxy

PLACES = 6


def test_a_database_that_has_been_away_for_minutes_is_asked_as_often_as_at_first():
    attempt, delays = AttemptWithBackoff(timeout=300), []
    for second in range(120):
        attempt.update_delay(second)
        delays.append(attempt.delay)

    assert min(delays) > 0.4
    assert max(delays) < 0.6


# --- A database that was restarted ----------------------------------------------------------------------------
class Backend(DatabaseWrapper):
    _connection_pools: dict[str, Any] = {}  # not the ones of the other tests


class Pool:
    """A pool of its own, and threads that take its connections."""

    def __init__(self, port: str) -> None:
        settings = connections["default"].settings_dict
        size = {"min_size": 0, "max_size": PLACES, "timeout": 60}
        self._settings = {**settings, "PORT": port, "OPTIONS": {**settings["OPTIONS"], "pool": size}}
        self._all_have_one = threading.Barrier(PLACES, timeout=60)

    def is_used(self, *, by_all_at_once: bool = False) -> int:
        """Take a connection, ask something, and give it back. The server's process that answered."""
        backend = Backend(self._settings, "default")
        try:
            with backend.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                if by_all_at_once:
                    self._all_have_one.wait()
                return int(cursor.fetchone()[0])
        finally:
            backend.close()

    def is_used_by_all(self) -> set[int]:
        with ThreadPoolExecutor(PLACES) as threads:
            return set(threads.map(lambda _: self.is_used(by_all_at_once=True), range(PLACES)))

    def has_patience_for(self, seconds: float) -> None:
        Backend(self._settings, "default").pool.timeout = seconds

    def close(self) -> None:
        Backend(self._settings, "default").close_pool()


@pytest.fixture
def open_pool() -> Iterator[Callable[[str], Pool]]:
    with ExitStack() as stack:

        def open_one(port: str) -> Pool:
            pool = Pool(port)
            stack.callback(pool.close)
            return pool

        yield open_one


@pytest.fixture
def pool(open_pool: Callable[[str], Pool]) -> Pool:
    return open_pool(connections["default"].settings_dict["PORT"])


@pytest.fixture
def weather() -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", int(connections["default"].settings_dict["PORT"])) as proxy:
        yield proxy


def end_backends(pids: set[int]) -> None:
    """As a restart does to each: a word, and the end of the connection. Wait until all are gone."""
    with psycopg.connect(plugin.services.superuser_url, autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(pid, 60000) FROM unnest(%s) pid", [list(pids)])


def test_connections_that_the_server_closed_are_given_to_nobody(pool):
    before = pool.is_used_by_all()
    assert len(before) == PLACES

    end_backends(before)

    assert pool.is_used() not in before
    assert not pool.is_used_by_all() & before


def test_connections_that_broke_are_given_to_nobody(weather, open_pool):
    pool = open_pool(str(weather.port))
    before = pool.is_used_by_all()

    weather.refuse()
    weather.resume()

    assert not pool.is_used_by_all() & before


def test_connections_that_live_are_used_again(pool):
    before = pool.is_used_by_all()

    assert {pool.is_used() for _ in range(2 * PLACES)} == before


def test_a_connection_that_was_only_told_something_is_used_again(pool):
    """PostgreSQL tells an idle connection of a setting that was changed, for instance."""
    url = plugin.services.superuser_url
    with psycopg.connect(url, autocommit=True) as idle, psycopg.connect(url, autocommit=True) as other:
        idle.execute("LISTEN tea")
        other.execute("NOTIFY tea")
        with selectors.DefaultSelector() as selector:
            selector.register(idle.fileno(), selectors.EVENT_READ)
            assert selector.select(timeout=60)

        assert not has_ended(idle)


def test_a_database_that_stays_away_is_waited_for_no_longer_than_the_pool_says(weather, open_pool):
    pool = open_pool(str(weather.port))
    pool.is_used_by_all()
    weather.refuse()
    weather.reset()

    pool.has_patience_for(0.3)
    for _ in range(2):  # the first finds dead ones, the second none
        with pytest.raises(OperationalError, match=r"couldn't get a connection after 0\.30 sec"):
            pool.is_used()

    weather.resume()
    pool.has_patience_for(60)
    assert pool.is_used_by_all()


def test_a_server_that_hangs_up_as_a_scope_begins_is_away(acme: Business) -> None:
    """Whoever waits for a database that is away waits for this one, too; other errors are faults of ours."""
    connection.ensure_connection()
    line = socket.socket(fileno=os.dup(connection.connection.fileno()))
    line.shutdown(socket.SHUT_RDWR)
    line.close()

    with pytest.raises(OperationalError), acme.scope():
        pass

    connection.close()
    with acme.scope():
        assert Tenant.objects.filter(pk=acme.id).exists()
