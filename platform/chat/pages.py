"""The public chat page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from chat.presenting import persona_card
from llm.routes import resolve_route
from personas.access import access_by_publishable_key
from tenants.errors import NotFound, Unauthenticated
from tenants.scope import tenant_scope
from tenants.tokens import PUBLISHABLE, parse_token

# Nothing from elsewhere, nothing inline: whatever slips through the sanitiser cannot run or report.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@require_safe
def chat_page(request: HttpRequest, publishable_key: str) -> HttpResponse:
    """The page of one published persona; a friendly 404 for a key that names none."""
    try:
        context = _context(publishable_key)
    except (NotFound, Unauthenticated):
        response = render(request, "chat/not_found.html", {"language": get_language()}, status=404)
    else:
        response = render(request, "chat/page.html", {**context, "language": get_language()})
    sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.format(sockets=sockets)
    response["Referrer-Policy"] = "no-referrer"
    return response


def _context(publishable_key: str) -> dict[str, object]:
    tenant_id = parse_token(publishable_key, PUBLISHABLE).tenant_id
    with tenant_scope(tenant_id):
        persona = access_by_publishable_key(tenant_id, publishable_key)
        version = persona.live_version
        if version is None:
            raise NotFound
        return {
            "persona": persona_card(persona, version.settings, version.name),
            "publishable_key": publishable_key,
            "session_url": f"/api/v1/public/{publishable_key}/sessions/",
            "reader_active": resolve_route(tenant_id, version.settings.get("route") or None).is_reader,
        }
