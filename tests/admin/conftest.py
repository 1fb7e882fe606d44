"""Alice owns Acme; Edda edits there, Arno answers people, Vera only looks. Olga operates the platform."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from uuid_utils.compat import uuid7

from tenants.adminsite.seats import CHOICE
from tenants.models import Member, User
from tenants.provisioning import add_member
from tests.conftest import Business

PASSWORD = "three-silver-spoons"


@dataclass
class Worker:
    """A person signed in to the admin."""

    user: User
    client: Client

    def sees(self, path: str, **query: Any) -> Any:
        """The page, which must be there."""
        response = self.client.get(path, query)
        assert response.status_code == 200, (path, response.status_code, response.headers.get("Location"))
        return response

    def posts(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, fields)

    def enters(self, business: Business) -> None:
        assert self.posts("/admin/choose/enter/", tenant=str(business.id)).status_code == 302

    @property
    def chosen(self) -> UUID | None:
        value = self.client.session.get(CHOICE)
        return UUID(value) if value else None


@cache
def hashed_password() -> str:
    """Hashing is slow by design; everyone here has the same password."""
    return make_password(PASSWORD)


def sign_in(user: User, **client_options: Any) -> Worker:
    client = Client(**client_options)
    client.force_login(user)
    return Worker(user, client)


@pytest.fixture
def hire() -> Callable[..., Worker]:
    """Give somebody a place in a business, and sign him in."""

    def hire_one(business: Business, role: str = Member.Role.OWNER, name: str = "alice") -> Worker:
        email = f"{name}-{uuid7().hex[-12:]}@example.com"
        user = add_member(tenant=business.tenant, email=email, role=role).user
        user.password = hashed_password()
        user.save()
        return sign_in(user)

    return hire_one


@pytest.fixture
def alice(acme: Business, hire: Callable[..., Worker]) -> Worker:
    """Owns Acme."""
    return hire(acme)


@pytest.fixture
def edda(acme: Business, hire: Callable[..., Worker]) -> Worker:
    """Edits Acme's documents and personas."""
    return hire(acme, Member.Role.EDITOR, "edda")


@pytest.fixture
def arno(acme: Business, hire: Callable[..., Worker]) -> Worker:
    """Answers Acme's customers."""
    return hire(acme, Member.Role.AGENT, "arno")


@pytest.fixture
def vera(acme: Business, hire: Callable[..., Worker]) -> Worker:
    """Looks, and changes nothing."""
    return hire(acme, Member.Role.VIEWER, "vera")


@pytest.fixture
def olga() -> Worker:
    """Operates the platform, and belongs to no tenant."""
    email = f"olga-{uuid7().hex[-12:]}@example.com"
    return sign_in(User.objects.create(email=email, password=hashed_password(), is_staff=True, is_superuser=True))
