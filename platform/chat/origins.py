"""Which sites may show a persona: their pages' origins, on requests and on sockets alike."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from personas.models import ANY_ORIGIN, Persona
from tenants.errors import PlatformError


class OriginNotAllowed(PlatformError):
    code = "origin_not_allowed"
    status = 403
    default_detail = _("This site may not open chats with this persona; its owner can allow it.")


def check_origin(persona: Persona, origin: str, host: str) -> None:
    """Raises OriginNotAllowed unless a page's origin is that of `host`, ours, or allowed; empty: it is no page.

    Whole origins are compared, so that neither a subdomain nor a name that begins or ends alike passes.
    """
    is_own = origin.partition("://")[2] == host  # whichever scheme a proxy speaks to us
    if origin and not is_own and not persona.allows_origin(origin):
        raise OriginNotAllowed


def header_of(scope: Any, name: bytes) -> str:
    """A header of a socket's request; empty if it is not there."""
    return next((value.decode("latin-1") for key, value in scope.get("headers", []) if key == name), "")


def frame_ancestors(persona: Persona) -> str:
    """Who may hold our page in a frame, as a content security policy says it."""
    # A policy knows no addresses in brackets, and would be refused as a whole.
    origins = [origin for origin in persona.allowed_origins if "[" not in origin]
    return " ".join(["'self'", *(["*"] if ANY_ORIGIN in origins else origins)])
