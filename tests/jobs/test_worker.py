"""A real Celery worker takes real work."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 40.0


@contextlib.contextmanager
def worker(queues: str) -> Iterator[subprocess.Popen[bytes]]:
    """`celery worker` as the supervisor starts it, but with one slot."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "--quiet",
        "-A",
        "config",
        "worker",
        "--pool=solo",
        "-Q",
        queues,
    ]
    process = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}"},
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.timeout(90)
def test_an_uploaded_document_is_read_by_a_worker_and_found(acme):
    base = acme.api.post("/api/v1/knowledge-bases/", {"name": "House rules"}).json()
    text = "Breakfast is served from seven to ten. 早餐从七点供应到十点。".encode()
    uploaded = acme.api.upload(
        f"/api/v1/knowledge-bases/{base['id']}/documents/",
        file=SimpleUploadedFile("rules.txt", text, content_type="text/plain"),
    )
    assert (uploaded.status_code, uploaded.json()["status"]) == (202, "queued")

    with worker("interactive,embedding,memory,maintenance"):
        deadline = time.monotonic() + PATIENCE_S
        document = uploaded.json()
        while document["status"] not in ("ready", "failed"):
            assert time.monotonic() < deadline, f"still {document['status']}"
            time.sleep(0.2)
            document = acme.api.get(f"/api/v1/documents/{document['id']}/").json()

    assert (document["status"], document["error"]) == ("ready", None)
    for question in ("When is breakfast?", "早餐几点？"):
        found = acme.api.post(f"/api/v1/knowledge-bases/{base['id']}/search/", {"query": question}).json()
        assert found["results"][0]["document_id"] == document["id"]
