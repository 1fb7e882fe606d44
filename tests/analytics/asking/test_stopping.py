"""Stopped is stopped: in line, with the model, in the database; whatever a worker brings later."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections

from analytics.asking import answering, work
from analytics.datasets.keeping import delete_dataset
from analytics.models import Question, SqlRun
from jobs.models import Job
from jobs.running import run
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.fakes.openai_server import FakeOpenAI
from tests.knowledge.conftest import work_off

SLOW = (
    "SELECT count(*) FROM generate_series(1, 10000) a, generate_series(1, 10000) b, orders "
    "WHERE md5(a::text || b::text) < 'f'"
)


@contextmanager
def a_worker(desk: Desk) -> Iterator[threading.Thread]:
    """Somebody who works off what waits, beside us."""

    def do() -> None:
        try:
            work_off(desk.business)
        finally:
            connections.close_all()

    thread = threading.Thread(target=do)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive(), "the worker is stuck"


def until(holds: Any, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_one_that_waits_is_never_begun(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    asked = desk.put("How many orders?")
    stopped = desk.call(asked["id"], "cancel").json()
    work_off(desk.business)
    assert stopped["status"] == desk.get(asked["id"])["status"] == "cancelled"
    assert scripted_llm.chat_requests == []
    assert desk.call(asked["id"], "cancel").status_code == 200  # again changes nothing


def test_the_model_is_left_at_once(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_stall(after='{"sql": "SELECT')
    asked = desk.put("How many orders?")
    with a_worker(desk):
        until(lambda: scripted_llm.chat_requests)
        assert desk.call(asked["id"], "cancel").json()["status"] == "cancelled"
        assert scripted_llm.chat_requests[0].has_left.wait(60)
    answer = desk.get(asked["id"])
    assert (answer["status"], answer["error"]) == ("cancelled", None)


def test_the_query_in_the_database_is_ended(desk: Desk, scripted_llm: FakeOpenAI, monkeypatch: Any) -> None:
    monkeypatch.setattr(work, "READ_BACK_LIMITS", replace(work.DEFAULT_LIMITS, cost=1e300))
    scripted_llm.will_say(sql_reply(SLOW))
    asked = desk.put("How many pairs?")
    with a_worker(desk) as thread:
        until(lambda: desk.row(asked["id"]).status == Question.Status.RUNNING)
        assert desk.call(asked["id"], "cancel").status_code == 200
        thread.join(60)
    with desk.business.scope():
        assert list(SqlRun.objects.values_list("verdict", flat=True)) == ["sql_cancelled"]
    answer = desk.get(asked["id"])
    assert (answer["status"], answer["rows"]) == ("cancelled", [])


def test_what_a_worker_brings_late_counts_for_nothing(desk: Desk, scripted_llm: FakeOpenAI, monkeypatch: Any) -> None:
    """It is stopped just before the answer would be stored, and no watch has seen it."""
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    asked = desk.put("How many orders?")
    keep = answering.kept_result

    def stop_first(*args: Any) -> Any:
        assert desk.call(asked["id"], "cancel").status_code == 200
        return keep(*args)

    monkeypatch.setattr(answering, "kept_result", stop_first)
    work_off(desk.business)
    answer = desk.get(asked["id"])
    assert (answer["status"], answer["rows"], answer["sql"]) == ("cancelled", [], "")


def test_a_worker_that_lost_its_job_writes_nothing(desk: Desk, scripted_llm: FakeOpenAI, monkeypatch: Any) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    asked = desk.put("How many orders?")
    keep = answering.kept_result

    def lose_first(*args: Any) -> Any:
        with desk.business.scope():
            Job.objects.filter(subject_id=asked["id"]).update(fence=99)
        return keep(*args)

    monkeypatch.setattr(answering, "kept_result", lose_first)
    with desk.business.scope():
        job = Job.objects.get(subject_id=asked["id"])
    run(tenant_id=desk.business.id, job_id=job.pk, worker="first")
    assert desk.get(asked["id"])["status"] == "running"


def test_what_is_over_cannot_be_stopped(desk: Desk, scripted_llm: FakeOpenAI) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    answer = desk.ask("How many orders?")
    assert desk.call(answer["id"], "cancel").status_code == 409
    assert desk.get(answer["id"])["rows"] == [[6]]


@pytest.mark.parametrize("what", ["dataset", "question"])
def test_what_is_deleted_meanwhile_is_left_alone(
    desk: Desk, scripted_llm: FakeOpenAI, monkeypatch: Any, what: str
) -> None:
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"))
    asked = desk.put("How many orders?")
    keep = answering.kept_result

    def delete_first(*args: Any) -> Any:
        with desk.business.scope():
            if what == "dataset":
                delete_dataset(desk.dataset)
            else:
                desk.row(asked["id"]).delete()
        return keep(*args)

    monkeypatch.setattr(answering, "kept_result", delete_first)
    work_off(desk.business)
    with desk.business.scope():
        assert not Question.objects.exists()
        assert not Job.objects.filter(status=Job.Status.QUEUED).exists()
