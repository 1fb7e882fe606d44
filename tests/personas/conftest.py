"""The innkeeper whom Acme puts in front of its guests, and what it takes to try him."""

from collections.abc import Callable
from typing import Any

import pytest

INNKEEPER = {
    "slug": "innkeeper",
    "name": "Bram the Innkeeper",
    "kind": "customer_service",
    "settings": {"instructions": "You keep the inn at the ford.", "greeting": "Come in, traveller."},
}


@pytest.fixture
def innkeeper(acme: Any) -> dict[str, Any]:
    """A draft of Acme's, as the API shows it."""
    return draft(acme, **INNKEEPER)


def draft(business: Any, **fields: Any) -> dict[str, Any]:
    response = business.api.post("/api/v1/personas/", INNKEEPER | fields)
    assert response.status_code == 201, response.content
    return dict(response.json())


@pytest.fixture
def open_base() -> Callable[..., Any]:
    """Make an empty knowledge base of a business."""
    from knowledge.models import KnowledgeBase

    def open_one(business: Any, slug: str) -> Any:
        with business.scope():
            return KnowledgeBase.objects.create(slug=slug, name=slug.title())

    return open_one


def wrong_fields(response: Any) -> dict[str, str]:
    """The fields that a 422 names, each with what it says."""
    assert response.status_code == 422, response.content
    body = response.json()
    assert body["code"] == "invalid"
    return {error["field"]: error["detail"] for error in body["errors"]}
