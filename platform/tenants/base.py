"""What every tenant-owned model is made of."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from uuid_utils.compat import uuid7

from tenants.scope import current_tenant_id


class TenantQuerySet(models.QuerySet[Any]):
    """Brings `for_tenant`. The policies hold without it; naming the tenant lets PostgreSQL skip partitions."""

    def for_tenant(self, tenant: "models.Model | UUID") -> Self:
        return self.filter(tenant_id=tenant if isinstance(tenant, UUID) else tenant.pk)


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A foreign key between two rows of one tenant.

    Its constraint is not Django's: `IsolateTenantTables` makes `(tenant_id, x_id) → (tenant_id, id)`, since a
    plain foreign key is checked past row-level security and would let a row point at a neighbour's.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["db_constraint"]
        return name, path, list(args), dict(kwargs)


class OwnTenant(models.ForeignKey[Any, Any]):
    """The tenant that a row belongs to: unless said otherwise, the one whose scope we are in.

    Constraint and cascade are made by IsolateTenantTables, so that a delete reaches down without Django.
    """

    def __init__(self, *_: Any, **kwargs: Any) -> None:
        kwargs |= {"to": "tenants.Tenant", "on_delete": models.CASCADE, "db_constraint": False, "related_name": "+"}
        super().__init__(**{"editable": False, "db_index": False, **kwargs})

    def get_default(self) -> UUID | None:
        return current_tenant_id()

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignKey", list(args), dict(kwargs)


class TenantModel(models.Model):
    """A row that belongs to one tenant. Its migration ends with `tenants.rls.IsolateTenantTables`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = OwnTenant()

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        abstract = True
