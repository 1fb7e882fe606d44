"""Prices with dates: a call pays what its model cost on its own day, however the list goes on."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from llm.metering import Payer, record_call
from llm.models import ModelCall, PlatformPrice, Price
from llm.prices import forget_prices
from llm.routes import resolve_route, tariff_of
from llm.types import Usage
from tests.conftest import Business
from tests.llm.test_routes import add_route

SUMMER, AUTUMN, WINTER, SPRING = (datetime(2026, month, 1, tzinfo=UTC) for month in (6, 9, 11, 12))


@pytest.fixture(autouse=True)
def operators_list(acme: Business) -> Iterator[None]:
    """What the operator asks for a million tokens of output: 20 from autumn on, from winter on half of it."""
    for output, day in ((10, WINTER), (20, AUTUMN)):
        PlatformPrice.objects.create(model="large", output=output, valid_from=day)
    forget_prices()
    yield
    PlatformPrice.objects.all().delete()
    forget_prices()


def call_on(day: datetime, business: Business, route: str = "fast") -> str:
    """A call with a thousand tokens of output at some moment; what it cost, in thousandths."""
    with pytest.MonkeyPatch.context() as patch, business.scope():
        patch.setattr(timezone, "now", lambda: day)
        found = resolve_route(business.id, route)
        call = record_call(route=found, usage=Usage(0, 1000), duration_ms=10, payer=Payer())
        ModelCall.objects.filter(pk=call.pk).update(at=day)
    return f"{(call.cost * 1000).normalize():f} {call.currency}"


def test_a_call_pays_the_price_of_its_day(acme: Business) -> None:
    with acme.scope():
        add_route("fast")

    costs = [call_on(day, acme) for day in (SUMMER, AUTUMN, datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), WINTER)]

    assert costs == ["0 USD", "20 USD", "20 USD", "10 USD"]
    spent = acme.api.get("/api/v1/usage/", by="day", **{"from": "2026-06-01", "to": "2026-12-01"}).json()["results"]
    assert [(row["group"], row["cost"]) for row in spent] == [
        ("2026-06-01", 0), ("2026-09-01", 0.02), ("2026-10-31", 0.02), ("2026-11-01", 0.01),
    ]  # fmt: skip


def test_a_price_that_changes_later_leaves_what_was_paid(acme: Business) -> None:
    with acme.scope():
        add_route("fast")
    call_on(AUTUMN, acme)

    PlatformPrice.objects.create(model="large", output=99, valid_from=AUTUMN.replace(day=2))
    forget_prices()

    assert call_on(AUTUMN.replace(day=3), acme) == "99 USD"
    with acme.scope():
        assert ModelCall.objects.order_by("at").values_list("cost", flat=True)[0] == Decimal("0.02")


def test_a_tenants_own_price_goes_first_from_its_day_on_and_for_it_alone(acme: Business, globex: Business) -> None:
    for business in (acme, globex):
        with business.scope():
            add_route("fast")
            add_route("good")
    with acme.scope():
        Price.objects.create(model="large", output=7, currency="CNY", valid_from=WINTER)
        Price.objects.create(model="large", output=5, currency="CNY", valid_from=WINTER, route="good")
        Price.objects.create(model="large", output=6, currency="CNY", valid_from=SPRING)
    forget_prices()

    assert [call_on(day, acme) for day in (AUTUMN, WINTER, SPRING)] == ["20 USD", "7 CNY", "6 CNY"]
    # A price on one route goes before a newer one on all of them.
    assert [call_on(day, acme, "good") for day in (AUTUMN, WINTER, SPRING)] == ["20 USD", "5 CNY", "5 CNY"]
    assert call_on(SPRING, globex) == "10 USD"


def test_what_another_model_costs_then_can_be_asked(acme: Business) -> None:
    with acme.scope():
        add_route("fast")
        route = resolve_route(acme.id, "fast")

    assert [tariff_of(route, "large", day).output for day in (SUMMER, AUTUMN, WINTER)] == [0, 20, 10]
    assert tariff_of(route, "small", WINTER).output == 0
