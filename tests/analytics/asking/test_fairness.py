"""A crowd of one tenant's questions stands in its own line."""

from collections import deque
from typing import Any

import pytest

from analytics.asking.posting import ANSWER
from jobs.models import Job
from jobs.queueing import IN_FLIGHT_PER_TENANT, publish_next
from jobs.relay import relay
from jobs.running import run
from tests.analytics.asking.conftest import Desk, sql_reply
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

CROWD = 100


def test_a_hundred_questions_of_acme_hold_globex_up_by_no_more_than_its_share(
    desk: Desk, globex: Business, open_desk: Any, scripted_llm: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker takes messages in the order in which the broker got them."""
    line: deque[Any] = deque()
    for module in ("jobs.queueing.send", "jobs.relay.send"):
        monkeypatch.setattr(module, line.extend)
    scripted_llm.will_say(sql_reply("SELECT count(*) FROM orders"), times=None)
    neighbour = open_desk(globex)
    desk.put("How many orders?")
    with desk.business.scope():
        first = Job.objects.get(kind=ANSWER)
        Job.objects.bulk_create(
            Job(kind=ANSWER, queue=first.queue, subject_id=desk.dataset.pk.__class__(int=number), published_at=None)
            for number in range(1, CROWD)
        )
    relay()
    asked = neighbour.put("How many orders?")
    relay()

    ours = [message for message in line if message.tenant_id in (desk.business.id, globex.id)]
    done_before = 0
    while neighbour.get(asked["id"])["status"] != "ready":
        message = ours.pop(0)
        run(tenant_id=message.tenant_id, job_id=message.job_id, worker="only")
        done_before += message.tenant_id == desk.business.id
        line.clear()
        publish_next(message.tenant_id, message.queue)
        ours += [each for each in line if each.tenant_id in (desk.business.id, globex.id)]

    assert done_before <= IN_FLIGHT_PER_TENANT
