"""Vectors of a world's facts, made in the background a slice at a time."""

from jobs.handlers import Again, Run
from llm.embedding import bundled
from npc.knowledge.nearest import vector_id
from npc.models import FactVector, WorldVersion
from npc.worlds.compiled import world_of
from tenants.scope import tenant_scope

# Some seconds of work, then others have a turn.
SLICE = 256


def embed_facts(run: Run) -> None:
    """Embed those texts of a version (the job's subject) that no version of its world had. Raises Again."""
    with tenant_scope(run.tenant_id):
        # Asked for first, since compiled worlds of all tenants are kept together.
        version = WorldVersion.objects.for_tenant(run.tenant_id).filter(pk=run.subject_id).first()
        if version is None:
            return
        texts = {vector_id(version.world_id, fact.text): fact.text for fact in world_of(version.pk).document.facts}
        known = FactVector.objects.for_tenant(run.tenant_id).filter(world_id=version.world_id)
        missing = sorted(texts.keys() - set(known.values_list("pk", flat=True)))
    chosen = missing[:SLICE]
    vectors = bundled().embed_passages([texts[one] for one in chosen])
    rows = [
        FactVector(id=one, tenant_id=run.tenant_id, world_id=version.world_id, embedding=vector)
        for one, vector in zip(chosen, vectors, strict=True)
    ]
    with tenant_scope(run.tenant_id):
        run.check_in()
        if WorldVersion.objects.for_tenant(run.tenant_id).filter(pk=version.pk).exists():
            FactVector.objects.bulk_create(rows, ignore_conflicts=True)
    if len(missing) > len(chosen):
        raise Again
