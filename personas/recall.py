"""Recall and prompt of one turn for synchronous callers, without a transaction around calls to a provider."""

from collections.abc import Callable
from uuid import UUID

from knowledge.searching import search_bases
from llm.door import embed_in_worker
from llm.routes import routes_for_embedding
from personas.turns import PreparedTurn, TurnPlan, compile_turn
from tenants.scope import tenant_scope


def recall_and_compile(tenant_id: UUID, make_plan: Callable[[], TurnPlan]) -> PreparedTurn:
    """Plan inside the tenant's scope, embed outside of it, search inside again, compile.

    The caller must not be in the scope already. Raises PlatformError.
    """
    with tenant_scope(tenant_id):
        plan = make_plan()
        routes = routes_for_embedding(tenant_id, plan.models) if plan.query else {}
    if not plan.query:
        return compile_turn(plan)
    vectors = {model: embed_in_worker(route, [plan.query], "query")[0] for model, route in routes.items()}
    with tenant_scope(tenant_id):
        found = search_bases(tenant_id, plan.base_ids, plan.query, vectors, top_k=plan.top_k)
    return compile_turn(plan, found)
