"""Acme's shelf of documents, and the worker that reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs.models import Job
from jobs.running import run
from knowledge import tasks  # registers the handlers
from tests.conftest import Business

assert tasks


@dataclass(frozen=True)
class Shelf:
    """One knowledge base of a business, used through the API as the business would."""

    business: Business
    id: str

    @property
    def path(self) -> str:
        return f"/api/v1/knowledge-bases/{self.id}/"

    def put(self, name: str, data: bytes, **fields: Any) -> Any:
        """Upload a file; the answer as it is."""
        upload = SimpleUploadedFile(name, data, content_type="application/octet-stream")
        return self.business.api.upload(f"{self.path}documents/", file=upload, **fields)

    def write(self, title: str, text: str, **fields: Any) -> Any:
        """Send a text; the answer as it is."""
        return self.business.api.post(f"{self.path}documents/", {"title": title, "text": text, **fields})

    def keep(self, name: str, data: bytes | str, **fields: Any) -> dict[str, Any]:
        """Upload a file or send a text and have it read; the document as it then is."""
        response = self.write(name, data, **fields) if isinstance(data, str) else self.put(name, data, **fields)
        assert response.status_code == 202, response.content
        work_off(self.business)
        return self.document(response.json()["id"])

    def document(self, document_id: str) -> dict[str, Any]:
        return dict(self.business.api.get(f"/api/v1/documents/{document_id}/").json())

    def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        response = self.business.api.post(f"{self.path}search/", {"query": query, **fields})
        assert response.status_code == 200, response.content
        return list(response.json()["results"])


def work_off(business: Business, most: int = 100) -> None:
    """Do all jobs of the business that wait, as a worker would."""
    for _ in range(most):
        with business.scope():
            waiting = Job.objects.filter(status=Job.Status.QUEUED).order_by("created_at").first()
            if waiting is None:
                return
            Job.objects.filter(pk=waiting.pk).update(available_at=waiting.created_at)
        run(tenant_id=business.id, job_id=waiting.pk, worker="test")
    raise AssertionError("The work never ends.")


@pytest.fixture(scope="session")
def open_shelf() -> Callable[..., Shelf]:
    def open_one(business: Business, name: str = "Handbook", **fields: Any) -> Shelf:
        response = business.api.post("/api/v1/knowledge-bases/", {"name": name, **fields})
        assert response.status_code == 201, response.content
        return Shelf(business, response.json()["id"])

    return open_one


@pytest.fixture
def shelf(acme: Business, open_shelf: Callable[..., Shelf]) -> Shelf:
    """Acme's handbook."""
    return open_shelf(acme)
