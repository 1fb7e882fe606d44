"""Whether work gets done at all, for those who watch over the platform."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from jobs.models import Job

# Work may wait its turn; a queue in which nothing moves for this long has no worker.
STUCK_AFTER = timedelta(minutes=5)


def stuck_queues() -> list[str]:
    """Queues whose work is due for five minutes while none of it was begun. Across tenants, without counting."""
    now = timezone.now()
    jobs = Job.objects.using("system")
    stuck = set(jobs.waiting(now - STUCK_AFTER).values_list("queue", flat=True).distinct())
    if stuck:
        moves = Q(status=Job.Status.RUNNING, lease_until__gte=now) | Q(started_at__gte=now - STUCK_AFTER)
        stuck -= set(jobs.filter(moves).values_list("queue", flat=True).distinct())
    return sorted(stuck)
