"""Work that is put in line, done once, tried again, given up or called off."""

import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

from jobs.handlers import Again, Limits, RetryLater, Run, Stopped
from jobs.models import Job
from jobs.queueing import cancel, enqueue, queue_position
from jobs.relay import mend
from jobs.running import FIRST_WAIT, TRIES_TO_TELL, run
from tenants.errors import PlatformError
from tests.jobs.conftest import KIND, QUEUE, as_it_is, change


class NoCourier(PlatformError):
    code = "no_courier"
    status = 503
    default_detail = "Nobody came for the parcel."


def refuse(run: Run) -> None:
    raise NoCourier


def work(job: Job, worker: str = "worker-1") -> None:
    run(tenant_id=job.tenant_id, job_id=job.pk, worker=worker)


def test_a_job_is_done_and_says_so(acme, parcels):
    job = parcels.put(acme)

    work(job)

    done = as_it_is(job)
    assert (done.status, done.attempts, done.worker) == (Job.Status.DONE, 1, "worker-1")
    assert done.finished_at is not None
    assert parcels.sent == [job.subject_id]


def test_what_is_rolled_back_was_never_in_line(acme, parcels):
    with acme.scope():
        job = enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=acme.id)
        transaction.set_rollback(True)

    assert parcels.published_of(acme) == []
    with acme.scope():
        assert not Job.objects.filter(pk=job.pk).exists()


def test_the_broker_hears_of_a_job_after_the_commit(acme, parcels):
    with acme.scope():
        job = enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=acme.id)
        assert parcels.published_of(acme) == []

    assert parcels.published_of(acme) == [job.pk]


def test_a_subject_waits_in_line_once(acme, parcels):
    with acme.scope():
        first, second = [enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=acme.id) for _ in range(2)]

    assert first.pk == second.pk
    assert parcels.published_of(acme) == [first.pk]


def test_a_message_that_comes_twice_does_the_work_once(acme, parcels):
    job = parcels.put(acme)

    work(job, "worker-1")
    work(job, "worker-2")

    assert parcels.sent == [job.subject_id]
    assert as_it_is(job).worker == "worker-1"


def test_only_one_of_two_workers_gets_a_job(acme, parcels):
    job = parcels.put(acme)

    with acme.scope():
        first = Job.objects.claim(job.pk, worker="worker-1")
        second = Job.objects.claim(job.pk, worker="worker-2")

    assert (first.worker, first.fence) == ("worker-1", 1)
    assert second is None


def test_a_worker_that_lost_its_lease_writes_nothing(acme, parcels):
    job = parcels.put(acme)

    def be_slow(slow: Run) -> None:
        change(job, status=Job.Status.QUEUED, lease_until=None)  # as the relay does when a lease runs out
        with acme.scope():
            assert Job.objects.claim(job.pk, worker="worker-2")
        slow.check_in()
        parcels.sent.append(slow.subject_id)

    parcels.handle = be_slow
    work(job, "worker-1")

    now = as_it_is(job)
    assert parcels.sent == []
    assert (now.status, now.worker, now.fence) == (Job.Status.RUNNING, "worker-2", 2)


def test_a_worker_that_ends_after_it_lost_its_lease_settles_nothing(acme, parcels):
    job = parcels.put(acme)

    def never_look_up(slow: Run) -> None:
        change(job, fence=7)

    parcels.handle = never_look_up
    work(job)

    assert as_it_is(job).status == Job.Status.RUNNING


def test_failures_that_may_pass_are_tried_again_later_and_later(acme, parcels):
    def fail(run: Run) -> None:
        raise RetryLater(NoCourier())

    parcels.handle = fail
    job = parcels.put(acme)
    waits = []
    for _ in range(4):
        change(job, available_at=timezone.now())
        began = timezone.now()
        work(job)
        waits.append((as_it_is(job).available_at - began) / FIRST_WAIT)

    # Up to half of it more, so that what failed together does not come back together.
    for at_least, wait in zip((1, 2, 4, 8), waits, strict=True):
        assert at_least <= wait < 1.5 * at_least + 0.5
    assert as_it_is(job).status == Job.Status.QUEUED
    assert parcels.failures == []

    change(job, available_at=timezone.now())
    work(job)

    dead = as_it_is(job)
    assert (dead.status, dead.attempts, dead.error_code) == (Job.Status.FAILED, 5, "no_courier")
    assert dead.error_detail == "Nobody came for the parcel."
    assert parcels.failures == [(job.subject_id, "no_courier")]


def test_a_job_that_waits_for_its_next_try_is_not_done_early(acme, parcels):
    job = parcels.put(acme, delay=timedelta(minutes=1))

    work(job)

    assert parcels.sent == []
    assert parcels.published_of(acme) == []


def test_a_failure_that_cannot_pass_is_final_at_once(acme, parcels):
    def fail(run: Run) -> None:
        raise NoCourier

    parcels.handle = fail
    job = parcels.put(acme)
    work(job)

    assert (as_it_is(job).status, as_it_is(job).attempts) == (Job.Status.FAILED, 1)
    assert parcels.failures == [(job.subject_id, "no_courier")]


