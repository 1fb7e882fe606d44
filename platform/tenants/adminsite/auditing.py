"""Writing the audit log."""

import logging
from typing import Any, cast

from django.db import models
from django.http import HttpRequest

from tenants.adminsite.seats import seat_of
from tenants.models import AuditEntry, User

logger = logging.getLogger(__name__)


def audit(request: HttpRequest, action: str, obj: models.Model, *, changes: dict[str, Any] | None = None) -> None:
    """Remember in the tenant's log who did what to which row. `changes` names fields, never secrets."""
    if seat_of(request) is None:
        # An operator in no tenant: accounts are global and have no tenant's log.
        logger.info("%s: %s %s %s", request.user, action, obj._meta.label, obj.pk)
        return
    AuditEntry.objects.create(
        actor=cast(User, request.user),
        action=action,
        object_type=obj._meta.label_lower,
        object_id=str(obj.pk),
        object_name=str(obj)[:200],
        changes=changes or {},
    )
