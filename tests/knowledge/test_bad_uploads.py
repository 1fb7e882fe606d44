"""Files that are wrong in every way: a clear answer, nothing half stored, and the next one works."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from jobs.models import Job
from knowledge.models import Chunk, Document, DocumentSource
from knowledge.parsing import apart
from tests.knowledge import files

GOOD = b"# Tea\n\nGreen tea is brewed at eighty degrees."


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    """To read a small file while its sender waits, also on a busy machine."""
    monkeypatch.setattr(apart, "READ_AT_ONCE_S", 60.0)


def refusal(shelf, name: str, data: bytes) -> tuple[int, str]:
    response = shelf.put(name, data)
    assert (response.json().get("errors") is not None) == (response.status_code == 422)
    return response.status_code, response.json()["code"]


def assert_nothing_is_left(shelf) -> None:
    with shelf.business.scope():
        for model in (Document, DocumentSource, Chunk, Job):
            assert not model.objects.exists()
    assert shelf.search("anything") == []
    assert shelf.keep("tea.md", GOOD)["status"] == "ready"


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("empty.txt", b"", 422, "document_empty"),
        ("blank.txt", b" \n\t\r\n ", 422, "document_empty"),
        ("scan.pdf", files.pdf([[]]), 422, "document_empty"),
        ("secret.pdf", files.pdf([[("Hello", 12)]], password="x"), 422, "file_encrypted"),
        ("secret.docx", files.encrypted_office(), 422, "file_encrypted"),
        ("broken.pdf", files.pdf([[("Hello", 12)]])[:200], 422, "file_broken"),
        ("broken.docx", files.word([("Normal", "Hello")])[:700], 422, "file_broken"),
        ("broken.xlsx", files.office(xl__workbook=b"<workbook"), 422, "file_broken"),
        ("laughs.docx", files.entity_bomb(), 422, "file_broken"),
        ("picture.pdf", b"\x89PNG\r\n\x1a\n" + bytes(200), 415, "unsupported_media_type"),
        ("program.txt", b"MZ" + bytes(range(256)) * 4, 415, "unsupported_media_type"),
        ("old.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), 415, "unsupported_media_type"),
        ("archive.docx", files.office(readme=b"hello"), 415, "unsupported_media_type"),
        ("bomb.docx", lambda: files.bomb("word__document"), 413, "file_too_large"),
        ("bomb.xlsx", lambda: files.bomb("xl__workbook"), 413, "file_too_large"),
        ("liar.docx", files.lying_bomb, 422, "file_broken"),
        ("rules.md", b"---\n\n***\n", 422, "document_empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refused(shelf, name, data, status, code):
    # What takes long to make is made for the one process that runs its test.
    assert refusal(shelf, name, data() if callable(data) else data) == (status, code)
    assert_nothing_is_left(shelf)


def test_what_is_wrong_with_a_large_file_its_document_tells(shelf, monkeypatch):
    monkeypatch.setattr(apart, "READ_AT_ONCE_BYTES", 100)

    document = shelf.keep("broken.pdf", files.pdf([[("Hello", 12)]])[:200])

    assert (document["status"], document["error"]["code"]) == ("failed", "file_broken")


def test_a_file_that_takes_long_is_read_by_a_worker(shelf, monkeypatch):
    monkeypatch.setattr(apart, "READ_AT_ONCE_S", 0.0)

    assert shelf.put("broken.pdf", files.pdf([[("Hello", 12)]])[:200]).json()["status"] == "queued"


def test_two_files_in_one_form(shelf):
    two = [SimpleUploadedFile(name, GOOD) for name in ("tea.md", "more.md")]
    response = shelf.business.api.upload(f"{shelf.path}documents/", file=two)

    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "file")
    assert_nothing_is_left(shelf)


def test_a_form_that_is_cut_off(shelf):
    broken = "multipart/form-data"  # and no boundary
    response = shelf.business.api.client.post(f"{shelf.path}documents/", b"--x", content_type=broken)

    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_a_small_file_is_read_while_no_connection_waits(shelf, monkeypatch):
    seen = []
    read = apart.parse_apart
    monkeypatch.setattr(apart, "parse_apart", lambda *a, **k: seen.append(connection.connection) or read(*a, **k))

    assert shelf.put("tea.md", GOOD).status_code == 202
    assert seen == [None]


def test_a_file_of_more_than_50_megabytes(shelf):
    assert refusal(shelf, "huge.txt", b"tea " * (13 * 1024 * 1024 + 1)) == (413, "file_too_large")
    assert_nothing_is_left(shelf)


@pytest.mark.parametrize("name", ["liar.pdf", "liar.docx", "liar.csv", "liar", "../../etc/passwd", "x" * 200 + ".md"])
def test_a_mislabelled_file_is_read_as_what_it_is(shelf, name):
    document = shelf.keep(
        name, files.word([("Heading 1", "Tea"), ("Normal", "Green tea is brewed at eighty degrees.")])
    )

    assert document["status"] == "ready"
    assert document["media_type"].endswith("wordprocessingml.document")
    assert "/" not in document["filename"]


def test_what_cannot_be_seen_does_not_get_in(shelf):
    document = shelf.keep(
        "tea\u202egpj.md", "Green\x00 tea\u202e is \ud800brewed\u200b here.".encode("utf-8", "surrogatepass")
    )

    assert document["status"] in ("ready", "failed")
    for result in shelf.search("green tea"):
        assert not set("\x00\u202e\u200b\ud800") & set(result["text"] + result["title"])


@pytest.mark.parametrize(
    "body",
    [
        {"text": "no title"},
        {"title": "no text"},
        {"title": "", "text": "x"},
        {"title": "x", "text": ""},
        {"title": "x", "text": "\n---\n"},
        {"title": "x", "text": "y", "metadata": ["list"]},
        {"title": "x", "text": "y", "metadata": {"deep": {"er": 1}}},
        {"title": "x", "text": "y", "metadata": {"long": "z" * 20_000}},
        {"title": "x" * 400, "text": "y"},
        {"url": "http://127.0.0.1/"},
        ["a", "list"],
    ],
    ids=lambda body: str(body)[:40],
)
def test_a_wrong_text_is_refused(shelf, body):
    response = shelf.business.api.post(f"{shelf.path}documents/", body)

    assert (response.status_code, response.json()["code"]) in {(422, "invalid"), (422, "document_empty")}
    with shelf.business.scope():
        assert Document.objects.count() == 0


def test_a_body_that_is_not_json(shelf):
    response = shelf.business.api.client.post(f"{shelf.path}documents/", b"{not json", content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_an_upload_without_a_file(shelf):
    response = shelf.business.api.upload(f"{shelf.path}documents/", title="x")

    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "file")


def test_a_text_of_100_000_characters_is_only_a_long_text(shelf):
    response = shelf.write("Long", "tea " * 25_000)

    assert response.status_code == 202


@pytest.mark.parametrize("token", ["", "tk_x", "tk_" + "0" * 32 + "_" + "a" * 30])
def test_a_wrong_key(shelf, token):
    response = shelf.business.api.client.get(shelf.path, headers={"Authorization": f"Bearer {token}"})

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
