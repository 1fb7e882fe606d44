"""A PostgreSQL of the tenant's own: looked into by a worker, read only, and never one inside our network."""

import ipaddress
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings as django_settings

from analytics.catalogues import catalogue_of
from analytics.models import Dataset
from analytics.running import run_sql
from tests.analytics.datasets.test_api import PATH
from tests.conftest import Business
from tests.knowledge.conftest import work_off
from tests.plugin import services


@dataclass(frozen=True)
class Warehouse:
    """Acme's own server, as far as it has one: a database of its own on ours."""

    port: int
    database: str
    user: str
    password: str

    def dsn(self, *, user: str = "", password: str = "", database: str = "", **options: str) -> str:
        place = f"127.0.0.1:{self.port}/{database or self.database}"
        given = "&".join(f"{name}={value}" for name, value in {"schema": "sales", **options}.items())
        return f"postgresql://{user or self.user}:{password or self.password}@{place}?{given}"

    def run(self, *statements: str) -> None:
        with psycopg.connect(services.superuser_url, dbname=self.database, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    mark = secrets.token_hex(4)
    made = Warehouse(
        urlsplit(services.superuser_url).port or 0, f"warehouse_{mark}", f"reader_{mark}", secrets.token_hex(12)
    )
    with psycopg.connect(services.superuser_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {made.database} TEMPLATE template0")
        server.execute(f"CREATE ROLE {made.user} LOGIN PASSWORD '{made.password}'")
    made.run(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.stores (id int PRIMARY KEY, city text)",
        "COMMENT ON TABLE sales.stores IS '门店'",
        "COMMENT ON COLUMN sales.stores.city IS '城市'",
        "CREATE TABLE sales.receipts (id int, store_id int REFERENCES sales.stores, amount numeric(10,2), pin text)",
        "CREATE VIEW sales.by_city AS SELECT city, sum(amount) FROM sales.receipts r JOIN sales.stores s "
        "ON s.id = store_id GROUP BY 1",
        "CREATE TABLE sales.hidden (word text)",
        "INSERT INTO sales.stores VALUES (1, '杭州'), (2, 'London')",
        "INSERT INTO sales.receipts VALUES (1, 1, 10.5, '0000'), (2, 2, 4, '1111')",
        f"GRANT USAGE ON SCHEMA sales TO {made.user}",
        f"GRANT SELECT ON sales.stores, sales.by_city TO {made.user}",
        f"GRANT SELECT (id, store_id, amount) ON sales.receipts TO {made.user}",
        "ANALYZE",
    )
    yield made
    with psycopg.connect(services.superuser_url, autocommit=True) as server:
        server.execute(f"DROP DATABASE {made.database} WITH (FORCE)")
        server.execute(f"DROP ROLE {made.user}")


@pytest.fixture
def private_networks(settings: Any) -> None:
    """The operator lets datasets be on this machine."""
    opened = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.ENVIRONMENT = replace(django_settings.ENVIRONMENT, dataset_networks=opened)


def put(business: Business, dsn: str) -> dict[str, Any]:
    """Send the address and have it looked into; the dataset as it then is."""
    answer = business.api.post(PATH, {"name": "Warehouse", "dsn": dsn})
    assert answer.status_code == 202, answer.content
    work_off(business)
    shown = business.api.get(f"{PATH}{answer.json()['id']}/")
    return dict(shown.json())


def test_tables_views_comments_and_keys_are_found(acme: Business, warehouse: Warehouse, private_networks: None):
    dataset = put(acme, warehouse.dsn())

    assert dataset["status"] == "ready", dataset["error"]
    assert {table["name"]: [column["name"] for column in table["columns"]] for table in dataset["tables"]} == {
        "by_city": ["city", "sum"],
        "receipts": ["id", "store_id", "amount"],  # what the user may not read is not there
        "stores": ["id", "city"],
    }
    stores = dataset["tables"][2]
    assert (stores["description"], stores["row_count"]) == ("门店", 2)
    assert stores["columns"][1]["description"] == "城市"
    assert dataset["warnings"] == []
    assert dataset["address"] == {
        "host": "127.0.0.1", "port": warehouse.port, "database": warehouse.database, "user": warehouse.user,
        "schema": "sales",
    }  # fmt: skip
    with acme.scope():
        (join,) = catalogue_of(Dataset.objects.get(pk=dataset["id"])).joins
    assert (join.left, join.right) == (("receipts", "store_id"), ("stores", "id"))


def test_questions_run_there(acme: Business, alice: Any, warehouse: Warehouse, private_networks: None):
    made = put(acme, warehouse.dsn())
    with acme.scope():
        dataset = Dataset.objects.get(pk=made["id"])

    result = run_sql(dataset, "SELECT city FROM stores ORDER BY id", origin="written", asker=alice)

    assert result.rows == [("杭州",), ("London",)]


def test_the_password_is_shown_nowhere(acme: Business, warehouse: Warehouse, private_networks: None):
    made = put(acme, warehouse.dsn())

    shown = [acme.api.get(PATH), acme.api.get(f"{PATH}{made['id']}/"), acme.api.patch(f"{PATH}{made['id']}/", {})]

    assert all(warehouse.password not in answer.content.decode() for answer in shown)
    with acme.scope():
        row = Dataset.objects.get(pk=made["id"])
        assert row.password == warehouse.password
        assert warehouse.password not in str(Dataset.objects.values().get(pk=made["id"]))


def test_a_change_there_is_seen_when_asked_for_and_what_was_said_stays(
    acme: Business, warehouse: Warehouse, private_networks: None
):
    made = put(acme, warehouse.dsn())
    with acme.scope():
        dataset = Dataset.objects.get(pk=made["id"])
        dataset.tables.filter(name="stores").update(label="分店")
        version = dataset.version
    warehouse.run("CREATE TABLE sales.news (at date)", f"GRANT SELECT ON sales.news TO {warehouse.user}")

    assert acme.api.post(f"{PATH}{made['id']}/refresh/").status_code == 202
    work_off(acme)

    seen = acme.api.get(f"{PATH}{made['id']}/").json()
    assert {"news": "", "stores": "分店"}.items() <= {each["name"]: each["label"] for each in seen["tables"]}.items()
    assert seen["version"] > version
    warehouse.run("DROP TABLE sales.news")


def test_a_user_who_may_write_is_warned_about(acme: Business, warehouse: Warehouse, private_networks: None):
    warehouse.run(f"GRANT INSERT ON sales.stores TO {warehouse.user}")

    dataset = put(acme, warehouse.dsn())

    assert (dataset["status"], len(dataset["warnings"])) == ("ready", 1)
    warehouse.run(f"REVOKE INSERT ON sales.stores FROM {warehouse.user}")


def test_a_superuser_is_refused(acme: Business, warehouse: Warehouse, private_networks: None):
    root = urlsplit(services.superuser_url)

    dataset = put(acme, warehouse.dsn(user=root.username or "", password=root.password or ""))

    assert (dataset["status"], dataset["error"]["code"]) == ("failed", "dataset_role_too_strong")
    assert dataset["tables"] == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"password": "wrong-silver-7731"}, "dataset_login_refused"),
        ({"database": "nowhere"}, "dataset_database_missing"),
        ({"schema": "nothing"}, "dataset_schema_empty"),
    ],
)
def test_what_does_not_work_says_why_and_repeats_no_secret(
    acme: Business, warehouse: Warehouse, private_networks: None, changed: dict[str, str], code: str
):
    dataset = put(acme, warehouse.dsn(**changed))

    assert (dataset["status"], dataset["error"]["code"]) == ("failed", code)
    assert "silver" not in str(dataset)
    assert warehouse.password not in str(dataset)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "169.254.169.254", "10.0.0.1"])
def test_nothing_inside_the_operators_network_is_called(acme: Business, warehouse: Warehouse, host: str):
    dataset = put(acme, warehouse.dsn().replace("127.0.0.1", host))

    assert (dataset["status"], dataset["error"]["code"]) == ("failed", "dataset_unreachable")
