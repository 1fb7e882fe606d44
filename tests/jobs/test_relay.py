"""The relay keeps the rows and the broker in step, and every tenant's share fair."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import Mock
from uuid import UUID

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from kombu.exceptions import EncodeError, OperationalError
from uuid_utils.compat import uuid7

from embedded.ports import random_free_port
from jobs.models import Job
from jobs.queueing import IN_FLIGHT_PER_TENANT, Message, enqueue, idle_queues, publish_next, send
from jobs.relay import LOST_AFTER, REPUBLISH_AFTER, TICK_S, mend, relay, tick_all
from jobs.running import FIRST_WAIT, run, take_back
from jobs.watching import STUCK_AFTER, stuck_queues
from tenants.scope import tenant_scope
from tests.jobs.conftest import KIND, QUEUE, as_it_is, change


def test_a_message_that_redis_lost_is_sent_again(acme, parcels):
    job = parcels.put(acme)
    relay()
    assert parcels.published_of(acme) == [job.pk], "it is not sent again while it may still be in line"

    change(job, published_at=timezone.now() - LOST_AFTER * 2)
    relay()

    assert parcels.published_of(acme) == [job.pk, job.pk]


def test_a_job_whose_process_died_before_it_told_the_broker_is_sent(acme, parcels, monkeypatch):
    job = parcels.put(acme)
    parcels.published.clear()
    monkeypatch.setattr("jobs.relay.LOST_AFTER", timedelta(hours=1))  # however long a busy machine takes
    change(job, published_at=None)

    relay()
    relay()

    assert parcels.published_of(acme) == [job.pk]


def test_an_abandoned_job_is_taken_back_and_done_by_another(acme, parcels):
    job = parcels.put(acme)
    with acme.scope():
        lost = Job.objects.claim(job.pk, worker="worker-1")
    parcels.published.clear()
    mend()
    assert as_it_is(job).status == Job.Status.RUNNING, "its lease still runs"

    change(job, lease_until=timezone.now() - timedelta(seconds=1))
    mend()
    change(job, available_at=timezone.now())  # it waits a little first
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
    change(job, max_attempts=2)
    for worker in ("worker-1", "worker-2"):
        change(job, available_at=timezone.now())
        relay()
        with acme.scope():
            assert Job.objects.claim(job.pk, worker=worker)
        change(job, lease_until=timezone.now() - timedelta(seconds=1))
        mend()
    relay()

    dead = as_it_is(job)
    assert (dead.status, dead.attempts, dead.error_code) == (Job.Status.FAILED, 2, "worker_died")
    assert parcels.failures == [(job.subject_id, "worker_died")]
    assert parcels.published_of(acme) == [job.pk, job.pk], "not a third time"


def test_a_job_that_is_taken_back_waits_longer_each_time(acme, parcels):
    job = parcels.put(acme)
    with acme.scope():
        Job.objects.claim(job.pk, worker="worker-1")
    change(job, attempts=3, lease_until=timezone.now() - timedelta(seconds=1))
    began = timezone.now()

    mend()

    waits = as_it_is(job)
    assert (waits.status, waits.attempts, waits.published_at) == (Job.Status.QUEUED, 3, None)
    assert 4 * FIRST_WAIT <= waits.available_at - began < 6 * FIRST_WAIT + timedelta(seconds=1)


def test_a_row_that_cannot_be_mended_keeps_no_other(acme, globex, parcels, monkeypatch):
    jobs = [parcels.put(acme), parcels.put(globex)]
    for job in jobs:
        with tenant_scope(job.tenant_id):
            Job.objects.claim(job.pk, worker="worker-1")
        change(job, lease_until=timezone.now() - timedelta(minutes=jobs.index(job) + 1))

    def fail_for_globex(*, tenant_id: UUID, job_id: UUID) -> None:
        if tenant_id == globex.id:
            raise RuntimeError
        take_back(tenant_id=tenant_id, job_id=job_id)

    monkeypatch.setattr("jobs.relay.take_back", fail_for_globex)
    mend()

    assert [as_it_is(job).status for job in jobs] == [Job.Status.QUEUED, Job.Status.RUNNING]


def test_a_row_that_somebody_holds_is_not_waited_for(acme, globex, parcels):
    """A worker that hangs in a transaction holds its job's row; the relay looks after the others meanwhile."""
    sent, lost = parcels.put(acme), parcels.put(acme)
    other = parcels.put(globex)
    with acme.scope():
        Job.objects.claim(lost.pk, worker="worker-1")
    change(lost, lease_until=timezone.now() - timedelta(seconds=1))
    for job in (sent, other):
        change(job, published_at=None)
    parcels.published.clear()

    with held_elsewhere(sent, lost):
        began = time.monotonic()
        relay()
        mend()
        assert time.monotonic() - began < 5
        assert parcels.published_of(acme, globex) == [other.pk]
    assert as_it_is(lost).status == Job.Status.RUNNING

    relay()
    mend()
    assert parcels.published_of(acme, globex) == [other.pk, sent.pk]
    assert as_it_is(lost).status == Job.Status.QUEUED


def test_tenants_that_wait_with_all_places_taken_hide_no_newcomer(open_business, parcels, monkeypatch):
    monkeypatch.setattr("jobs.relay.JOBS_AT_ONCE", 4)
    busy = [open_business(f"Busy{number}") for number in range(3)]
    for business in busy:
        for _ in range(IN_FLIGHT_PER_TENANT + 2):
            parcels.put(business)
    newcomer = open_business("Newcomer")
    job = parcels.put(newcomer)
    change(job, published_at=None)
    parcels.published.clear()

    relay()

    assert parcels.published_of(newcomer, *busy) == [job.pk]


