"""Whether this worker was told to end, known to all its processes.

The byte is shared: Celery's main process sets it, and the pool's processes, forked later, see it.
"""

import mmap

_asked = mmap.mmap(-1, 1)


def ask() -> None:
    """Let running jobs be handed back. Safe in a signal handler."""
    _asked[0] = 1


def is_asked() -> bool:
    return _asked[0] == 1
