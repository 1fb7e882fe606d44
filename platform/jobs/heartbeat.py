"""What goes on beside a handler: its lease is renewed, and handed back when the worker has to leave."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connections

from jobs import leaving
from jobs.handlers import Run, Stopped

logger = logging.getLogger(__name__)

# A third of the lease: two beats may be lost.
BEAT_S = 20.0
# How often we look whether the worker was told to leave.
LOOK_S = 0.5
# A handler that has not looked up by then is not waited for: workers are killed 15 s after they were told.
PATIENCE_S = 8.0


@contextmanager
def beating(run: Run, hand_back: Callable[[], None]) -> Iterator[None]:
    """Renew the run's lease from a thread of its own while the block works, however long one step takes.

    `hand_back` is called from that thread when the worker was told to leave and the block does not end. What
    the block writes afterwards is refused, as its job is not its own any more.
    """
    is_over = threading.Event()
    thread = threading.Thread(target=_beat, args=(run, hand_back, is_over), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _beat(run: Run, hand_back: Callable[[], None], is_over: threading.Event) -> None:
    beats_at = time.monotonic() + BEAT_S
    while not is_over.wait(LOOK_S):
        if leaving.is_asked():
            if not is_over.wait(PATIENCE_S):
                _try(run, hand_back)
            return
        if time.monotonic() >= beats_at:
            beats_at += BEAT_S
            if not _try(run, run.renew):
                return


def _try(run: Run, step: Callable[[], None]) -> bool:
    """Take a step. False when there is nothing left to do for this thread."""
    try:
        step()
    except Stopped:
        return False  # the handler's next write will see it too
    except DatabaseError as error:
        logger.warning("The heartbeat of %s was lost: %s", run.job, error)
    finally:
        connections.close_all()
    return True