def test_work_that_takes_too_long_is_broken_off_and_says_so(acme, parcels):
    def dawdle(run: Run) -> None:
        raise SoftTimeLimitExceeded  # as Celery does inside the handler

    parcels.handle = dawdle
    job = parcels.put(acme)
    work(job)
    assert (as_it_is(job).status, as_it_is(job).attempts) == (Job.Status.QUEUED, 1)

    change(job, available_at=timezone.now(), attempts=4)
    work(job)

    assert (as_it_is(job).status, as_it_is(job).error_code) == (Job.Status.FAILED, "took_too_long")
    assert parcels.failures == [(job.subject_id, "took_too_long")]


def test_no_heartbeat_holds_a_job_beyond_its_time(acme, parcels):
    def check_in_for_ever(run: Run) -> None:
        change(job, started_at=timezone.now() - timedelta(hours=1))
        late = replace(run, job=as_it_is(job))
        late.check_in()
        assert as_it_is(job).lease_until == late.ends_at < timezone.now()
        mend()
        late.check_in()
        parcels.sent.append(run.subject_id)

    parcels.handle = check_in_for_ever
    job = parcels.put(acme)
    change(job, max_attempts=1)
    work(job)

    assert parcels.sent == []
    assert (as_it_is(job).status, as_it_is(job).error_code) == (Job.Status.FAILED, "took_too_long")


def test_limits_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="the hard one"):
        Limits(soft=timedelta(seconds=600), hard=timedelta(seconds=600))


def test_a_long_step_loses_no_lease(acme, parcels, monkeypatch):
    monkeypatch.setattr("jobs.heartbeat.BEAT_S", 0.1)
    monkeypatch.setattr("jobs.heartbeat.LOOK_S", 0.02)

    def compute(run: Run) -> None:
        soon = timezone.now() + timedelta(seconds=1)
        change(job, lease_until=soon)
        deadline = time.monotonic() + 5
        while as_it_is(job).lease_until == soon:
            assert time.monotonic() < deadline, "no heart beats"
            time.sleep(0.02)

    parcels.handle = compute
    job = parcels.put(acme)
    work(job)

    assert as_it_is(job).status == Job.Status.DONE


def test_a_worker_that_has_to_leave_hands_its_job_back(acme, parcels, leaving):
    def be_called_away(run: Run) -> None:
        leaving.set()
        run.check_in()
        parcels.sent.append(run.subject_id)

    parcels.handle = be_called_away
    job = parcels.put(acme)
    work(job)

    back = as_it_is(job)
    assert (back.status, back.attempts, back.published_at, back.lease_until) == (Job.Status.QUEUED, 0, None, None)
    assert parcels.sent == []


def test_a_handler_that_does_not_look_up_is_not_waited_for(acme, parcels, leaving, monkeypatch):
    monkeypatch.setattr("jobs.heartbeat.LOOK_S", 0.02)
    monkeypatch.setattr("jobs.heartbeat.PATIENCE_S", 0.1)

    def be_deep_in_work(run: Run) -> None:
        leaving.set()
        deadline = time.monotonic() + 5
        while as_it_is(job).status == Job.Status.RUNNING:
            assert time.monotonic() < deadline, "nobody handed it back"
            time.sleep(0.02)
        with pytest.raises(Stopped):
            run.renew()  # what it writes now counts no more

    parcels.handle = be_deep_in_work
    job = parcels.put(acme)
    work(job)

    assert (as_it_is(job).status, as_it_is(job).attempts) == (Job.Status.QUEUED, 0)


def test_a_handler_that_ends_its_process_has_failed(acme, parcels):
    def leave(run: Run) -> None:
        sys.exit("good-bye")

    parcels.handle = leave
    job = parcels.put(acme)
    change(job, max_attempts=1)
    with pytest.raises(SystemExit):
        work(job)

    assert (as_it_is(job).status, as_it_is(job).error_code) == (Job.Status.FAILED, "worker_died")


def test_a_subject_that_cannot_be_told_is_told_later(acme, parcels):
    def be_dumb(job: Job, error: PlatformError) -> None:
        raise KeyError(error.code)

    failed, listens = parcels.put(acme), parcels.give_up
    parcels.give_up = be_dumb
    parcels.handle = refuse
    work(failed)
    dead = as_it_is(failed)
    assert (dead.status, dead.error_code, dead.tries_to_tell) == (Job.Status.FAILED, "no_courier", TRIES_TO_TELL - 1)
    mend()
    assert as_it_is(failed).tries_to_tell == TRIES_TO_TELL - 1, "not before its time"

    parcels.give_up = listens
    change(failed, available_at=timezone.now())
    mend()

    assert parcels.failures == [(failed.subject_id, "no_courier")]
    assert as_it_is(failed).tries_to_tell == 0


