"""The usage page: what members see of their own tenant's month, and what they take away as a file."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from llm.metering import Payer, record_call
from llm.models import Budget, ModelCall
from llm.pages.months import Month, chart_of
from llm.types import RouteConfig, Usage
from personas.publishing import create_persona
from tenants.models import Member
from tenants.provisioning import add_member
from tests.conftest import Business

DEAR = RouteConfig("dear", "openai", "https://models.example/v1", chat_model="large", price_output=Decimal(1000))


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    def sign_in_as(business: Business, role: str = Member.Role.VIEWER) -> Client:
        with business.scope():
            member = add_member(
                tenant=business.tenant,
                email=f"{role}@{business.tenant.slug}.example",
                role=role,
                password="s3cret-walrus",
            )
        client = Client(headers={"Accept-Language": "en"})
        client.force_login(member.user)
        return client

    return sign_in_as


def use(business: Business, tokens: int = 500, **payer: Any) -> ModelCall:
    with business.scope():
        return record_call(route=DEAR, usage=Usage(1000, tokens), duration_ms=10, payer=Payer(**payer))


def test_a_member_sees_the_month(acme: Business, sign_in: Callable[..., Client]) -> None:
    with acme.scope():
        inn = create_persona(tenant_id=acme.id, slug="inn", name="Innkeeper", kind="companion", settings={})
        Budget.objects.create(amount=Decimal(1))
    use(acme, persona_id=inn.pk, end_user="carol")
    use(acme, 350)

    page = sign_in(acme).get("/usage/", {"by": "persona"}).content.decode()

    assert "0.85 USD of 1.00 USD" in page
    assert "Running low" in page
    assert "Innkeeper" in page
    assert "Nobody in particular" in page
    assert "2,000" in page  # tokens read


def test_nobody_sees_a_neighbours_month(acme: Business, globex: Business, sign_in: Callable[..., Client]) -> None:
    use(acme, end_user="carol-of-acme")
    mallory = sign_in(globex, Member.Role.OWNER)

    for address in ("/usage/?by=end_user", "/usage/usage.csv?by=end_user"):
        assert "carol-of-acme" not in mallory.get(address).content.decode()
    assert "Nothing was used in this month" in mallory.get("/usage/").content.decode()
    assert Client().get("/usage/").status_code == 302
    assert Client().get("/usage/usage.csv").status_code == 302


def test_the_file_runs_no_formula(acme: Business, sign_in: Callable[..., Client]) -> None:
    use(acme, end_user='=HYPERLINK("http://evil.example","x")')
    use(acme, end_user="卡罗尔")

    answer = sign_in(acme).get("/usage/usage.csv", {"by": "end_user"})

    assert answer.headers["Content-Type"].startswith("text/csv")
    text = answer.content.decode("utf-8-sig")
    rows = {row["end_user_id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows.keys() == {'\'=HYPERLINK("http://evil.example","x")', "卡罗尔"}
    assert rows["卡罗尔"]["cost"].rstrip("0") == "0.5"
    assert rows["卡罗尔"]["output_tokens"] == "500"


def test_the_page_speaks_chinese(acme: Business, sign_in: Callable[..., Client]) -> None:
    page = sign_in(acme).get("/usage/", headers={"Accept-Language": "zh-CN"}).content.decode()

    assert "用量与费用" in page
    assert 'lang="zh-hans"' in page


@pytest.mark.parametrize("month", ["2026-13", "x", "", "9999-01", "0000-00"])
def test_a_month_that_is_none_is_this_one(acme: Business, sign_in: Callable[..., Client], month: str) -> None:
    assert sign_in(acme).get("/usage/", {"month": month, "by": "nonsense"}).status_code == 200
    assert Month.parse(month) == Month.now()


def test_months_have_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    january = Month(2026, 1)
    assert (str(january.before), str(january.after), january.days) == ("2025-12", "2026-02", 31)
    assert Month.now().after is None


def test_a_forecast_goes_on_as_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    from llm.pages import months

    monkeypatch.setattr(months.timezone, "now", lambda: datetime(2026, 11, 16, tzinfo=UTC))

    assert Month(2026, 11).forecast(Decimal(15)) == 30
    assert Month(2026, 10).forecast(Decimal(15)) is None


def test_a_chart_has_a_bar_for_each_day() -> None:
    rows = [
        {"group": "2026-11-01", "currency": "USD", "cost": Decimal(1), "input_tokens": 1, "output_tokens": 1},
        {"group": "2026-11-03", "currency": "USD", "cost": Decimal(4), "input_tokens": 1, "output_tokens": 1},
        {"group": "2026-11-03", "currency": "CNY", "cost": Decimal(2), "input_tokens": 1, "output_tokens": 1},
    ]

    chart = chart_of(Month(2026, 11), rows)

    assert chart is not None
    assert [bar.height for bar in chart.bars[:4]] == [40, 0, 160, 0]
    assert (len(chart.bars), chart.most, chart.is_cost) == (30, "4.00 USD", True)
    assert chart_of(Month(2026, 11), []) is None
