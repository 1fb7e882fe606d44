"""What is over goes after a week; what still says something stays."""

from datetime import timedelta

from django.utils import timezone

from jobs import pruning
from jobs.models import Job
from jobs.pruning import KEPT_FOR, prune
from tests.conftest import Business
from tests.jobs.conftest import change

LONG_AGO = timezone.now() - KEPT_FOR - timedelta(minutes=1)


def ended(parcels, business: Business, status: str, **fields) -> Job:
    job = parcels.put(business)
    change(job, status=status, **{"finished_at": LONG_AGO, **fields})
    return job


def left_of(business: Business) -> set[Job]:
    with business.scope():
        return set(Job.objects.all())


def test_jobs_that_ended_long_ago_go(acme, globex, parcels):
    for business in (acme, globex):
        ended(parcels, business, "done")
        ended(parcels, business, "cancelled")
    kept = {
        ended(parcels, acme, "failed"),
        ended(parcels, acme, "done", finished_at=timezone.now()),
        parcels.put(acme),
    }

    prune()

    assert left_of(acme) == kept
    assert left_of(globex) == set()


def test_a_failure_that_was_mended_goes_with_what_mended_it(acme, parcels):
    """Alone it would look as if it could still be run again."""
    failed = ended(parcels, acme, "failed", created_at=LONG_AGO - timedelta(hours=1))
    ended(parcels, acme, "done", subject_id=failed.subject_id)
    failed_since = ended(parcels, acme, "failed", subject_id=failed.subject_id)

    prune()

    assert left_of(acme) == {failed_since}


def test_a_crowd_goes_in_batches_the_oldest_first(acme, parcels, monkeypatch):
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 2)
    jobs = [ended(parcels, acme, "done", finished_at=LONG_AGO - timedelta(days=1000 - n)) for n in range(3)]

    prune()

    assert left_of(acme) == {jobs[2]}


def test_one_tenants_jobs_are_never_deleted_as_anothers(acme, globex, parcels):
    job = ended(parcels, acme, "done")

    pruning._delete(globex.id, [job.pk])

    assert left_of(acme) == {job}
