"""Where a signed-in user works in the admin, and as what."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest

from tenants.models import Member, Tenant, User
from tenants.scope import user_scope
from tenants.system import tenant_by_id

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

# The session's name for the tenant that was chosen.
CHOICE = "admin_tenant"


@dataclass(frozen=True)
class Seat:
    """One tenant, and the role its user has there. An operator has all rights of an owner."""

    tenant: Tenant
    role: str
    is_operator: bool = False
    # An operator is no member.
    member_id: UUID | None = None


def seat_of(request: HttpRequest) -> Seat | None:
    """The seat that the middleware found for this request, or None before one is chosen."""
    return getattr(request, "seat", None)


def memberships_of(user: User) -> list[Member]:
    """The user's own memberships with their tenants, by name. Outside any tenant's scope."""
    with user_scope(user.pk):
        return list(Member.objects.filter(user=user).select_related("tenant").order_by("tenant__name"))


def find_seat(request: HttpRequest) -> Seat | None:
    """The tenant that was chosen, if it still may be; a member of one tenant need not choose.

    Asked anew with each request, so that a member who was removed is out at once.
    """
    user: User | AnonymousUser = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    chosen = _chosen(request)
    if user.is_superuser:
        tenant = tenant_by_id(chosen) if chosen else None
        return Seat(tenant, Member.Role.OWNER, is_operator=True) if tenant else None
    memberships = memberships_of(user)
    if chosen is None and len(memberships) == 1:
        return _seat(memberships[0])
    return next((_seat(member) for member in memberships if member.tenant_id == chosen), None)


def take_seat(request: HttpRequest, tenant_id: UUID) -> Seat | None:
    """Remember a choice for the session. None, and nothing changes, if it is not the user's to make."""
    before = request.session.get(CHOICE)
    request.session[CHOICE] = tenant_id.hex
    seat = find_seat(request)
    if seat is None:
        request.session[CHOICE] = before
    return seat


def leave_seat(request: HttpRequest) -> None:
    request.session.pop(CHOICE, None)


def _seat(member: Member) -> Seat:
    return Seat(member.tenant, member.role, member_id=member.pk)


def _chosen(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.session.get(CHOICE) or "")
    except ValueError:
        return None
