"""Whatever a file does to its parser, only the process that reads this one file feels it."""

import os
import sys
import time

import pytest

from jobs.models import Job
from jobs.running import run
from knowledge.parsing import apart, parse
from knowledge.parsing.errors import FileEncrypted
from tests.knowledge import files

LIKE_A_PDF = b"%PDF-1.7\n"
TEA = files.word([("Heading 1", "茶 \U0001f375"), ("Normal", "Green tea is brewed at eighty degrees.")])


def reader_that(does: str) -> tuple[str, ...]:
    """Stands for a parser that a hostile file has found a weakness in."""
    return (sys.executable, "-c", f"import os, signal, sys, time; {does}")


def many_elements(megabytes: int) -> bytes:
    """A Word document that is small to send, passes for no bomb, and becomes a huge tree."""
    noise = os.urandom(1024 * 1024).hex().encode()
    return files.office(word__document=b"<w>" + b"<a/>" * (megabytes * 1024 * 256) + noise + b"</w>")


@pytest.mark.parametrize(("name", "data"), [("茶.docx", TEA), ("a.pdf", files.pdf([[("Hi", 12)], [("Ho", 12)]]))])
def test_it_reads_as_the_parser_does(name, data):
    assert apart.parse_apart(data, name) == parse(data, name)


def test_it_refuses_as_the_parser_does():
    with pytest.raises(FileEncrypted) as refused:
        apart.parse_apart(files.pdf([[("Hello", 12)]], password="x"), "a.pdf")

    assert str(refused.value.detail) == str(FileEncrypted.default_detail)


def test_it_is_told_none_of_our_secrets(monkeypatch):
    monkeypatch.setenv("TROUPE_SECRET_KEY", "s" * 40)
    monkeypatch.setattr(apart, "READER", reader_that("sys.exit(str(dict(os.environ)))"))

    with pytest.raises(RuntimeError, match="PYTHONPATH") as told:
        apart.parse_apart(TEA)

    assert "ssss" not in str(told.value)


def test_a_parser_that_hangs_is_ended(shelf, monkeypatch):
    monkeypatch.setattr(apart, "READER", reader_that("time.sleep(60)"))
    monkeypatch.setattr(apart, "READING_TIMEOUT_S", 1)
    began = time.monotonic()

    document = shelf.keep("hangs.pdf", LIKE_A_PDF)

    assert time.monotonic() - began < 20
    assert (document["status"], document["error"]["code"]) == ("failed", "file_broken")
    assert "too long" in document["error"]["detail"]
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_parser_that_crashes_takes_nobody_along(shelf, monkeypatch):
    monkeypatch.setattr(apart, "READER", reader_that("os.kill(os.getpid(), signal.SIGSEGV)"))

    document = shelf.keep("crashes.pdf", LIKE_A_PDF)

    assert (document["status"], document["error"]["code"]) == ("failed", "file_broken")
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_parser_gets_no_more_than_its_share_of_memory(shelf, monkeypatch):
    monkeypatch.setattr(apart, "MAX_MEMORY_BYTES", 256 * 1024 * 1024)

    document = shelf.keep("eats.docx", many_elements(megabytes=12))

    assert (document["status"], document["error"]["code"]) == ("failed", "file_too_large")
    assert "memory" in document["error"]["detail"]
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_reader_that_cannot_work_is_no_fault_of_the_file(shelf, monkeypatch):
    monkeypatch.setattr(apart, "READER", reader_that("sys.exit('No module named pypdfium2')"))
    response = shelf.put("tea.docx", TEA)
    with shelf.business.scope():
        job = Job.objects.get(subject_id=response.json()["id"])

    run(tenant_id=shelf.business.id, job_id=job.pk, worker="test")

    with shelf.business.scope():
        job.refresh_from_db()
    assert (job.status, job.attempts) == (Job.Status.QUEUED, 1)
    assert_the_worker_lives(shelf, monkeypatch)


def test_the_web_process_looks_at_a_file_from_outside_only(shelf, monkeypatch):
    def must_not_be_read(*_args: object) -> None:
        raise AssertionError("The web process reads the file")

    monkeypatch.setattr("knowledge.parsing.docx.read_docx", must_not_be_read)
    monkeypatch.setattr("knowledge.parsing.pdf.read_pdf", must_not_be_read)

    assert shelf.put("tea.docx", TEA).json()["status"] == "queued"
    assert shelf.put("broken.pdf", LIKE_A_PDF).json()["status"] == "queued"


TEDIOUS_TO_TELL = [
    b"<!-- -->" * 200 + b"x",
    b"x" + b"\n" * 2_000_000 + b"x",
    b"|" * 1_000_000,
    b"<p " * 500_000,
    b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000,
]


@pytest.mark.parametrize("data", TEDIOUS_TO_TELL, ids=lambda data: repr(data[:8]))
def test_telling_what_a_file_is_takes_no_time(shelf, data):
    began = time.process_time()

    response = shelf.put("a.txt", data)

    assert response.status_code in (202, 413)
    assert time.process_time() - began < 2


def assert_the_worker_lives(shelf, monkeypatch) -> None:
    monkeypatch.undo()
    assert shelf.keep("tea.docx", TEA)["status"] == "ready"
