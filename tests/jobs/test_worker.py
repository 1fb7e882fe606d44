"""A real Celery worker, with its pool of processes, takes real work. Some of it is deadly."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from uuid_utils.compat import uuid7
from werkzeug import Response

from jobs import handlers
from jobs.models import Job
from jobs.queueing import enqueue
from jobs.relay import mend, relay
from tests.conftest import Business
from tests.jobs.conftest import as_it_is, change
from tests.jobs.deadly import DEADLY, POISON, SLOW, register
from tests.webhooks.conftest import Receiver, hook_at
from webhooks.emitting import emit
from webhooks.models import MAX_ATTEMPTS, Delivery

ROOT = Path(__file__).resolve().parents[2]
# Only a fault takes it all: a busy machine makes everything here ten times as slow.
PATIENCE_S = 240.0
QUEUE = "maintenance"

ENVIRON = {
    **os.environ,
    "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}",
    "TROUPE_HOOK_NETWORKS": "127.0.0.0/8",  # where this test's receiver is
}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """`celery worker` as the supervisor starts it, but one that knows deadly work and is impatient."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "-c", "3"),
            *("-Q", f"embedding,webhooks,{QUEUE}", "--include", "tests.jobs.deadly"),
            *("--without-gossip", "--without-mingle", "--loglevel", "CRITICAL"),
        ],
        cwd=ROOT,
        env=ENVIRON,
    )
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def relay_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the beat: it knows the same kinds, and does not wait long between two tries."""
    monkeypatch.setattr(handlers, "_registry", dict(handlers._registry))
    monkeypatch.setattr("jobs.running.FIRST_WAIT", timedelta(milliseconds=100))
    register()


def put(business: Business, way: str, *, kind: str = DEADLY, tries: int = 1) -> Job:
    with business.scope():
        job = enqueue(tenant_id=business.id, kind=kind, queue=QUEUE, subject_id=uuid7(), payload={"way": way})
        Job.objects.filter(pk=job.pk).update(max_attempts=tries)
    return job


def tick_until(is_so: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        relay()
        mend()
        time.sleep(0.2)


def is_alive(worker: str) -> bool:
    """The process that took a job, named `host:pid`."""
    try:
        os.kill(int(worker.rpartition(":")[2]), 0)
    except ProcessLookupError:
        return False
    return True


def upload(business: Business, title: str, text: str) -> dict[str, Any]:
    base = business.api.post("/api/v1/knowledge-bases/", {"name": "House rules"}).json()
    answer = business.api.upload(
        f"/api/v1/knowledge-bases/{base['id']}/documents/",
        file=SimpleUploadedFile("rules.txt", text.encode(), content_type="text/plain"),
        title=title,
    )
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    return {**answer.json(), "base_id": base["id"]}


def document_of(business: Business, document: dict[str, Any]) -> dict[str, Any]:
    return dict(business.api.get(f"/api/v1/documents/{document['id']}/").json())


@pytest.fixture
def beat(tmp_path: Path) -> Iterator[None]:
    """`celery beat` as the supervisor starts it: relay, sweepers, and the clock of webhooks."""
    schedule = ("-s", str(tmp_path / "schedule"))
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "-A",
            "config",
            "beat",
            "--pidfile=",
            "--loglevel",
            "ERROR",
            *schedule,
        ],
        cwd=ROOT,
        env=ENVIRON,
    )
    yield
    process.kill()
    process.wait()


# First: those below end the worker, and leave work that no beat but their own knows.
def test_webhooks_are_delivered_retried_given_up_and_sent_again(acme, worker, beat, httpserver, settings):
    """Nothing here but the two processes does any work."""
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, hook_networks=(ip_network("127.0.0.0/8"),))
    receiver = Receiver(httpserver)
    receiver.answer = lambda count: Response("", status=500 if count in (1, 3) else 204)
    hook = hook_at(acme, receiver.url, event_types=["document.ready"])
    about = {"document_id": str(uuid7()), "title": "入住须知"}

    def becomes(status: str, tries: int) -> None:
        wait_until(lambda: (hook.log[0]["status"], hook.log[0]["attempt_count"]) == (status, tries), f"not {status}")

    with acme.scope():
        emit(acme.id, "document.ready", about)
    becomes("pending", 1)
    becomes("delivered", 2)
    assert receiver.verified(hook.secret)["data"] == about
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1

    with acme.scope():  # the next event has failed nine times already
        emit(acme.id, "document.ready", about)
        Delivery.objects.filter(status="pending").update(attempt_count=MAX_ATTEMPTS - 1)
    becomes("dead", MAX_ATTEMPTS)
    assert acme.api.post(f"{hook.path}deliveries/{hook.log[0]['id']}/resend/").status_code == 202
    becomes("delivered", 1)
    assert [receiver.verified(hook.secret, number)["data"] for number in range(4)] == [about] * 4


def wait_until(is_so: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_what_kills_or_never_ends_is_given_up_and_all_else_is_done(acme, globex, open_business, worker):
    poison = upload(acme, POISON, "Do not read me.")
    with acme.scope():
        Job.objects.update(max_attempts=2)
    fine = upload(globex, "Rules", "Breakfast is served from seven to ten. 早餐从七点供应到十点。")
    initech, hooli = open_business("Initech"), open_business("Hooli")
    reasons = {
        put(acme, "end", tries=2): "worker_died",
        put(acme, "touch_forbidden_memory"): "worker_died",
        put(globex, "eat_all_memory"): "worker_died",
        put(globex, "work_well"): "",
        put(initech, "dawdle", kind=SLOW): "took_too_long",
        put(hooli, "hang", kind=SLOW): "took_too_long",
    }

    def all_ended() -> bool:
        return all(as_it_is(job).finished_at for job in reasons) and all(
            document_of(business, document)["status"] in ("ready", "failed")
            for business, document in ((acme, poison), (globex, fine))
        )

    tick_until(all_ended, "some work never ends")

    for job, reason in reasons.items():
        ended = as_it_is(job)
        assert ended.status == (Job.Status.FAILED if reason else Job.Status.DONE), job.payload
        assert (ended.error_code, ended.attempts) == (reason, ended.max_attempts if reason else 1), job.payload
    failed = document_of(acme, poison)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "worker_died")
    assert document_of(globex, fine)["status"] == "ready"
    for question in ("When is breakfast?", "早餐几点？"):
        found = globex.api.post(f"/api/v1/knowledge-bases/{fine['base_id']}/search/", {"query": question}).json()
        assert found["results"][0]["document_id"] == fine["id"]
    hanging = next(job for job in reasons if job.payload["way"] == "hang")
    tick_until(lambda: not is_alive(as_it_is(hanging).worker), "nobody killed what hangs")
    assert worker.poll() is None


def test_a_worker_that_is_told_to_end_hands_its_jobs_back(acme, worker):
    jobs = [put(acme, "keep_looking_up"), put(acme, "be_deaf")]
    tick_until(lambda: all(as_it_is(job).status == Job.Status.RUNNING for job in jobs), "they do not begin")

    worker.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while any(as_it_is(job).status == Job.Status.RUNNING for job in jobs):
        assert time.monotonic() < deadline, "somebody keeps his job"
        time.sleep(0.05)

    for job in jobs:
        back = as_it_is(job)
        assert (back.status, back.attempts, back.error_code) == (Job.Status.QUEUED, 0, "")
        change(job, status=Job.Status.CANCELLED)
    assert worker.wait(timeout=PATIENCE_S) == 0


BORN_TOO_LATE = """
import os
from config import celery
if os.fork() == 0:
    while os.getppid() == celery.WORKER_PID:
        pass
    celery.end_with_the_worker()
    print("still here", flush=True)
"""


def test_a_pool_process_whose_worker_is_gone_before_it_begins_ends_at_once():
    told = subprocess.run([sys.executable, "-c", BORN_TOO_LATE], env=ENVIRON, capture_output=True, timeout=PATIENCE_S)

    assert (told.returncode, told.stdout) == (0, b""), told.stderr
