"""What a question about data costs us beside its model: CPU of the process that asks, works and keeps the answer.

The model is a process of its own that answers at once with right SQL; the database's own work is not ours. Wall times
are of this machine, whatever else it does.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.bench.stage import pace_s, python

if TYPE_CHECKING:
    from analytics.catalogue import Catalogue
    from tests.analytics.conftest import Tables
    from tests.conftest import Business

QUESTIONS = 40
BY_CITY = (
    "SELECT city, sum(amount) AS amount FROM orders JOIN customers ON customers.id = customer_id GROUP BY 1 ORDER BY 2"
)
MODEL = """
import sys, time
from tests.fakes.openai_server import FakeOpenAI
fake = FakeOpenAI().start()
fake.will_say(sys.argv[1], times=None, chunks=40, first_delay_s=float(sys.argv[2]))
print(fake.base_url, flush=True)
time.sleep(3600)
"""


def measure() -> list[tuple[str, str]]:
    """Rows of the table."""
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key
    from tests.analytics.asking.conftest import Desk
    from tests.analytics.conftest import SHOP, make_dataset
    from tests.analytics.meaning.company import company, questions
    from tests.conftest import Business

    tenant = create_tenant(name="Shop", slug="shop-bench")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    desk = Desk(business, make_dataset(business, SHOP))
    with model_that_says(BY_CITY) as url, default_route(business, url):
        rows = _measured("with a model", desk, lambda number: f"What did each city spend ({number})?")
    firm = company()
    tables, labels = rows_of(firm)
    # The first is understood by no words, so that the tables have their vectors before anything is measured.
    asked = ["Quito Lima Bogota", *(question for question, _needed in questions("held_out"))]
    with model_that_says("SELECT count(*) FROM customers") as url, default_route(business, url):
        large = Desk(business, make_dataset(business, tables, name="Firm", labels=labels))
        rows += _measured("with a model, 60 tables", large, lambda number: asked[number])
    desk.teach("How many orders had more than 3 pieces?", "SELECT count(*) FROM orders WHERE quantity > 3")
    return rows + _measured(
        "by a verified question", desk, lambda number: f"How many orders had more than {number} pieces?"
    )


def rows_of(catalogue: "Catalogue") -> tuple["Tables", dict[str, str]]:
    """Its tables without rows, and what they and their columns are called."""
    labels = {column.name: column.label for table in catalogue.tables for column in table.columns}
    labels |= {table.name: table.label for table in catalogue.tables}
    return {t.name: ([(column.name, column.type) for column in t.columns], []) for t in catalogue.tables}, labels


@contextmanager
def default_route(business: "Business", url: str) -> Iterator[None]:
    from llm.models import Route

    with business.scope():
        route = Route.objects.create(slug="bench", name="bench", base_url=url, chat_model="any", is_default=True)
    yield
    with business.scope():
        route.delete()


@contextmanager
def model_that_says(sql: str, *, after_s: float = 0.0) -> Iterator[str]:
    """The base URL of an endpoint in a process of its own."""
    reply = json.dumps({"sql": sql, "explanation": "What each city spent.", "cannot_answer": ""})
    with python("-c", MODEL, reply, str(after_s)) as process:
        assert process.stdout
        yield process.stdout.readline().strip()


def _measured(how: str, desk: Any, question: Callable[[int], str]) -> list[tuple[str, str]]:
    """What a web process does to take a question in, and a worker's to answer it, but for what Celery does itself."""
    from analytics.asking.posting import ask
    from jobs.models import Job
    from jobs.tasks import run_job

    asking, answering, walls, paces = list[float](), list[float](), list[float](), [pace_s()]
    for number in range(QUESTIONS):
        before = time.process_time()
        with desk.business.scope():
            asked = ask(tenant=desk.business.id, dataset=desk.dataset, question=question(number), asker=desk.asker)
        asking.append((time.process_time() - before) * 1000)
        with desk.business.scope():
            job = Job.objects.get(subject_id=asked.pk)
        before, began = time.process_time(), time.monotonic()
        run_job(str(desk.business.id), str(job.pk))
        answering.append((time.process_time() - before) * 1000)
        walls.append((time.monotonic() - began) * 1000)
        assert desk.row(str(asked.pk)).status == "ready"
    paces.append(pace_s())
    # The first ones load what the others find loaded.
    rows = [("CPU to take it in", asking[5:]), ("CPU to answer it", answering[5:]), ("time to answer it", walls[5:])]
    beside = f"{how}: CPU of 10 million additions beside it, before and after"
    return [
        *((f"{how}: {what}, median and mean of {len(took)}", _ms(took)) for what, took in rows),
        (beside, " ".join(f"{pace * 1000:.0f}" for pace in paces) + " ms"),
    ]


def _ms(took: list[float]) -> str:
    return f"{statistics.median(took):.0f} / {statistics.mean(took):.0f} ms"
