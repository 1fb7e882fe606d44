"""Dead jobs are seen by those whose they are, and by the operator who has entered; both may run them again."""

import pytest
from django.utils.translation import override
from uuid_utils.compat import uuid7

from jobs.models import Job
from jobs.queueing import enqueue
from tenants.errors import NotFound
from tenants.models import AuditEntry
from tests.conftest import Business

JOBS = "/admin/jobs/job/"
KIND = "tests.parcel"


def bury(business: Business, *, code: str = "worker_died", detail: str = "It died each time.") -> Job:
    """A job of the business that failed for good."""
    with business.scope():
        job = enqueue(
            tenant_id=business.id, kind=KIND, queue="memory", subject_id=uuid7(), payload={"to": business.tenant.name}
        )
        Job.objects.filter(pk=job.pk).update(status="failed", attempts=5, error_code=code, error_detail=detail)
        job.refresh_from_db()
    return job


def jobs_of(business: Business) -> list[tuple[str, str]]:
    with business.scope():
        return sorted((job.status, str(job.subject_id)) for job in Job.objects.all())


def test_an_operator_who_entered_sees_dead_jobs_and_runs_them_again(olga, acme, globex):
    dead, other = bury(acme), bury(globex, detail="Globex's own trouble.")
    assert olga.client.get(JOBS).headers["Location"] == "/admin/choose/"
    assert olga.client.post(f"{JOBS}{dead.pk}/again/").headers["Location"] == "/admin/choose/"
    assert jobs_of(acme) == [("failed", str(dead.subject_id))]

    olga.enters(acme)
    page = olga.sees(JOBS, status__exact="failed").content.decode()
    assert "It died each time." in page
    assert str(dead.pk) in page
    assert str(other.pk) not in page
    assert "Globex" not in page
    assert "worker_died" in olga.sees(f"{JOBS}{dead.pk}/change/").content.decode()
    assert olga.client.get(f"{JOBS}{other.pk}/change/").status_code == 404
    assert olga.posts(f"{JOBS}{other.pk}/again/").status_code == 404

    assert olga.posts(f"{JOBS}{dead.pk}/again/").status_code == 302
    subject = str(dead.subject_id)
    assert jobs_of(acme) == [("failed", subject), ("queued", subject)], "the dead one stays as a record"
    assert jobs_of(globex) == [("failed", str(other.subject_id))]
    with acme.scope():
        again = Job.objects.get(status="queued")
        assert (again.kind, again.payload, again.attempts) == (KIND, {"to": "Acme"}, 0)
        entry = AuditEntry.objects.get(action="run_again")
        assert (entry.actor, entry.object_id) == (olga.user, str(dead.pk))


def test_alice_sees_her_own_dead_jobs_and_mallory_nothing_of_them(alice, acme, globex, hire):
    dead = bury(acme)
    mallory = hire(globex, name="mallory")
    assert str(dead.pk) in alice.sees(JOBS).content.decode()

    page = mallory.sees(JOBS).content.decode()
    assert str(dead.pk) not in page
    assert "It died" not in page
    assert mallory.client.get(f"{JOBS}{dead.pk}/change/").status_code == 404
    assert mallory.posts(f"{JOBS}{dead.pk}/again/").status_code == 404
    assert jobs_of(acme) == [("failed", str(dead.subject_id))]


@pytest.mark.parametrize("who", ["edda", "arno", "vera"])
def test_who_does_not_own_the_place_sees_no_jobs(who, acme, request):
    dead, worker = bury(acme), request.getfixturevalue(who)

    assert worker.client.get(JOBS).status_code == 403
    assert worker.client.get(f"{JOBS}{dead.pk}/change/").status_code == 403
    assert worker.posts(f"{JOBS}{dead.pk}/again/").status_code == 403
    assert jobs_of(acme) == [("failed", str(dead.subject_id))]


def test_what_was_done_since_cannot_run_again(alice, acme):
    """An old failure would undo or repeat what a newer job has done."""
    dead = bury(acme)
    button = f'action="{JOBS}{dead.pk}/again/"'
    assert button in alice.sees(f"{JOBS}{dead.pk}/change/").content.decode()

    assert alice.posts(f"{JOBS}{dead.pk}/again/").status_code == 302
    with acme.scope():
        Job.objects.filter(status="queued").update(status="done")

    assert button not in alice.sees(f"{JOBS}{dead.pk}/change/").content.decode()
    assert alice.posts(f"{JOBS}{dead.pk}/again/").status_code == 409
    assert [status for status, _subject in jobs_of(acme)] == ["done", "failed"]


def test_the_reason_is_told_in_the_readers_language(alice, acme):
    with override("en"):
        written = str(NotFound.default_detail)  # as a worker writes it
    with override("zh-hans"):
        translated = str(NotFound.default_detail)
    dead = bury(acme, code="not_found", detail=written)
    alice.client.cookies["django_language"] = "zh-hans"

    for path in (JOBS, f"{JOBS}{dead.pk}/change/"):
        page = alice.sees(path).content.decode()
        assert translated in page
        assert written not in page