def test_the_relay_reads_no_payloads(acme, parcels):
    huge = parcels.put(acme)
    change(huge, payload={"text": "x" * 5_000_000}, published_at=None)
    parcels.published.clear()

    with CaptureQueriesContext(connections["system"]) as asked:
        relay()

    assert parcels.published_of(acme) == [huge.pk]
    assert all('"payload"' not in query["sql"] for query in asked)


def test_ten_thousand_jobs_of_one_tenant_do_not_delay_anothers(acme, globex, parcels):
    with acme.scope():
        Job.objects.bulk_create(
            [Job(kind=KIND, queue=QUEUE, subject_id=uuid7()) for _ in range(10_000)], batch_size=2_000
        )
    one = parcels.put(globex)
    change(one, published_at=None)
    parcels.published.clear()

    began = time.monotonic()
    relay()

    assert time.monotonic() - began < TICK_S
    assert len(parcels.published_of(acme)) == IN_FLIGHT_PER_TENANT
    assert parcels.published_of(globex) == [one.pk]
    with acme.scope():
        Job.objects.filter(kind=KIND).delete()  # or every later look would pass over them


def test_a_message_that_just_waits_is_not_sent_twice(acme, parcels, monkeypatch):
    job = parcels.put(acme)
    monkeypatch.setattr("jobs.relay.idle_queues", lambda: ["embedding"])  # the broker still holds ours
    change(job, published_at=timezone.now() - LOST_AFTER * 2)
    relay()
    assert parcels.published_of(acme) == [job.pk]

    change(job, published_at=timezone.now() - REPUBLISH_AFTER * 2)
    relay()
    assert parcels.published_of(acme) == [job.pk, job.pk], "one of many may be lost too"


def test_the_broker_says_which_queues_are_empty():
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        broker.lpush("analytics", "a message")
        assert "analytics" not in idle_queues()
        broker.delete("analytics")
    assert "analytics" in idle_queues()


def test_a_broker_that_is_away_holds_nothing_that_we_know_of(settings):
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{random_free_port()}/0"
    assert idle_queues() == []


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
    with acme.scope():
        Job.objects.claim(crowd[0].pk, worker="worker-1")
    for job in crowd[1:]:
        change(job, published_at=None)
    parcels.published.clear()

    relay()
    relay()

    assert parcels.published_of(acme) == [job.pk for job in crowd[1:IN_FLIGHT_PER_TENANT]]


@pytest.mark.parametrize("failure", [RuntimeError, SystemExit])
def test_one_tick_that_fails_does_not_keep_the_others(failure, monkeypatch):
    def fail() -> None:
        raise failure

    ticked: list[bool] = []
    monkeypatch.setattr("jobs.relay._ticks", [fail, lambda: ticked.append(True)])

    tick_all()

    assert ticked == [True]


def test_a_broker_that_is_away_fails_no_request(acme, monkeypatch):
    be_away = Mock(side_effect=OperationalError("no broker"))
    monkeypatch.setattr(current_app, "send_task", be_away)
    with acme.scope():
        job = enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=uuid7())

    be_away.assert_called_once()
    assert as_it_is(job).status == Job.Status.QUEUED


def test_a_job_of_which_no_message_can_be_made_is_set_aside(acme, globex, parcels, monkeypatch):
    """Its subject is told, and those behind it in line go."""
    broken, odd, fine = parcels.put(acme), parcels.put(acme), parcels.put(globex)
    sent = []

    def send_task(name: str, *, args: tuple[str, str], **_: object) -> None:
        if args[1] == str(broken.pk):
            raise EncodeError("not JSON")
        if args[1] == str(odd.pk):
            raise RuntimeError("the broker is full")
        sent.append(args[1])

    monkeypatch.setattr(current_app, "send_task", send_task)
    send([Message(job.tenant_id, job.pk, job.queue, job.kind) for job in (broken, odd, fine)])

    assert sent == [str(fine.pk)]
    assert (as_it_is(broken).status, as_it_is(broken).error_code) == (Job.Status.FAILED, "unpublishable")
    assert parcels.failures == [(broken.subject_id, "unpublishable")]
    assert as_it_is(odd).status == Job.Status.QUEUED, "that may pass: the relay tries again"


def test_a_queue_in_which_nothing_moves_is_noticed(acme, globex, parcels):
    job, other = parcels.put(acme), parcels.put(globex)
    for parcel in (job, other):
        change(parcel, queue="pigeons")  # where no other test works
    assert "pigeons" not in stuck_queues()

    change(job, available_at=timezone.now() - STUCK_AFTER * 2)
    assert "pigeons" in stuck_queues()

    with globex.scope():
        Job.objects.claim(other.pk, worker="worker-1")
    assert "pigeons" not in stuck_queues(), "somebody works on it"


def test_health_names_queues_that_are_stuck_and_stays_ready(monkeypatch):
    for stuck, said in (["embedding", "memory"], "stuck: embedding, memory"), ([], "ok"):
        monkeypatch.setattr("config.health.stuck_queues", lambda stuck=stuck: stuck)
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["jobs"]) == (200, said)


@contextmanager
def held_elsewhere(*jobs: Job) -> Iterator[None]:
    """Another process has these rows in a transaction that does not end."""
    stop, held = threading.Event(), threading.Event()

    def hold() -> None:
        with tenant_scope(jobs[0].tenant_id):
            list(Job.objects.filter(pk__in=[job.pk for job in jobs]).select_for_update())
            held.set()
            stop.wait(20)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)
    try:
        yield
    finally:
        stop.set()
        thread.join()
