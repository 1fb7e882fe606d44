"""Jobs that are over are kept for some days, for whoever wants to know what was done, and then go.

As the relay, this looks across tenants at ids alone, and deletes in the scope of each tenant.
"""

import logging
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db import DatabaseError
from django.utils import timezone

from jobs.models import Job
from jobs.relay import every_second
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=7)
# In one second, so that a crowd of them holds up neither the clock nor the tables.
PRUNED_AT_ONCE = 500


@every_second
def prune() -> None:
    """Delete the oldest jobs that were done or cancelled long ago. Failed ones stay until a later one succeeded."""
    over = Job.objects.using("system").over_before(timezone.now() - KEPT_FOR).order_by("finished_at")
    found = sorted(over.values_list("tenant_id", "id")[:PRUNED_AT_ONCE])
    for tenant_id, rows in groupby(found, key=itemgetter(0)):
        try:
            _delete(tenant_id, [job_id for _, job_id in rows])
        except DatabaseError:
            logger.exception("Old jobs of tenant %s stay; it is tried again in a second", tenant_id)


def _delete(tenant_id: UUID, ids: list[UUID]) -> None:
    with tenant_scope(tenant_id):
        jobs = Job.objects.for_tenant(tenant_id)
        old = jobs.filter(pk__in=ids)
        # First, or nobody could tell any more that what failed is mended and must not run again.
        jobs.filter(status=Job.Status.FAILED).superseded_by(old).delete()
        old.delete()
