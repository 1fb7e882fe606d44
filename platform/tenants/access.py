"""An id from outside becomes a row, or the same failure for a neighbour's and for one that never was."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from tenants.base import TenantModel
from tenants.errors import NotFound

Row = TypeVar("Row", bound=TenantModel)


def access_row(
    model: type[Row], tenant_id: UUID, *, related: Sequence[str] = (), error: type[NotFound] = NotFound, **wanted: Any
) -> Row:
    """The tenant's row that is `wanted`, read together with what is `related`. Raises NotFound, or the error given."""
    rows = model.objects.for_tenant(tenant_id).filter(**wanted)
    row = (rows.select_related(*related) if related else rows).first()
    if row is None:
        raise error
    return cast(Row, row)
