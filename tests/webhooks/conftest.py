"""Acme's own server is told of what happens."""

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from jobs.models import Job
from jobs.running import run
from tests.conftest import Business
from webhooks.models import Delivery, Endpoint
from webhooks.sending import SEND
from webhooks.ticking import send_what_is_due


@pytest.fixture
def private_networks(settings: Any) -> None:
    """The operator lets webhooks into this machine."""
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, hook_networks=networks)


class Receiver:
    """A server that is told, and remembers what and how."""

    def __init__(self, http: HTTPServer) -> None:
        self.http = http
        self.requests: list[Request] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[int], Response] = lambda count: Response("", status=204)
        http.expect_request("/events", method="POST").respond_with_handler(self._take)

    @property
    def url(self) -> str:
        return self.http.url_for("/events")

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    def verified(self, secret: str, number: int = -1) -> Any:
        """One of the events, if the standard's own library believes it. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.bodies[number], dict(self.requests[number].headers))

    def _take(self, request: Request) -> Response:
        self.requests.append(request)
        self.bodies.append(request.get_data())
        return self.answer(len(self.bodies))


@pytest.fixture
def receiver(httpserver: HTTPServer, private_networks: None) -> Receiver:
    return Receiver(httpserver)


@dataclass(frozen=True)
class Hook:
    """A webhook of a business, as its API shows it."""

    business: Business
    id: str
    secret: str

    @property
    def path(self) -> str:
        return f"/api/v1/webhooks/{self.id}/"

    @property
    def shown(self) -> dict[str, Any]:
        return dict(self.business.api.get(self.path).json())

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it was told, newest first."""
        return list(self.business.api.get(f"{self.path}deliveries/", limit=100).json()["results"])


def hook_at(business: Business, url: str, **more: Any) -> Hook:
    answer = business.api.post("/api/v1/webhooks/", {"url": url, **more})
    assert answer.status_code == 201, answer.content
    return Hook(business, answer.json()["id"], answer.json()["secret"])


def tell(business: Business) -> int:
    """Let the clock tick once and a worker do what it put in line; how many jobs that were."""
    send_what_is_due()
    with business.scope():
        waiting = list(Job.objects.filter(kind=SEND, status=Job.Status.QUEUED).values_list("pk", flat=True))
    for job_id in waiting:
        run(tenant_id=business.id, job_id=job_id, worker="test")
    return len(waiting)


def wait(business: Business, span: timedelta = timedelta(days=2)) -> None:
    """So much time goes by."""
    with business.scope():
        Delivery.objects.exclude(next_try_at=None).update(next_try_at=timezone.now() - timedelta(seconds=1))
        for endpoint in Endpoint.objects.exclude(failing_since=None):
            Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=endpoint.failing_since - span)
