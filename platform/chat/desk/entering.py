"""Who may come in at /desk/, and the pass by which a page's socket comes in.

A socket carries the browser's cookie wherever it is opened from, so three things let it in together: the session, the
page's own address as `Origin`, and a pass that only that page could fetch, for this session and tenant, a moment ago.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user
from django.core import signing
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from chat.handover.agents import HANDLERS, Agent, agent_of
from tenants.adminsite.seats import Seat, find_seat
from tenants.errors import Unauthenticated
from tenants.members import MemberPages
from tenants.models import Scope
from tenants.scope import tenant_scope

PASS_TTL_S = 60


def scopes_of(seat: Seat) -> frozenset[str]:
    return frozenset({Scope.CHAT, Scope.MANAGE} if seat.role in HANDLERS else ())


desk_pages = MemberPages(
    not_found="desk/not_found.html", scopes_of=scopes_of, seen_by=HANDLERS, has_sockets=True
)  # fmt: skip


def agent_in(seat: Seat) -> Agent:
    """Whoever sits here, as an agent. In the tenant's scope. An operator who helps out speaks in the tenant's name."""
    return agent_of(desk_pages.caller_in(seat))


# --- Passes -------------------------------------------------------------------------------------------------
def issue_pass(request: HttpRequest, tenant_id: UUID) -> str:
    """What lets one socket of this session in, within a minute."""
    session = _digest(request.session.session_key or "")
    claims = {"t": tenant_id.hex, "s": session, "x": int(time.time()) + PASS_TTL_S}
    return _signer().sign_object(claims)


@dataclass(frozen=True)
class Entrant:
    """Somebody who came in by a socket. `session_key` is kept to ask again whether he still may."""

    agent: Agent
    session_key: str

    @property
    def tenant_id(self) -> UUID:
        return self.agent.tenant_id


def let_in(scope: dict[str, Any], token: str) -> Entrant:
    """Who opens this socket. Raises Unauthenticated for whatever is not right about it. Outside any tenant's scope."""
    page = ASGIRequest({**scope, "method": "GET", "query_string": b""}, BytesIO())
    key = page.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not key or not _comes_from_us(page):
        raise Unauthenticated
    tenant_id = _read_pass(token, key)
    return Entrant(who_sits(key, tenant_id), key)


def who_sits(session_key: str, tenant_id: UUID) -> Agent:
    """The agent whose session this is, as long as he sits at this tenant's desk. Raises Unauthenticated."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request.user = get_user(request)
    seat = find_seat(request)
    if seat is None or seat.tenant.pk != tenant_id or seat.role not in HANDLERS:
        raise Unauthenticated
    with tenant_scope(tenant_id):
        return agent_in(seat)


def _comes_from_us(page: ASGIRequest) -> bool:
    """Browsers always say which page opens a socket, and a page cannot lie about it."""
    try:
        return urlsplit(page.headers.get("Origin", "")).netloc == page.get_host()
    except (DisallowedHost, ValueError):
        return False


def _read_pass(token: str, session_key: str) -> UUID:
    try:
        claims = _signer().unsign_object(token)
        is_good = claims["x"] > time.time() and hmac.compare_digest(claims["s"], _digest(session_key))
        tenant_id = UUID(claims["t"])
    except (signing.BadSignature, KeyError, ValueError, TypeError):
        raise Unauthenticated from None
    if not is_good:
        raise Unauthenticated
    return tenant_id


def _digest(session_key: str) -> str:
    return hashlib.sha256(session_key.encode()).hexdigest()


def _signer() -> signing.Signer:
    """The separator is a dot, since a browser takes no colon in the name of a subprotocol."""
    return signing.Signer(salt="chat.desk", sep=".")
