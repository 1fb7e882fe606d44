"""The test chat beside a persona's form: the public chat page on the draft, in a frame of its own."""

from collections.abc import Collection
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_POST, require_safe

from chat.api.views import session_body
from chat.pages import CONTENT_SECURITY_POLICY
from chat.sessions import open_session
from chat.widget.card import front, is_reader_active, widget_card
from personas.access import access_persona, as_uuid
from personas.errors import KindNeedsWorld
from personas.kinds import kind_named
from personas.models import Persona
from tenants.adminsite.base import the_seat
from tenants.asynchronous import json_body
from tenants.models import Member, User


@require_safe
def try_view(request: HttpRequest, persona_id: UUID, *, allowed: Collection[str]) -> HttpResponse:
    """The chat page with the draft behind it, or `?as=widget` its widget. Only pages of ours may frame it."""
    persona = _draft(request, persona_id, allowed)
    if request.GET.get("as") == "widget":
        return _framed(
            request, "admin/chat/widget.html", {"card": widget_card(persona, is_test=True), "persona": persona}
        )
    context = {
        "persona": front(persona, is_test=True),
        # Under this name the browser remembers the test chat, apart from the public one.
        "publishable_key": f"draft-{persona.pk.hex}",
        "session_url": reverse("admin:chat_try_session", args=[persona.pk]),
        "reader_active": is_reader_active(persona, is_test=True),
        "language": get_language(),
    }
    return _framed(request, "admin/chat/try.html", context)


def _framed(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = TemplateResponse(request, template, context)
    sockets = f"{'wss' if request.is_secure() else 'ws'}://{request.get_host()}"
    policy = CONTENT_SECURITY_POLICY.format(sockets=sockets)
    response["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_POST
def session_view(request: HttpRequest, persona_id: UUID, *, allowed: Collection[str]) -> HttpResponse:
    """Open a test chat with the draft, or go on with one's own."""
    persona = _draft(request, persona_id, allowed)
    user = cast(User, request.user)
    body: dict[str, Any] = json_body(request)
    opened = open_session(
        persona=persona,
        end_user_id=f"member-{user.pk}",
        name=user.get_full_name() or user.email,
        locale=get_language() or "",
        conversation_id=as_uuid(str(body.get("conversation_id", ""))),
        is_test=True,
        member_id=_member_id(request),
    )
    return JsonResponse(session_body(opened, request), status=201)


def _member_id(request: HttpRequest) -> UUID | None:
    """None for an operator who helps out and is no member here."""
    user = cast(User, request.user)
    return Member.objects.for_tenant(the_seat(request).tenant).filter(user=user).values_list("pk", flat=True).first()


def _draft(request: HttpRequest, persona_id: UUID, allowed: Collection[str]) -> Persona:
    seat = the_seat(request)
    if seat.role not in allowed:
        raise PermissionDenied
    persona = access_persona(seat.tenant.pk, str(persona_id))
    if kind_named(persona.kind).needs_world:
        raise KindNeedsWorld
    return persona
