"""/ask/ lets members in, to their own tenant, with the rights of their role."""

import re
from typing import Any

import pytest
from django.test import Client
from uuid_utils.compat import uuid7

from analytics.models import Dataset, Question
from tenants.models import Member
from tests.admin.conftest import Worker, alice, edda, hire
from tests.conftest import Business

__all__ = ["alice", "edda", "hire"]

PAGES = ("/ask/", "/ask/data/", "/ask/saved/", "/ask/history/")


@pytest.fixture
def sales(acme: Business) -> Dataset:
    with acme.scope():
        dataset: Dataset = Dataset.objects.create(name="Sales", kind="files", status="ready")
    return dataset


@pytest.fixture
def asked(acme: Business, sales: Dataset) -> Question:
    with acme.scope():
        question: Question = Question.objects.create(dataset=sales, question="How much?", status="ready")
    return question


@pytest.mark.parametrize("path", PAGES)
def test_whoever_is_not_signed_in_signs_in_first_and_comes_back(path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 302
    assert answer["Location"] == f"/admin/login/?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_a_member_sees_the_pages_and_nothing_comes_from_elsewhere(alice: Worker, acme: Business, path: str) -> None:
    answer = alice.sees(path)

    assert acme.tenant.name in answer.text
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"


def test_a_member_of_several_tenants_chooses_one_and_lands_where_he_wanted_to_be(
    hire: Any, acme: Business, globex: Business
) -> None:
    olivia = hire(acme)
    with globex.scope():
        Member.objects.create(user=olivia.user, role=Member.Role.VIEWER)

    answer = olivia.client.get("/ask/data/")
    assert answer["Location"] == "/admin/choose/?next=%2Fask%2Fdata%2F"
    assert 'name="next" value="/ask/data/"' in olivia.sees(answer["Location"]).text
    entered = olivia.posts("/admin/choose/enter/", tenant=str(globex.id), next="/ask/data/")

    assert entered["Location"] == "/ask/data/"
    assert globex.tenant.name in olivia.sees("/ask/data/").text
    away = olivia.posts("/admin/choose/enter/", tenant=str(acme.id), next="https://evil.example/")
    assert away["Location"] == "/admin/"


def test_permalinks_are_for_ones_own_tenant(
    alice: Worker, hire: Any, globex: Business, asked: Question, sales: Dataset
) -> None:
    mallory = hire(globex, name="mallory")

    for path in (f"/ask/q/{asked.pk}/", f"/ask/data/{sales.pk}/"):
        alice.sees(path)
        answer = mallory.client.get(path)
        assert answer.status_code == 404
        assert "How much?" not in answer.text
        never = re.sub(r"[0-9a-f-]{36}", str(uuid7()), path)
        assert answer.text == mallory.client.get(never).text


def test_who_ran_what_is_for_editors(hire: Any, acme: Business, alice: Worker) -> None:
    vera = hire(acme, role=Member.Role.VIEWER, name="vera")

    assert vera.client.get("/ask/history/").status_code == 404
    assert "/ask/history/" not in vera.sees("/ask/").text
    assert "/ask/history/" in alice.sees("/ask/").text
