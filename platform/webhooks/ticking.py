"""What the clock does for webhooks each second: jobs for what is due, and the end of old deliveries.

As the relay, this looks across tenants at ids and times alone, and works in the scope of each tenant.
"""

import logging
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs.models import Job, Queue
from jobs.queueing import enqueue
from jobs.relay import every_second
from tenants.scope import tenant_scope
from webhooks.models import Delivery
from webhooks.sending import SEND

logger = logging.getLogger(__name__)

ENDPOINTS_AT_ONCE = 500
# What was told is what people said: kept as long as somebody may look for what went wrong.
KEPT_FOR = timedelta(days=30)
PRUNED_AT_ONCE = 500


@every_second
def send_what_is_due() -> None:
    """A job for each endpoint to which something is due, unless one is in line."""
    deliveries = Delivery.objects.using("system").due(timezone.now())
    in_line = Job.objects.using("system").unfinished().filter(kind=SEND, subject_id=OuterRef("endpoint_id"))
    idle = deliveries.filter(~Exists(in_line)).order_by().values_list("tenant_id", "endpoint_id").distinct()
    for tenant_id, endpoint_id in idle[:ENDPOINTS_AT_ONCE]:
        try:
            _enqueue(tenant_id, endpoint_id)
        except DatabaseError:
            logger.exception("What is due to webhook %s waits; it is tried again in a second", endpoint_id)


def _enqueue(tenant_id: UUID, endpoint_id: UUID) -> None:
    with tenant_scope(tenant_id):
        enqueue(tenant_id=tenant_id, kind=SEND, queue=Queue.WEBHOOKS, subject_id=endpoint_id)


@every_second
def prune() -> None:
    """Delete the oldest deliveries of long ago, whatever became of them."""
    old = Delivery.objects.using("system").filter(occurred_at__lt=timezone.now() - KEPT_FOR).order_by("occurred_at")
    found = sorted(old.values_list("tenant_id", "id")[:PRUNED_AT_ONCE])
    for tenant_id, rows in groupby(found, key=itemgetter(0)):
        try:
            with tenant_scope(tenant_id):
                Delivery.objects.for_tenant(tenant_id).filter(pk__in=[row_id for _, row_id in rows]).delete()
        except DatabaseError:
            logger.exception("Old deliveries of tenant %s stay; it is tried again in a second", tenant_id)
