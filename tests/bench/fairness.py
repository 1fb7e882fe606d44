"""How long a tenant's question waits for those of another who asks a hundred at once.

A worker and the clock as `make up` starts them; the model takes its time, as models do. Wall times, since waiting is
what is measured: each is told beside the same question's time while nobody else asks.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.bench.asking import model_that_says
from tests.bench.stage import python

CROWD = 100
ROUNDS = 5
MODEL_S = 1.0
CELERY = ["-m", "celery", "--quiet", "-A", "config"]


def measure() -> list[tuple[str, str]]:
    """Rows of the table."""
    with model_that_says("SELECT count(*) AS orders FROM orders", after_s=MODEL_S) as url:
        crowded, neighbour = _desk("Crowded", url), _desk("Neighbour", url)
        with _worker():
            _first_results(neighbour)  # worker and clock start, and load what they need
            alone = _first_results(neighbour)
            asked = [_ask(crowded, f"How many orders ({number})?") for number in range(CROWD)]
            beside = _first_results(neighbour)
            done = sum(crowded.row(str(each)).status == "ready" for each in asked)
    assert done < CROWD, "the crowd was gone before the neighbour asked"
    delay = statistics.median(beside) - statistics.median(alone)
    return [
        (f"a question alone, its model takes {MODEL_S:.0f} s: median and longest of {ROUNDS}", _told(alone)),
        (f"beside {CROWD} of another tenant ({done} done by then)", _told(beside)),
        ("delay: of the median, and of the longest against the median alone",
         f"{delay:.1f} / {max(beside) - statistics.median(alone):.1f} s"),
    ]  # fmt: skip


def _told(took: list[float]) -> str:
    return f"{statistics.median(took):.1f} / {max(took):.1f} s"


def _desk(name: str, url: str) -> Any:
    from llm.models import Route
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key
    from tests.analytics.asking.conftest import Desk
    from tests.analytics.conftest import SHOP, make_dataset
    from tests.conftest import Business

    tenant = create_tenant(name=name, slug=f"{name.lower()}-bench")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    with business.scope():
        Route.objects.create(slug="bench", name="bench", base_url=url, chat_model="any", is_default=True)
    return Desk(business, make_dataset(business, SHOP))


def _ask(desk: Any, question: str) -> UUID:
    from analytics.asking.posting import ask

    with desk.business.scope():
        return ask(tenant=desk.business.id, dataset=desk.dataset, question=question, asker=desk.asker).pk


def _first_results(desk: Any) -> list[float]:
    return [_result(desk, f"How many orders are there ({time.monotonic_ns()})?") for _ in range(ROUNDS)]


def _result(desk: Any, question: str) -> float:
    began = time.monotonic()
    asked = str(_ask(desk, question))
    while (status := desk.row(asked).status) != "ready":
        assert status not in {"failed", "needs_clarification"}, status
        assert time.monotonic() - began < 60, "no answer"
        time.sleep(0.05)
    return time.monotonic() - began


@contextlib.contextmanager
def _worker() -> Iterator[None]:
    """With the number of places that `make up` gives it."""
    from django.conf import settings

    from embedded.programs import QUEUES

    places = str(settings.WORKER_CONCURRENCY)
    with (
        tempfile.TemporaryDirectory() as folder,
        python(*CELERY, "worker", "-Q", QUEUES, "-c", places, "--without-gossip", "--without-mingle"),
        python(*CELERY, "beat", "--pidfile=", "--loglevel", "WARNING", "-s", f"{folder}/beat-schedule"),
    ):
        yield
