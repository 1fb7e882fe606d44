"""What can be named as a model: the tenant's published personas, and the embedding model."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from chat.api.openai.doors import openai_view
from llm.routes import resolve_route
from personas.models import Persona
from tenants.authentication import Caller
from tenants.errors import NotFound
from tenants.scope import in_tenant


@openai_view("chat", "GET")
async def models_view(request: HttpRequest, caller: Caller, model: str | None = None) -> HttpResponseBase:
    """All of them, or one."""
    listed = await in_tenant(caller.tenant_id, _models, caller.tenant_id)
    if model is None:
        return JsonResponse({"object": "list", "data": listed})
    for one in listed:
        if one["id"] == model:
            return JsonResponse(one)
    raise NotFound(_("There is no model «%(model)s».") % {"model": model})


def _models(tenant_id: UUID) -> list[dict[str, Any]]:
    published = Persona.objects.for_tenant(tenant_id).published().order_by("slug")
    models = [(persona.slug, persona.live_version.published_at) for persona in published]
    embedding = resolve_route(tenant_id).embedding_name
    return [
        *({"id": slug, "object": "model", "created": int(at.timestamp()), "owned_by": "troupe"} for slug, at in models),
        {"id": embedding, "object": "model", "created": 0, "owned_by": "troupe"},
    ]
