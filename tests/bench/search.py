"""How well the search finds, on question sets of JSON lines, through the API.

`BENCH_RETRIEVAL` names a folder with one folder per set: `passages.jsonl` (id, title, text) and `queries.jsonl`
(text, gold). Without it there is nothing to measure: the sets are not part of this project.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2 as httpx

from tests.bench.stage import percentile, server
from tests.conftest import Business

MODES = ("hybrid", "vector", "keyword")


def measure() -> list[tuple[str, str]]:
    """Rows of the table: hit@1, hit@5 and MRR@10 per set and mode."""
    folder = os.environ.get("BENCH_RETRIEVAL")
    if not folder:
        return [("set BENCH_RETRIEVAL to a folder of question sets to measure the search", "")]
    rows = []
    with server("config.asgi:application") as web:
        url = web.url.replace("ws://", "http://")
        for path in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
            passages, queries = _lines(path / "passages.jsonl"), _lines(path / "queries.jsonl")
            business, documents = _shelve(passages)
            for mode in MODES:
                rows += asyncio.run(_ask_all(url, business, path.name, mode, documents, queries))
    return rows


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _shelve(passages: list[dict[str, Any]]) -> tuple[Business, dict[str, str]]:
    """A tenant whose base holds one document per passage, ready; and which document is which passage."""
    from jobs.tasks import run_job
    from knowledge.collecting import add_text, create_base
    from tenants.models import Scope
    from tenants.provisioning import create_tenant, issue_key

    tenant = create_tenant(name="Library", slug=f"library-{uuid4().hex[:8]}")
    _key, token = issue_key(tenant=tenant, scopes=Scope.values)
    business = Business(tenant, str(token))
    documents = {}
    with business.scope():
        base = create_base(name="Passages", slug="passages")
        for passage in passages:
            documents[str(add_text(base=base, title=passage["title"], text=passage["text"]).pk)] = passage["id"]
    _run_jobs(business, run_job)
    return business, documents


def _run_jobs(business: Business, run_job: Any) -> None:
    from jobs.models import Job

    while True:
        with business.scope():
            waiting = list(Job.objects.filter(status=Job.Status.QUEUED).values_list("id", flat=True))
        if not waiting:
            return
        for job_id in waiting:
            run_job(str(business.id), str(job_id))


async def _ask_all(
    url: str, business: Business, name: str, mode: str, documents: dict[str, str], queries: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    ranks, took = [], []
    async with httpx.AsyncClient(base_url=url, headers=business.headers, timeout=60) as client:
        for query in queries:
            began = time.perf_counter()
            answer = await client.post(
                "/api/v1/knowledge-bases/passages/search/", json={"query": query["text"], "top_k": 10, "mode": mode}
            )
            took.append(time.perf_counter() - began)
            found = list(dict.fromkeys(documents[one["document_id"]] for one in answer.json()["results"]))
            ranks.append(next((n for n, passage in enumerate(found, 1) if passage in query["gold"]), 0))
    share = [sum(1 for rank in ranks if 0 < rank <= limit) / len(ranks) for limit in (1, 5)]
    mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
    return [
        (f"{name}, {mode}: hit@1 / hit@5 / MRR@10", f"{share[0]:.3f} / {share[1]:.3f} / {mrr:.3f}"),
        (f"{name}, {mode}: ms p50 / p99", f"{percentile(took, 0.5) * 1000:.0f} / {percentile(took, 0.99) * 1000:.0f}"),
    ]
