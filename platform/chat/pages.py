"""The public chat page: shared by its link, or held in a frame by a site that may."""

from io import BytesIO
from typing import Any

import segno
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from chat.origins import frame_ancestors
from chat.widget.card import front, is_reader_active
from personas.access import access_by_publishable_key
from personas.models import Persona
from tenants.errors import NotFound, Unauthenticated
from tenants.scope import tenant_scope
from tenants.tokens import PUBLISHABLE, parse_token

# Nothing from elsewhere, nothing inline: whatever slips through the sanitiser cannot run or report.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What a preview of the link shows of the greeting.
DESCRIPTION_CHARACTERS = 200
# A persona may be taken down, and its code with it.
CODE_TTL_S = 3600


@require_safe
def chat_page(request: HttpRequest, publishable_key: str) -> HttpResponse:
    """The page of one published persona; a friendly 404 for a key that names none.

    With `?embed=1` it is for a frame in a page of an allowed origin, and without what such a page has itself.
    """
    language, ancestors = get_language(), ""
    try:
        context = _context(request, publishable_key)
    except (NotFound, Unauthenticated):
        response = render(request, "chat/not_found.html", {"language": language}, status=404)
    else:
        response = render(request, "chat/page.html", {**context, "language": language})
        ancestors = context["frame_ancestors"] if context["is_embedded"] else ""
    sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    policy = CONTENT_SECURITY_POLICY.format(sockets=sockets)
    if ancestors:
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")
        # The older header knows no list, and would forbid it to all.
        response.xframe_options_exempt = True
    response["Content-Security-Policy"] = policy
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
def chat_code(request: HttpRequest, publishable_key: str) -> HttpResponse:
    """The page's link as a QR code, to be printed: an SVG picture, black on white with its quiet zone."""
    try:
        persona = _persona(publishable_key)
    except (NotFound, Unauthenticated):
        raise Http404 from None
    if persona.live_version_id is None:
        raise Http404
    picture = BytesIO()
    link = request.build_absolute_uri(persona.chat_path)
    segno.make_qr(link, error="m").save(picture, kind="svg", scale=8, border=4, light="white", xmldecl=False)
    response = HttpResponse(picture.getvalue(), content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'"
    response["Cache-Control"] = f"private, max-age={CODE_TTL_S}"
    return response


def _persona(publishable_key: str) -> Persona:
    """Raises NotFound, Unauthenticated."""
    tenant_id = parse_token(publishable_key, PUBLISHABLE).tenant_id
    with tenant_scope(tenant_id):
        return access_by_publishable_key(tenant_id, publishable_key)


def _context(request: HttpRequest, publishable_key: str) -> dict[str, Any]:
    tenant_id = parse_token(publishable_key, PUBLISHABLE).tenant_id
    with tenant_scope(tenant_id):
        persona = access_by_publishable_key(tenant_id, publishable_key)
        card = front(persona)
        return {
            "persona": card,
            "description": card["greeting"][:DESCRIPTION_CHARACTERS],
            "page_url": request.build_absolute_uri(persona.chat_path),
            "publishable_key": publishable_key,
            "session_url": f"/api/v1/public/{publishable_key}/sessions/",
            "reader_active": is_reader_active(persona),
            "is_embedded": request.GET.get("embed") == "1",
            "frame_ancestors": frame_ancestors(persona),
        }
