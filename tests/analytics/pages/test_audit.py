"""Whoever answers for the data sees every statement that was to run on it."""

from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business

RUNS = "/api/v1/analytics/runs/"


def test_what_ran_and_what_was_refused_is_listed_with_who_it_was(acme: Business, globex: Business) -> None:
    shop, other = make_dataset(acme, SHOP), make_dataset(acme, SHOP, name="Other")
    for sql in ("SELECT count(*) FROM orders", "DELETE FROM orders"):
        acme.api.post(f"/api/v1/analytics/datasets/{shop.pk}/run/", {"sql": sql})

    listed = acme.api.get(RUNS, dataset=str(shop.pk)).json()["results"]

    assert [(run["sql_given"], run["verdict"], run["rows"]) for run in listed] == [
        ("DELETE FROM orders", listed[0]["verdict"], 0),
        ("SELECT count(*) FROM orders", "ok", 1),
    ]
    assert listed[0]["verdict"] != "ok"
    assert listed[0]["sql_run"] == ""
    assert {run["who"]["kind"] for run in listed} == {"key"}
    assert {run["who"]["name"] for run in listed} == {f"tk_…_{acme.token.split('_')[2][:6]}"}
    assert {run["dataset_name"] for run in listed} == {"Shop"}
    assert acme.api.get(RUNS, dataset=str(other.pk)).json()["results"] == []
    assert globex.api.get(RUNS).json()["results"] == []


def test_a_key_that_only_asks_does_not_read_it(acme: Business, open_business) -> None:  # type: ignore[no-untyped-def]
    reporting = open_business("Reports", scopes=("analytics",))

    assert reporting.api.get(RUNS).status_code == 403
