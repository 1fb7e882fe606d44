"""The relay keeps the rows and the broker in step, and every tenant's share fair."""

from datetime import timedelta

from django.utils import timezone
from kombu.exceptions import OperationalError
from uuid_utils.compat import uuid7

from jobs.models import REPUBLISH_AFTER, Job
from jobs.queueing import IN_FLIGHT_PER_TENANT, enqueue, publish_next
from jobs.relay import relay, tick_all
from jobs.running import run
from jobs.tasks import run_job
from tests.jobs.conftest import KIND, QUEUE, as_it_is, change


def test_a_message_that_redis_lost_is_sent_again(acme, parcels):
    job = parcels.put(acme)
    relay()
    assert parcels.published_of(acme) == [job.pk], "it is not sent again while it may still be in line"

    change(job, published_at=timezone.now() - REPUBLISH_AFTER * 2)
    relay()

    assert parcels.published_of(acme) == [job.pk, job.pk]


def test_a_job_whose_process_died_before_it_told_the_broker_is_sent(acme, parcels):
    job = parcels.put(acme)
    parcels.published.clear()
    change(job, published_at=None)

    relay()
    relay()

    assert parcels.published_of(acme) == [job.pk]


def test_an_abandoned_job_is_taken_back_and_done_by_another(acme, parcels):
    job = parcels.put(acme)
    with acme.scope():
        lost = Job.objects.claim(job.pk, worker="worker-1")
    parcels.published.clear()
    relay()
    assert as_it_is(job).status == Job.Status.RUNNING, "its lease still runs"

    change(job, lease_until=timezone.now() - timedelta(seconds=1))
    relay()
    assert parcels.published_of(acme) == [job.pk]
    run(tenant_id=acme.id, job_id=job.pk, worker="worker-2")

    assert parcels.sent == [job.subject_id]
    done = as_it_is(job)
    assert (done.status, done.worker, done.attempts) == (Job.Status.DONE, "worker-2", 2)
    with acme.scope():
        assert not lost.settle(status=Job.Status.FAILED)
    assert as_it_is(job).status == Job.Status.DONE


def test_a_job_that_takes_every_worker_along_is_given_up(acme, parcels):
    job = parcels.put(acme)
    for worker in ("worker-1", "worker-2"):
        change(job, max_attempts=2)
        with acme.scope():
            assert Job.objects.claim(job.pk, worker=worker)
        change(job, lease_until=timezone.now() - timedelta(seconds=1))
        relay()

    dead = as_it_is(job)
    assert (dead.status, dead.attempts, dead.error_code) == (Job.Status.FAILED, 2, "gave_up")
    assert parcels.failures == [(job.subject_id, "gave_up")]
    assert parcels.published_of(acme) == [job.pk, job.pk], "not a third time"


def test_a_crowd_hides_nobody_elses_next_try(acme, globex, parcels, monkeypatch):
    monkeypatch.setattr("jobs.relay.JOBS_AT_ONCE", 100)
    crowd = [parcels.put(acme) for _ in range(110)]
    one = parcels.put(globex)
    for job in (*crowd, one):
        change(job, published_at=None)  # as after a failure that may pass
    parcels.published.clear()

    relay()

    assert set(parcels.published_of(acme, globex)) == {*(job.pk for job in crowd[:IN_FLIGHT_PER_TENANT]), one.pk}


def test_the_third_job_of_a_tenant_waits_while_a_neighbours_goes(acme, globex, parcels):
    crowd = [parcels.put(acme) for _ in range(IN_FLIGHT_PER_TENANT + 3)]
    one = parcels.put(globex)
    relay()

    assert parcels.published_of(acme, globex) == [*(job.pk for job in crowd[:IN_FLIGHT_PER_TENANT]), one.pk]

    run(tenant_id=acme.id, job_id=crowd[0].pk, worker="worker-1")
    publish_next(acme.id, QUEUE)

    assert parcels.published_of(acme)[IN_FLIGHT_PER_TENANT:] == [crowd[IN_FLIGHT_PER_TENANT].pk]


def test_the_relay_too_keeps_to_the_share(acme, parcels):
    crowd = [parcels.put(acme) for _ in range(IN_FLIGHT_PER_TENANT + 3)]
    for job in crowd:
        change(job, published_at=None)
    parcels.published.clear()

    relay()

    assert parcels.published_of(acme) == [job.pk for job in crowd[:IN_FLIGHT_PER_TENANT]]


def test_one_tick_that_fails_does_not_keep_the_others(acme, parcels, monkeypatch):
    def fail() -> None:
        raise RuntimeError

    ticked: list[bool] = []
    monkeypatch.setattr("jobs.relay._ticks", [fail, lambda: ticked.append(True)])

    tick_all()

    assert ticked == [True]


def test_a_broker_that_is_away_fails_no_request(acme, monkeypatch):
    def be_away(**_: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(run_job, "apply_async", be_away)
    with acme.scope():
        job = enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=uuid7())

    assert as_it_is(job).status == Job.Status.QUEUED
