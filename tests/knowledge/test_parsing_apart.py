"""Whatever a file does to its parser, only the process that reads this one file feels it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.models import Job
from jobs.running import run
from knowledge.parsing import apart, parse
from knowledge.parsing.errors import FileEncrypted
from tests.knowledge import files

LIKE_A_PDF = b"%PDF-1.7\n"
TEA = files.word([("Heading 1", "茶 \U0001f375"), ("Normal", "Green tea is brewed at eighty degrees.")])


@pytest.fixture
def reader_that(monkeypatch) -> Callable[[str], None]:
    """Stands for a parser that a hostile file has found a weakness in."""

    def does(step: str) -> None:
        names = "import os, signal, time; from knowledge.parsing import ParsedDocument, __main__ as reader"
        reader = f"{names}; {step}; reader.main()"
        monkeypatch.setattr(apart, "READER", (sys.executable, "-c", reader))
        monkeypatch.setattr(apart, "_server", apart.Server())

    return does


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


def test_it_is_told_none_of_our_secrets(monkeypatch, reader_that):
    monkeypatch.setenv("TROUPE_SECRET_KEY", "s" * 40)
    reader_that("reader.parse = lambda *_: ParsedDocument(str(dict(os.environ)), [])")

    told = apart.parse_apart(TEA).title

    assert "PYTHONPATH" in told
    assert "ssss" not in told


def test_each_file_gets_a_process_of_its_own_which_ends(reader_that):
    reader_that("reader.parse = lambda *_: ParsedDocument(str(os.getpid()), [])")

    pids = {int(apart.parse_apart(TEA).title) for _ in range(3)}

    assert len(pids) == 3
    for pid in pids:
        wait_until(lambda pid=pid: not is_alive(pid))


def test_it_sees_no_other_file(reader_that):
    reader_that("reader.parse = lambda *_: ParsedDocument(str(os.listdir('/proc/self/fd')), [])")

    with ThreadPoolExecutor(2) as pool:
        opened = {result.title for result in pool.map(apart.parse_apart, [TEA] * 4)}

    assert opened == {str(["0", "1", "2", "3"])}  # the listing itself, output, errors and the line to us


def test_a_server_that_died_is_started_again():
    apart.parse_apart(TEA)
    os.kill(apart._server._process.pid, signal.SIGKILL)
    apart._server._process.wait()

    assert apart.parse_apart(TEA) == parse(TEA)


def test_the_server_ends_with_whoever_started_it():
    starts = "from knowledge.parsing import apart; apart.parse_apart(b'Tea'); print(apart._server._process.pid)"
    settings = "from django.conf import settings; settings.configure(USE_I18N=False)"
    dies = "import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", f"{settings}; {starts}; {dies}"], capture_output=True, env=environ, timeout=60
    )

    wait_until(lambda: not is_alive(int(told.stdout)))


def test_a_parser_that_hangs_is_ended(shelf, monkeypatch, reader_that):
    reader_that("reader.parse = lambda *_: time.sleep(60)")
    monkeypatch.setattr(apart, "READ_AT_ONCE_S", 0.2)
    monkeypatch.setattr(apart, "READING_TIMEOUT_S", 0.5)
    began = time.monotonic()

    document = shelf.keep("hangs.pdf", LIKE_A_PDF)

    assert time.monotonic() - began < 20
    assert (document["status"], document["error"]["code"]) == ("failed", "file_broken")
    assert "too long" in document["error"]["detail"]
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_parser_that_crashes_takes_nobody_along(shelf, monkeypatch, reader_that):
    reader_that("reader.parse = lambda *_: os.kill(os.getpid(), signal.SIGSEGV)")

    refused = shelf.put("crashes.pdf", LIKE_A_PDF)

    assert (refused.status_code, refused.json()["code"]) == (422, "file_broken")
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_parser_gets_no_more_than_its_share_of_memory(shelf, monkeypatch):
    monkeypatch.setattr(apart, "MAX_MEMORY_BYTES", 256 * 1024 * 1024)

    monkeypatch.setattr(apart, "READ_AT_ONCE_BYTES", 0)

    document = shelf.keep("eats.docx", many_elements(megabytes=12))

    assert (document["status"], document["error"]["code"]) == ("failed", "file_too_large")
    assert "memory" in document["error"]["detail"]
    assert_the_worker_lives(shelf, monkeypatch)


def test_a_reader_that_cannot_work_is_no_fault_of_the_file(shelf, monkeypatch, reader_that):
    reader_that("raise SystemExit('No module named pypdfium2')")
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
    assert shelf.put("broken.pdf", LIKE_A_PDF).json()["code"] == "file_broken"


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

    assert response.status_code in (202, 413, 422)
    assert time.process_time() - began < 2


def wait_until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Zombies of processes that are not ours count as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def assert_the_worker_lives(shelf, monkeypatch) -> None:
    monkeypatch.undo()
    assert shelf.keep("tea.docx", TEA)["status"] == "ready"
