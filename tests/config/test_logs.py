"""Whoever reports a failure names its request, and the log knows which lines are of it."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from config import logs
from tenants import authentication


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What our own handler writes."""
    [console] = [handler for handler in logging.getLogger().handlers if any_names_request(handler)]
    written = io.StringIO()
    former = console.setStream(written)  # type: ignore[attr-defined]
    yield written
    console.setStream(former)  # type: ignore[attr-defined]


def any_names_request(handler: logging.Handler) -> bool:
    return any(isinstance(found, logs.NameRequest) for found in handler.filters)


@pytest.fixture
def broken(acme: Any, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Alice's client, on a day when no key can be read."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(authentication, "parse_token", fail)
    return Client(raise_request_exception=False, headers=acme.headers)


def test_a_failure_is_found_in_the_log_by_the_callers_own_id(broken, log):
    answer = broken.get("/api/v1/me/", headers={"X-Request-Id": "order-7.a_b"})

    assert answer.json()["request_id"] == answer["X-Request-Id"] == "order-7.a_b"
    assert "ERROR django.request [order-7.a_b]: Internal Server Error: /api/v1/me/" in log.getvalue()


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a\tb", "<script>", "ü", "a]\x1b[31m"])
def test_an_id_that_could_mislead_is_replaced(broken, log, sent):
    answer = broken.get("/api/v1/me/", headers={"X-Request-Id": sent})

    made = answer["X-Request-Id"]
    assert made != sent
    assert len(made) == 36
    assert answer.json()["request_id"] == made
    assert f"[{made}]" in log.getvalue()


def test_each_request_has_its_own(acme, log):
    first, second = (acme.api.get("/api/v1/nothing/") for _ in range(2))

    assert first["X-Request-Id"] != second["X-Request-Id"]


async def test_an_asynchronous_view_keeps_it_on_every_thread(acme, log, async_client, monkeypatch):
    def say(*_: Any) -> None:
        logging.getLogger("troupe.test").info("Looking for the key")
        raise ZeroDivisionError

    monkeypatch.setattr(authentication, "parse_token", say)
    async_client.raise_request_exception = False

    await async_client.get("/v1/models", headers={**acme.headers, "X-Request-Id": "async-1"})

    assert "INFO troupe.test [async-1]: Looking for the key" in log.getvalue()


def test_outside_of_a_request_there_is_none(log):
    token = logs.request_id.set("")
    logging.getLogger("troupe.test").info("The clock ticks")
    logs.request_id.reset(token)

    assert log.getvalue() == "INFO troupe.test: The clock ticks\n"
