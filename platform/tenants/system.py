"""The few questions that are asked across tenants, on the `system` connection and with read rights only."""

from uuid import UUID

from tenants.models import Tenant


def all_tenants() -> list[Tenant]:
    """Every tenant by name, for an operator who is about to choose one."""
    return list(Tenant.objects.using("system").order_by("name"))


def tenant_by_slug(slug: str) -> Tenant | None:
    """The tenant with this slug, for commands that name one."""
    return Tenant.objects.using("system").filter(slug=slug).first()


def tenant_by_id(tenant_id: UUID) -> Tenant | None:
    return Tenant.objects.using("system").filter(pk=tenant_id).first()
