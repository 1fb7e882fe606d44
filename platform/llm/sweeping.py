"""Releases what was reserved by those who never came back: their process died, or their turn was never begun."""

import logging
import time
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs.relay import every_second
from llm.budgets import Account, release
from llm.models import LedgerEntry
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

SWEEP_EVERY_S = 30.0
# No turn takes so long, and none is looked for after that.
STALE_AFTER, FORGOTTEN_AFTER = timedelta(minutes=15), timedelta(days=2)
AT_ONCE = 1_000
_last_sweep = -SWEEP_EVERY_S


@every_second
def sweep_now_and_then() -> None:
    global _last_sweep
    if time.monotonic() - _last_sweep >= SWEEP_EVERY_S:
        _last_sweep = time.monotonic()
        release_stale()


def release_stale(now: datetime | None = None) -> int:
    """Release old reservations that nobody closed; how many. Reads ids across tenants, works in each one's scope."""
    now = now or timezone.now()
    ledger = LedgerEntry.objects.using("system")
    same = {name: OuterRef(name) for name in ("tenant_id", "reference", "budget_id")}
    closed = ledger.filter(**same).exclude(kind=LedgerEntry.Kind.RESERVE)
    stale = ledger.filter(kind=LedgerEntry.Kind.RESERVE, at__gt=now - FORGOTTEN_AFTER, at__lt=now - STALE_AFTER)
    found = stale.exclude(Exists(closed)).order_by().values_list("tenant_id", "reference").distinct()[:AT_ONCE]
    return sum(_release(tenant_id, reference) for tenant_id, reference in found)


def _release(tenant_id: UUID, reference: UUID) -> bool:
    try:
        with tenant_scope(tenant_id):
            release(reference, Account(tenant_id))
    except Exception:  # the others' are released all the same, and this one is tried again
        logger.exception("Reservation %s could not be released", reference)
        return False
    return True
