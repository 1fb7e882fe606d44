"""While models stream, no turn holds a database connection."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psycopg
from django.db import connection, connections

from tests import plugin
from tests.chat.conftest import welcome

CONVERSATIONS = 20


def held_connections() -> tuple[int, int]:
    """How many the pool has given out, and how many of the app's backends are in a transaction."""
    pool = connection.pool.get_stats()
    with psycopg.connect(plugin.services.superuser_url) as superuser:
        row = superuser.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'troupe_app' AND state LIKE '%in transaction%'"
        ).fetchone()
    assert row
    return pool["pool_size"] - pool["pool_available"], row[0]


async def test_streaming_answers_hold_no_connection_and_no_transaction(acme, innkeeper, scripted_llm, open_tab):
    scripted_llm.will_say("It goes on and on.", chunks=6, delay_s=0.5, times=None)
    with ThreadPoolExecutor(1) as pool:  # the ORM is not for event loops
        visitors = [pool.submit(welcome, acme, f"guest-{n}").result() for n in range(CONVERSATIONS)]
        pool.submit(connections.close_all).result()
    tabs = [await open_tab(visitor) for visitor in visitors]
    idle, _in_transaction = await asyncio.to_thread(held_connections)  # the test's own thread may hold one
    for tab in tabs:
        await tab.says("Tell me.")
    for tab in tabs:
        await tab.next("turn.delta")

    # A heartbeat may just be beating; whatever a turn held would still be held a moment later.
    seen = [await asyncio.to_thread(held_connections)]
    for _ in range(4):
        await asyncio.sleep(0.05)
        seen.append(await asyncio.to_thread(held_connections))

    assert min(seen) == (idle, 0)
    assert idle <= 1
    assert not [tab for tab in tabs if any(frame["type"] == "turn.completed" for frame in tab.frames)]
    for tab in tabs:
        assert (await tab.next("turn.completed"))["text"] == "It goes on and on."
