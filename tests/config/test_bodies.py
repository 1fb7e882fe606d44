"""A body that is too large is refused before it is taken in: by its stated length, or where it goes on too long."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from config import bodies
from knowledge.models import Document
from tests.chat.stage import InProcessServer

GIGABYTE = 1024**3
MEGABYTE = 1024**2


@pytest.fixture(scope="module")
def server(database: None) -> Iterator[InProcessServer]:
    with InProcessServer(lifespan="off") as running:
        yield running


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


class Wire:
    """A connection on which a client may send less, or more, than it should."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def begin(self, path: str, **headers: str) -> None:
        lines = [
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def sends_chunk(self, data: bytes) -> bool:
        """Whether the server still takes it."""
        try:
            self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        except OSError:
            return False
        return True

    def answer(self) -> Answer:
        """What is answered until the server hangs up."""
        received = b""
        while piece := self.socket.recv(65536):
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(int(status.split()[1]), headers, json.loads(body))


@pytest.fixture
def wire(server: InProcessServer) -> Iterator[Wire]:
    wire = Wire(server.port)
    with wire.socket:
        yield wire


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server hangs up on whom it has refused: he waits for that here, and no test is of how long."""
    monkeypatch.setattr(bodies, "LINGER_S", 0.2)


@pytest.fixture
def documents(acme: Any) -> str:
    """Where Alice's uploads go."""
    base = acme.api.post("/api/v1/knowledge-bases/", {"name": "Handbook"}).json()
    return f"/api/v1/knowledge-bases/{base['id']}/documents/"


@pytest.mark.parametrize(("language", "says"), [("en", "too large"), ("zh-CN", "文件太大")])
def test_an_upload_that_says_it_is_huge_is_refused_unread(wire, acme, documents, soon, language, says):
    wire.begin(
        documents,
        **acme.headers,
        Content_Type="multipart/form-data; boundary=x",
        Content_Length=str(GIGABYTE),
        Accept_Language=language,
        X_Request_Id="upload-7",
    )

    answer = wire.answer()  # not one byte of the body was sent

    assert (answer.status, answer.body["code"]) == (413, "file_too_large")
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.body["detail"]
    assert answer.body["request_id"] == answer.headers["x-request-id"] == "upload-7"
    with acme.scope():
        assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("path", "code_of"),
    [("/api/v1/personas/", lambda body: body["code"]), ("/v1/chat/completions", lambda body: body["error"]["code"])],
)
def test_any_other_body_is_refused_in_the_words_of_its_api(wire, acme, soon, path, code_of):
    wire.begin(path, **acme.headers, Content_Type="application/json", Content_Length=str(GIGABYTE))

    answer = wire.answer()

    assert (answer.status, code_of(answer.body)) == (413, "body_too_large")


def test_an_upload_that_tells_no_length_is_read_as_far_as_the_limit(wire, acme, documents, soon, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", MEGABYTE)
    wire.begin(documents, **acme.headers, Content_Type="multipart/form-data; boundary=x", Transfer_Encoding="chunked")

    taken = sum(wire.sends_chunk(b"x" * 65536) for _ in range(17))

    assert taken == 17
    answer = wire.answer()
    assert (answer.status, answer.body["code"]) == (413, "file_too_large")
    with acme.scope():
        assert not Document.objects.exists()


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nGreen tea\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("content_type", "pieces"),
    [
        ("multipart/form-data; boundary=x", [PART[:70], PART[70:]]),
        ("application/json", [b'{"title": "Tea", ', b'"text": "Green tea"}']),
    ],
)
def test_a_body_in_chunks_is_taken_like_any_other(wire, acme, documents, content_type, pieces):
    wire.begin(documents, **acme.headers, Content_Type=content_type, Transfer_Encoding="chunked", Connection="close")
    for piece in [*pieces, b""]:
        wire.sends_chunk(piece)

    answer = wire.answer()

    assert (answer.status, answer.body["status"], answer.body["size_bytes"]) == (202, "queued", len("Green tea"))


def test_who_sends_on_and_on_is_hung_up_on(wire, acme, documents, soon, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", MEGABYTE)
    wire.begin(documents, **acme.headers, Content_Type="multipart/form-data; boundary=x", Transfer_Encoding="chunked")

    most = GIGABYTE // MEGABYTE
    assert sum(1 for _ in iter(lambda: wire.sends_chunk(b"x" * MEGABYTE), False)) < most


def test_a_file_of_the_size_that_is_allowed_comes_in(wire, acme, documents, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BODY_BYTES", len(PART))
    wire.begin(
        documents,
        **acme.headers,
        Content_Type="multipart/form-data; boundary=x",
        Content_Length=str(len(PART)),
        Connection="close",
    )
    wire.socket.sendall(PART)

    answer = wire.answer()

    assert (answer.status, answer.body["status"]) == (202, "queued")
