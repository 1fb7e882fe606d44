"""Background work on answers tried again."""

from datetime import timedelta

from chat.tracing import replaying, testing
from jobs.handlers import Again, Limits, Run, job_handler

# A model that takes its whole time, with its fallbacks.
LIMITS = Limits(soft=timedelta(minutes=7), hard=timedelta(minutes=8))
# So many tests, then others have a turn.
AT_ONCE = 3


@job_handler(replaying.REPLAY, on_failure=replaying.note_failure, limits=LIMITS)
def replay(run: Run) -> None:
    """Answer the question of one turn once more."""
    replaying.replay_answer(run.tenant_id, run.subject_id)


@job_handler(testing.RUN_TESTS, on_failure=testing.note_failure, limits=LIMITS)
def tests(run: Run) -> None:
    """Put a persona's tests to its draft."""
    run.check_in()
    if testing.run_tests(run.tenant_id, run.subject_id, at_most=AT_ONCE):
        raise Again
