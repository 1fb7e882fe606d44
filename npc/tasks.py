"""Background work on worlds. Celery finds this module; the rows in `jobs` decide what runs."""

from jobs.handlers import Run, job_handler
from npc.knowledge.embedding import embed_facts
from npc.knowledge.nearest import EMBED


@job_handler(EMBED)
def embed(run: Run) -> None:
    """Make the facts of a world's version findable by meaning."""
    embed_facts(run)
