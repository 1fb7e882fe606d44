"""The page of the village."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from chat.pages import CONTENT_SECURITY_POLICY
from llm.routes import resolve_route
from npc.models import World
from npc.play.demo import demo_tenant
from npc.play.hosting import WORLDS
from tenants.scope import tenant_scope


@require_safe
def play_page(request: HttpRequest) -> HttpResponse:
    """The village, for whoever comes; where the demo is not seeded, a 404 that says how to seed it."""
    reader_active = _reader_active()
    context = {"language": get_language(), "reader_active": reader_active}
    if reader_active is None:
        response = render(request, "play/not_seeded.html", context, status=404)
    else:
        response = render(request, "play/page.html", context)
    sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(sockets=sockets)
    response["Referrer-Policy"] = "no-referrer"
    return response


def _reader_active() -> bool | None:
    """Whether the characters speak without a model. None without a village."""
    tenant = demo_tenant()
    if tenant is None:
        return None
    with tenant_scope(tenant):
        if not World.objects.for_tenant(tenant).filter(slug__in=WORLDS.values()).exists():
            return None
        return resolve_route(tenant.pk, None).is_reader
