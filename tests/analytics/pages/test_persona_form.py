"""Edda gives a persona a dataset as a tool, in the persona's form, by the dataset's name."""

from typing import Any

import pytest

from analytics.datasets.keeping import delete_dataset
from personas.models import Persona
from personas.publishing import create_persona
from tests.admin.conftest import Worker, edda, hire
from tests.admin.test_work import save
from tests.analytics.conftest import make_dataset
from tests.conftest import Business

__all__ = ["edda", "hire"]

TINY = {"orders": ([("id", "integer")], [(1,)])}


@pytest.fixture
def helper(acme: Business) -> Persona:
    with acme.scope():
        return create_persona(tenant_id=acme.id, slug="helper", name="Helper", kind="customer_service", settings={})


def settings_of(business: Business) -> dict[str, Any]:
    with business.scope():
        return dict(Persona.objects.get().settings)


def test_a_dataset_is_chosen_by_its_name_and_left_out_once_it_is_gone(
    edda: Worker, acme: Business, helper: Persona
) -> None:
    path = f"/admin/personas/persona/{helper.pk}/change/"
    shop = make_dataset(acme, TINY, name="茶铺销售")
    tool = f"dataset:{shop.pk}"
    assert "茶铺销售" in edda.sees(path).content.decode()

    assert save(edda, helper, settings__tools=[tool]).status_code == 302
    assert settings_of(acme) == {"tools": [tool]}
    assert save(edda, helper).status_code == 302
    assert settings_of(acme) == {"tools": [tool]}, "saved untouched it stays"

    with acme.scope():
        delete_dataset(shop)
    assert tool not in edda.sees(path).content.decode()
    assert save(edda, helper).status_code == 302
    assert settings_of(acme) == {}


def test_a_neighbours_dataset_is_neither_offered_nor_taken(
    edda: Worker, acme: Business, globex: Business, helper: Persona
) -> None:
    theirs = make_dataset(globex, TINY, name="Vaults of Globex")
    page = edda.sees(f"/admin/personas/persona/{helper.pk}/change/").content.decode()
    assert "Vaults of Globex" not in page

    answer = save(edda, helper, settings__tools=[f"dataset:{theirs.pk}"])
    assert "Select a valid choice" in answer.content.decode()
    assert settings_of(acme) == {}
