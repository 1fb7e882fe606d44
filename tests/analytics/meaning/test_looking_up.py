"""Linking over what is stored of a dataset."""

import pytest

from analytics.catalogues import catalogue_of
from analytics.meaning import link, linking, said_values
from analytics.meaning.values import keys_of, words_of
from analytics.models import KnownValue, TableVector
from llm.errors import ProviderUnavailable
from llm.routes import platform_route
from tests.conftest import Business


def linked(business, dataset, question):
    with business.scope():
        catalogue = catalogue_of(dataset)
    values = said_values(dataset, catalogue, question)
    return link(dataset, catalogue, question, values=values, route=platform_route())


def know(business: Business, dataset, column_name: str, value: str) -> None:
    with business.scope():
        column = next(c for t in dataset.tables.all() for c in t.columns.all() if c.name == column_name)
        for key, is_whole in keys_of(value, frozenset(words_of(value))).items():
            KnownValue.objects.create(dataset=dataset, column=column, value=value, key=key, is_whole=is_whole)


@pytest.fixture
def many_tables(monkeypatch):
    """As if the shop had too many for a model to be shown all."""
    monkeypatch.setattr(linking, "FEW_TABLES", 0)


@pytest.mark.usefixtures("many_tables")
def test_vectors_of_tables_are_made_once_and_again_when_a_table_changes(acme, shop):
    assert linked(acme, shop, "各城市的客户 Quito Lima Bogota").tables[0][0].name == "customers"
    with acme.scope():
        first = {row.table_id: bytes(row.vector) for row in TableVector.objects.filter(dataset=shop)}
        table = shop.tables.get(name="orders")
        table.description = "一切买卖"
        table.save()

    linked(acme, shop, "各城市的客户 Quito Lima Bogota")

    with acme.scope():
        second = {row.table_id: bytes(row.vector) for row in TableVector.objects.filter(dataset=shop)}
    assert first.keys() == second.keys()
    assert [table_id for table_id in first if first[table_id] != second[table_id]] == [table.pk]


@pytest.mark.parametrize("question", ["北京星辰科技有限公司买了什么", "星辰科技的订单", "orders of 星辰"])
def test_values_are_found_in_full_and_by_a_telling_word(acme, shop, question):
    know(acme, shop, "note", "北京星辰科技有限公司")
    assert ("orders", "note", "北京星辰科技有限公司") in [found[:3] for found in linked(acme, shop, question).values]


@pytest.mark.parametrize("change", [{"pii": "name"}, {"samples_off": True}])
def test_values_of_personal_columns_are_never_found(acme, shop, change):
    know(acme, shop, "note", "王小明")
    with acme.scope():
        column = shop.tables.get(name="orders").columns.get(name="note")
        for name, value in change.items():
            setattr(column, name, value)
        column.save()
    assert linked(acme, shop, "王小明的订单").values == ()


def test_a_neighbours_values_are_not_found(acme, globex, shop, build_dataset):
    theirs = build_dataset(globex, {"orders": ([("note", "text")], [])})
    know(globex, theirs, "note", "Mallory's vault")
    assert linked(acme, shop, "mallory's vault").values == ()
    assert linked(globex, theirs, "mallory's vault").values != ()


@pytest.mark.usefixtures("many_tables")
def test_without_the_provider_words_decide(acme, shop, monkeypatch):
    def unavailable(*_args, **_options):
        raise ProviderUnavailable("gone")

    monkeypatch.setattr("analytics.meaning.looking_up.embed_in_worker", unavailable)
    assert linked(acme, shop, "Quito Lima 的客户").tables[0][0].name == "customers"


def test_of_few_tables_words_decide_where_they_can(acme, shop):
    assert linked(acme, shop, "各城市的客户").tables[0][0].name == "customers"
    with acme.scope():
        assert not TableVector.objects.filter(dataset=shop).exists()
