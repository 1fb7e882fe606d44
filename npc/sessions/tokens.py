"""Session tokens: signed, and good for one game session and nothing else."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from npc.models import GameSession
from tenants.errors import Unauthenticated
from tenants.tokens import SESSION, Token, parse_token

# A long evening; a game server opens the session again from a save, or asks for it with its key.
TTL = timedelta(hours=24)


class Admitted(NamedTuple):
    """What a valid token says."""

    tenant_id: UUID
    session_id: UUID
    expires_at: datetime
    # By whose key the player was let in: his turns count against its limits and budgets.
    key_id: UUID | None = None


def token_for(session: GameSession, key_id: UUID | None = None) -> tuple[str, datetime]:
    """A token for this session and when it ends."""
    expires_at = timezone.now() + TTL
    claims = {"g": session.pk.hex, "x": int(expires_at.timestamp())} | ({"k": key_id.hex} if key_id else {})
    return str(Token(SESSION, session.tenant_id, _signer(session.tenant_id).sign_object(claims))), expires_at


def read_token(text: str) -> Admitted:
    """Whose session this is. Raises Unauthenticated for a forged, foreign or expired token, and for one of a chat."""
    token = parse_token(text, SESSION)
    try:
        claims = _signer(token.tenant_id).unsign_object(token.secret)
        session_id = UUID(claims["g"])
        expires_at = datetime.fromtimestamp(claims["x"], tz=timezone.get_default_timezone())
        key_id = UUID(claims["k"]) if "k" in claims else None
    except (signing.BadSignature, KeyError, ValueError, TypeError):
        raise Unauthenticated from None
    if expires_at <= timezone.now():
        raise Unauthenticated(_("This session has expired; open a new one."))
    return Admitted(token.tenant_id, session_id, expires_at, key_id)


def _signer(tenant_id: UUID) -> signing.Signer:
    """The tenant is part of what is signed. A dot, since a browser takes no colon in a subprotocol."""
    return signing.Signer(salt=f"npc.session:{tenant_id.hex}", sep=".")
