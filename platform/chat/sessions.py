"""Sessions: a signed token that lets one end user into one conversation, and nothing else."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from chat.errors import ConversationNotFound
from chat.models import ANONYMOUS, Conversation, EndUser
from personas.lookups import OnBehalf
from personas.models import Persona
from tenants.errors import Invalid, NotFound, Unauthenticated
from tenants.statements import Param, Select, insertion, write
from tenants.tokens import SESSION, Token, parse_token

# A visitor who comes back with an old token is known again for so long.
RETURN_WITHIN = timedelta(days=90)

_KNOWN: Select[EndUser] = Select(lambda: EndUser.objects.filter(external_id=Param("external_id")))


@dataclass(frozen=True)
class Session:
    """What a valid session token says."""

    tenant_id: UUID
    conversation_id: UUID
    expires_at: datetime
    # Whose rights the holder has besides, if he came signed in as a member.
    member_id: UUID | None = None
    # The key that opened it, whose limits and budgets its turns count against.
    key_id: UUID | None = None
    # Opened from a page with nothing but a publishable key: only pages of allowed sites may use it.
    is_public: bool = False

    @property
    def on_behalf(self) -> OnBehalf | None:
        return OnBehalf(member_id=self.member_id) if self.member_id else None


@dataclass(frozen=True)
class Opened:
    """A session just opened, with what its holder is told."""

    token: str
    expires_at: datetime
    conversation: Conversation


def open_session(
    *,
    persona: Persona,
    end_user_id: str,
    name: str = "",
    locale: str = "",
    conversation_id: UUID | None = None,
    ttl: timedelta | None = None,
    is_test: bool = False,
    member_id: UUID | None = None,
    key_id: UUID | None = None,
    is_public: bool = False,
) -> Opened:
    """Let an end user into a new conversation, or into one of his own with this persona.

    `member_id`: the member who he is, and in whose rights the persona may look things up. `key_id`: the key by which
    he is let in. `is_public`: by a publishable key alone.

    Raises ConversationNotFound for a conversation of somebody else, Invalid for a persona that never was
    published.
    """
    if persona.live_version_id is None and not is_test:
        raise Invalid.field("persona", _("This persona is not published; publish it first."))
    end_user = _end_user(end_user_id, name, locale)
    if conversation_id is None:
        conversation = Conversation(persona=persona, end_user=end_user, is_test=is_test)
        write(insertion(conversation))
    else:
        conversation = _own_conversation(conversation_id, persona, end_user)
    token, expires_at = session_token(
        conversation, ttl or settings.CHAT_SESSION_TTL, member_id, key_id, is_public=is_public
    )
    return Opened(token, expires_at, conversation)


def session_token(
    conversation: Conversation,
    ttl: timedelta,
    member_id: UUID | None = None,
    key_id: UUID | None = None,
    *,
    is_public: bool = False,
) -> tuple[str, datetime]:
    """A token for this conversation and when it ends."""
    expires_at = timezone.now() + ttl
    claims = {"c": conversation.pk.hex, "x": int(expires_at.timestamp())}
    if member_id:
        claims["m"] = member_id.hex
    if key_id:
        claims["k"] = key_id.hex
    if is_public:
        claims["p"] = 1
    return str(Token(SESSION, conversation.tenant_id, _signer(conversation.tenant_id).sign_object(claims))), expires_at


def read_session(text: str) -> Session:
    """Whose session this is. Raises Unauthenticated for a forged, foreign or expired token."""
    session = _read(text)
    if session.expires_at <= timezone.now():
        raise Unauthenticated(_("This session has expired; open a new one."))
    return session


def returning_conversation(text: str) -> UUID | None:
    """The conversation that an old token of ours was for, unless it is too old to mean anything."""
    try:
        session = _read(text)
    except Unauthenticated:
        return None
    return session.conversation_id if session.expires_at + RETURN_WITHIN > timezone.now() else None


def _read(text: str) -> Session:
    token = parse_token(text, SESSION)
    try:
        claims = _signer(token.tenant_id).unsign_object(token.secret)
        expires_at = datetime.fromtimestamp(claims["x"], tz=timezone.get_default_timezone())
        member_id = UUID(claims["m"]) if "m" in claims else None
        key_id = UUID(claims["k"]) if "k" in claims else None
        return Session(token.tenant_id, UUID(claims["c"]), expires_at, member_id, key_id, is_public="p" in claims)
    except (signing.BadSignature, KeyError, ValueError, TypeError):
        raise Unauthenticated from None


def _signer(tenant_id: UUID) -> signing.Signer:
    """The tenant is part of what is signed: a token with another tenant's id in front is a forged one.

    The separator is a dot, since a browser takes no colon in the name of a subprotocol.
    """
    return signing.Signer(salt=f"chat.session:{tenant_id.hex}", sep=".")


def _end_user(external_id: str, name: str, locale: str) -> EndUser:
    given = {"name": name, "locale": locale}
    end_user = _KNOWN.first(external_id=external_id)
    if end_user is None:
        end_user, _created = EndUser.objects.get_or_create(external_id=external_id, defaults=given)
    changes = {field: value for field, value in given.items() if value and getattr(end_user, field) != value}
    if changes:
        EndUser.objects.filter(pk=end_user.pk).update(**changes)
        for field, value in changes.items():
            setattr(end_user, field, value)
    return end_user


def _own_conversation(conversation_id: UUID, persona: Persona, end_user: EndUser) -> Conversation:
    own = Conversation.objects.filter(pk=conversation_id, persona=persona, end_user=end_user)
    conversation: Conversation | None = own.first()
    if conversation is None:
        raise ConversationNotFound
    return conversation


# --- Visitors of public bots
# ----------------------------------------------------------------------------------
def visitor_id(persona: Persona, end_user: dict[str, Any] | None) -> str:
    """A signed visitor's own id, or a new one for an anonymous visitor.

    Raises Unauthenticated for a bad signature.
    """
    if not end_user or not end_user.get("id"):
        return f"{ANONYMOUS}{uuid7().hex}"
    expected = hmac.new(persona.widget_secret.encode(), str(end_user["id"]).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), str(end_user.get("signature", "")).lower().encode()):
        raise Unauthenticated(_("The signature does not fit this end user's id."))
    return f"user-{end_user['id']}"


def returning_visitor(persona: Persona, old_token: str, conversation_id: UUID) -> EndUser:
    """The visitor who shows an old token of the conversation he asks for. Raises NotFound."""
    if not old_token or returning_conversation(old_token) != conversation_id:
        raise NotFound
    conversation = Conversation.objects.select_related("end_user").filter(pk=conversation_id, persona=persona).first()
    if conversation is None:
        raise NotFound
    end_user: EndUser = conversation.end_user
    return end_user
