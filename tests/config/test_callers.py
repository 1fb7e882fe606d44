"""Calls with a key take a shorter way to asynchronous views, and get what every answer has."""

import httpx2
import pytest
from asgiref.sync import SyncToAsync

from tests.npc.conftest import game, server, world

__all__ = ["game", "server", "world"]

NOBODY = "019a0000-0000-7000-8000-000000000000"


@pytest.fixture
def call(server, acme, game):
    def post(session_id=game.id, **headers):
        url = f"{server.http}/api/v1/npc/sessions/{session_id}/warm/"
        return httpx2.post(url, json={"characters": []}, headers={**acme.headers, **headers}, timeout=20)

    return post


def test_an_answer_has_its_id_and_its_guards(call):
    answer = call(**{"X-Request-Id": "mine-1"})

    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in ("x-request-id", "x-content-type-options", "x-frame-options")} == {
        "x-request-id": "mine-1",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    assert "set-cookie" not in answer.headers


def test_a_refusal_speaks_the_callers_language(call):
    english, chinese = call(NOBODY, **{"Accept-Language": "en"}), call(NOBODY, **{"Accept-Language": "zh-hans"})

    assert (english.status_code, chinese.status_code) == (404, 404)
    assert english.json()["detail"] == "There is no such session."
    assert chinese.json()["detail"] not in ("", english.json()["detail"])


def test_a_host_that_is_not_ours_is_refused(call):
    assert call(Host="evil.example").status_code == 400


def test_a_wrong_method_and_a_missing_key_are_told(server, game):
    url = f"{server.http}/api/v1/npc/sessions/{game.id}/warm/"

    assert httpx2.get(url).status_code == 405
    assert httpx2.post(url).status_code == 401


def test_a_call_changes_no_thread_but_for_the_database(call, monkeypatch):
    told, run = [], SyncToAsync.__call__
    monkeypatch.setattr(SyncToAsync, "__call__", lambda self, *args: (told.append(self.func), run(self, *args))[1])

    assert call().status_code == 200

    assert told == []


def test_a_fault_of_ours_is_told_with_the_name_of_the_request(call, monkeypatch, caplog):
    monkeypatch.setattr("npc.api.warm.json_body", lambda _: 1 / 0)

    answer = call(**{"X-Request-Id": "mine-2"})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine-2"
    assert "ZeroDivisionError" in caplog.text
