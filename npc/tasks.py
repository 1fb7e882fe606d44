"""Background work on worlds. Celery finds this module; the rows in `jobs` decide what runs."""

from jobs.handlers import Run, job_handler
from npc.knowledge.embedding import embed_facts
from npc.knowledge.gossip import GOSSIP
from npc.knowledge.gossip import gossip as gossip_due
from npc.knowledge.nearest import EMBED
from npc.knowledge.reflecting import reflect as reflect_due
from npc.knowledge.remembering import REFLECT


@job_handler(EMBED)
def embed(run: Run) -> None:
    """Make the facts of a world's version findable by meaning."""
    embed_facts(run)


@job_handler(GOSSIP)
def gossip(run: Run) -> None:
    """Let the characters of a branch tell each other what they keep."""
    gossip_due(run)


@job_handler(REFLECT)
def reflect(run: Run) -> None:
    """Let the characters of a branch think about what they keep."""
    reflect_due(run)
