"""Who is calling: shared by REST views, streaming views and sockets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.errors import ScopeMissing, Unauthenticated
from tenants.models import ApiKey
from tenants.scope import tenant_scope
from tenants.statements import Param, Select
from tenants.tokens import API_KEY, parse_token

LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True)
class Caller:
    """A server that showed a valid API key; or, where pages of members ask the same views, whoever is signed in.

    The latter has no key, but is a member; or neither, when an operator helps out.
    """

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    key_id: UUID | None
    key_prefix: str
    scopes: frozenset[str]
    expires_at: datetime | None
    member_id: UUID | None = None

    # What DRF asks of a user.
    is_authenticated = True

    def require(self, scope: str) -> None:
        """Raise ScopeMissing unless the key has this scope."""
        if scope not in self.scopes:
            raise ScopeMissing(_("This key lacks the scope «%(scope)s».") % {"scope": scope})


def bearer(header: str | None) -> str:
    """The token of an `Authorization` header. Raises Unauthenticated."""
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated
    return token.strip()


def authenticate(header: str | None) -> Caller:
    """The caller behind an `Authorization` header. Enters the tenant's scope by itself. Raises Unauthenticated."""
    token = parse_token(bearer(header), API_KEY)
    with tenant_scope(token.tenant_id):
        key = _KEY.first(tenant_id=token.tenant_id, digest=token.digest)
        now = timezone.now()
        if key is None or not key.is_valid_at(now):
            raise Unauthenticated
        _note_use(key, now)
        return Caller(
            tenant_id=key.tenant_id,
            tenant_slug=key.tenant.slug,
            tenant_name=key.tenant.name,
            key_id=key.pk,
            key_prefix=key.prefix,
            scopes=frozenset(key.scopes),
            expires_at=key.expires_at,
        )


def _note_use(key: ApiKey, now: datetime) -> None:
    before = now - LAST_USED_STEP
    if key.last_used_at is None or key.last_used_at < before:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


# Every call asks for it, so its SQL is written once.
_KEY: Select[ApiKey] = Select(
    lambda: (
        ApiKey.objects.select_related("tenant").filter(tenant_id=Param("tenant_id"), digest=Param("digest")).order_by()
    )
)
