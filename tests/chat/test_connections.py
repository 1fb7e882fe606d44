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


async def fewest_held() -> tuple[int, int]:
    """A heartbeat may just be beating, and a connection be made; what a turn held would be held a moment later."""
    seen = []
    for _ in range(6):
        seen.append(await asyncio.to_thread(held_connections))
        await asyncio.sleep(0.1)
    return min(seen)


async def test_streaming_answers_hold_no_connection_and_no_transaction(acme, innkeeper, scripted_llm, open_tab):
    before = await fewest_held()  # other tests' threads may hold some
    scripted_llm.will_say("It goes on and on.", chunks=8, delay_s=0.5, times=None)
    with ThreadPoolExecutor(1) as pool:  # the ORM is not for event loops
        visitors = [pool.submit(welcome, acme, f"guest-{n}").result() for n in range(CONVERSATIONS)]
        pool.submit(connections.close_all).result()
    tabs = [await open_tab(visitor) for visitor in visitors]
    assert await fewest_held() == before
    for tab in tabs:
        await tab.says("Tell me.")
    for tab in tabs:
        await tab.next("turn.delta")

    assert await fewest_held() == before
    assert before[1] == 0
    assert not [tab for tab in tabs if any(frame["type"] == "turn.completed" for frame in tab.frames)]
    for tab in tabs:
        assert (await tab.next("turn.completed"))["text"] == "It goes on and on."
