"""New tenants, members and keys."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.errors import Conflict, Invalid
from tenants.models import ApiKey, Member, Scope, Tenant, User
from tenants.scope import tenant_scope
from tenants.tokens import API_KEY, Token, mint

# Long enough to roll a new key out to every server, short enough that the old one is not forgotten.
ROTATION_OVERLAP = timedelta(days=7)


def create_tenant(*, name: str, slug: str = "") -> Tenant:
    """A new, empty tenant. Its scope is entered before its row is there. Raises Conflict for a slug in use."""
    tenant = Tenant(id=uuid7(), name=name, slug=slug or slugify(name)[:50] or f"t-{uuid7().hex[-12:]}")
    try:
        with tenant_scope(tenant.pk), transaction.atomic():
            tenant.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("There is a tenant with this slug already; choose another one.")) from None
    return tenant


def add_member(*, tenant: Tenant, email: str, role: str = Member.Role.OWNER, password: str | None = None) -> Member:
    """Give a person a place in the tenant; a person who is not known yet gets an account."""
    with tenant_scope(tenant):
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            user = User.objects.create_user(email, password, is_staff=True)
        elif not user.is_staff:
            User.objects.filter(pk=user.pk).update(is_staff=True)
        member, _created = Member.objects.update_or_create(tenant=tenant, user=user, defaults={"role": role})
        return member


def issue_key(
    *, tenant: Tenant, scopes: Iterable[str], name: str = "", ttl: timedelta | None = None
) -> tuple[ApiKey, Token]:
    """A new API key and its token, which is shown once and not kept. Raises Invalid for an unknown scope."""
    wanted = list(dict.fromkeys(scopes))
    if unknown := [scope for scope in wanted if scope not in Scope.values]:
        raise Invalid.field(
            "scopes",
            _("Unknown: %(unknown)s. Known: %(known)s.")
            % {"unknown": ", ".join(unknown), "known": ", ".join(Scope.values)},
        )
    token = mint(API_KEY, tenant.pk)
    with tenant_scope(tenant):
        key = ApiKey.objects.create(
            tenant=tenant,
            name=name,
            prefix=token.prefix,
            digest=token.digest,
            scopes=wanted,
            expires_at=timezone.now() + ttl if ttl else None,
        )
    return key, token


def rotate_key(*, key: ApiKey, overlap: timedelta = ROTATION_OVERLAP) -> tuple[ApiKey, Token]:
    """A successor with the same name and scopes. The old key stays valid for `overlap`, then expires."""
    with tenant_scope(key.tenant_id):
        successor, token = issue_key(tenant=key.tenant, scopes=key.scopes, name=key.name)
        ends = timezone.now() + overlap
        if key.expires_at is None or key.expires_at > ends:
            key.expires_at = ends
            key.save(update_fields=["expires_at"])
        return successor, token


def revoke_key(key: ApiKey) -> None:
    """End a key at once."""
    with tenant_scope(key.tenant_id):
        ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
