"""What a load balancer asks."""

from dataclasses import replace

import pytest
from django.db import OperationalError
from django.test import Client

from config import health
from embedded.ports import random_free_port
from llm.breaker import MIN_FAILURES, breaker_of
from llm.routes import platform_route
from tests.fakes.openai_server import CHAT_MODEL


def test_a_process_that_has_all_it_needs_is_ready(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "stuck_queues", list)  # other tests leave jobs in line
    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "jobs": "ok",
        "models": "none",
    }


def test_the_models_show_in_the_body_and_not_in_the_status(scripted_llm):
    response = Client().get("/readyz")

    assert (response.status_code, response.json()["models"]) == (200, "ok")


def test_a_model_that_fails_again_and_again_is_told(scripted_llm):
    breaker = breaker_of(platform_route(), CHAT_MODEL)
    for _ in range(MIN_FAILURES):
        breaker.failed()

    response = Client().get("/readyz")

    assert (response.status_code, response.json()["models"]) == (200, "degraded")
    breaker.succeeded()
    assert Client().get("/readyz").json()["models"] == "ok"


def test_a_key_without_a_model_is_no_model(settings):
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, openai_api_key="sk-alone", chat_model="")

    assert Client().get("/readyz").json()["models"] == "none"


def test_without_the_broker_it_lives_and_is_not_ready(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{random_free_port()}"

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["broker"] == "ConnectionError: no answer"
    assert response.json()["database"] == "ok"
    assert Client().get("/healthz").status_code == 200


def test_without_the_database_it_lives_and_is_not_ready(monkeypatch: pytest.MonkeyPatch):
    def be_away() -> str:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "_database", be_away)

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["database"] == "OperationalError: no answer"
    assert response.json()["broker"] == "ok"
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_before_the_migrations_it_is_not_ready(monkeypatch: pytest.MonkeyPatch):
    class Behind(health.MigrationExecutor):
        def migration_plan(self, targets: object, clean_start: bool = False) -> list[object]:
            return [object()]

    monkeypatch.setattr(health, "_migrated", False)
    monkeypatch.setattr(health, "MigrationExecutor", Behind)

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert "migrate" in response.json()["migrations"]
