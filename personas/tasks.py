"""Background work on memories. Celery finds this module; the rows in `jobs` decide what runs."""

from jobs.handlers import Run, job_handler
from personas.memories import EMBED
from personas.memory_vectors import embed_memories


@job_handler(EMBED)
def embed(run: Run) -> None:
    """Make the memories of a store findable by meaning."""
    embed_memories(run)
