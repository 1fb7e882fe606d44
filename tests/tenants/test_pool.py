"""The pool of connections, as we want it."""

from psycopg_pool.base import AttemptWithBackoff


def test_a_database_that_has_been_away_for_minutes_is_asked_as_often_as_at_first():
    attempt, delays = AttemptWithBackoff(timeout=300), []
    for second in range(120):
        attempt.update_delay(second)
        delays.append(attempt.delay)

    assert min(delays) > 0.4
    assert max(delays) < 0.6