def test_a_failure_handler_that_always_raises_is_left_alone_in_the_end(acme, parcels):
    calls = []

    def half_tell(job: Job, error: PlatformError) -> None:
        calls.append(error.code)
        Job.objects.filter(pk=job.pk).update(worker="half done")
        raise KeyError(error.code)

    parcels.give_up = half_tell
    parcels.handle = refuse
    job = parcels.put(acme)
    work(job)
    for _ in range(TRIES_TO_TELL + 2):
        change(job, available_at=timezone.now())
        mend()

    assert calls == ["no_courier"] * TRIES_TO_TELL
    assert (as_it_is(job).status, as_it_is(job).worker) == (Job.Status.FAILED, "worker-1")


def test_telling_that_ends_the_process_was_counted(acme, parcels):
    def die(job: Job, error: PlatformError) -> None:
        sys.exit("good-bye")

    parcels.give_up = die
    parcels.handle = refuse
    job = parcels.put(acme)
    with pytest.raises(SystemExit):
        work(job)

    assert (as_it_is(job).status, as_it_is(job).tries_to_tell) == (Job.Status.FAILED, TRIES_TO_TELL - 1)


def test_a_subject_whose_row_is_held_keeps_nobody_waiting(acme, parcels, monkeypatch):
    monkeypatch.setattr("jobs.running.TELL_TIMEOUT_MS", 100)

    def wait_for_somebody(job: Job, error: PlatformError) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    parcels.give_up = wait_for_somebody
    parcels.handle = refuse
    job = parcels.put(acme)
    began = time.monotonic()
    work(job)

    assert time.monotonic() - began < 5
    assert as_it_is(job).tries_to_tell == TRIES_TO_TELL - 1


def test_old_news_is_not_told_once_there_is_newer_work(acme, parcels):
    parcels.handle = refuse
    job = parcels.put(acme)
    work(job)
    parcels.failures.clear()
    change(job, tries_to_tell=1, available_at=timezone.now())
    with acme.scope():
        enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=job.subject_id)

    mend()

    assert parcels.failures == []
    assert as_it_is(job).tries_to_tell == 0


def test_work_that_could_never_be_done_is_not_put_in_line(acme, parcels):
    with acme.scope():
        with pytest.raises(ValueError, match="nonsense"):
            enqueue(tenant_id=acme.id, kind=KIND, queue="nonsense", subject_id=acme.id)
        with pytest.raises(ValueError, match="characters"):
            enqueue(tenant_id=acme.id, kind=KIND, queue=QUEUE, subject_id=acme.id, payload={"text": "x" * 64_000})
        assert not Job.objects.exists()


def test_a_job_has_failed_also_when_its_subject_cannot_be_told(acme, parcels):
    job = parcels.put(acme)
    change(job, kind="tests.nobody_knows", max_attempts=1)

    work(job)

    assert (as_it_is(job).status, as_it_is(job).error_code) == (Job.Status.FAILED, "gave_up")


def test_a_fault_of_ours_is_tried_again_and_told_without_its_insides(acme, parcels):
    def fail(run: Run) -> None:
        raise KeyError("secret insides")

    parcels.handle = fail
    job = parcels.put(acme)
    work(job)
    assert as_it_is(job).status == Job.Status.QUEUED

    change(job, available_at=timezone.now(), attempts=4)
    work(job)

    assert (as_it_is(job).status, as_it_is(job).error_code) == (Job.Status.FAILED, "gave_up")
    assert "secret" not in as_it_is(job).error_detail


def test_a_slice_that_is_done_goes_back_in_line_and_counts_no_attempt(acme, parcels):
    def do_a_slice(run: Run) -> None:
        raise Again

    parcels.handle = do_a_slice
    job = parcels.put(acme)
    change(job, attempts=3)  # the last slice had its troubles; they are over
    work(job)

    back = as_it_is(job)
    assert (back.status, back.attempts, back.published_at) == (Job.Status.QUEUED, 0, None)


def test_a_cancelled_job_stops_at_its_next_check_in(acme, parcels):
    job = parcels.put(acme)

    def be_called_off(run: Run) -> None:
        with acme.scope():
            assert cancel(tenant_id=acme.id, subject_id=run.subject_id, kind=KIND)
        run.check_in()
        parcels.sent.append(run.subject_id)

    parcels.handle = be_called_off
    work(job)

    assert parcels.sent == []
    assert as_it_is(job).status == Job.Status.CANCELLED
    with acme.scope():
        assert not cancel(tenant_id=acme.id, subject_id=job.subject_id, kind=KIND)


def test_a_neighbour_cannot_call_a_job_off(acme, globex, parcels):
    job = parcels.put(acme)

    with globex.scope():
        assert not cancel(tenant_id=globex.id, subject_id=job.subject_id, kind=KIND)

    assert as_it_is(job).status == Job.Status.QUEUED


def test_who_waits_learns_his_place_among_his_own(acme, globex, parcels):
    parcels.put(globex)
    parcels.put(acme)
    second = parcels.put(acme)

    with acme.scope():
        assert queue_position(second) == {"position": 2, "eta_s": None}
