"""Whose the village is."""

from django.conf import settings

from tenants.models import Tenant
from tenants.system import tenant_by_slug


def demo_tenant() -> Tenant | None:
    """The tenant that holds the worlds of the demo; None where it is not seeded."""
    slug = settings.PLAY_TENANT
    return tenant_by_slug(slug) if slug else None
