"""A dataset's own role reads its own schema, and nothing else of the database."""

from typing import Any

import psycopg

from analytics.catalogues import catalogue_of
from analytics.datasets.roles import parameters_of
from tests.conftest import Business


def as_role(dataset: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(**parameters_of(dataset.role_name, dataset.password), autocommit=True)


def test_the_role_reads_its_own_tables(shop):
    with as_role(shop) as connection:
        assert connection.execute("SELECT count(*), sum(quantity) FROM orders").fetchone() == (6, 12)


def test_the_catalogue_names_what_may_be_read(acme: Business, shop):
    with acme.scope():
        catalogue = catalogue_of(shop)

    assert catalogue.schema == shop.schema_name
    assert [table.name for table in catalogue.tables] == ["customers", "orders"]
    assert catalogue.tables[1].label == "订单"
    assert catalogue.tables[1].column("amount").type == "numeric(10,2)"
