"""Alice looks at what her month cost, on a desk and on a phone in the dark, and takes the figures along."""

import csv
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from llm.budgets import this_month
from llm.models import Budget, ModelCall
from personas.publishing import create_persona
from tests.admin.conftest import Worker, alice, hire
from tests.chat.conftest import server as server
from tests.chat.stage import InProcessServer
from tests.conftest import Business
from tests.e2e.conftest import shoot
from tests.e2e.test_ask import DESKTOP, PHONE

__all__ = ["alice", "hire"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def month_of_use(acme: Business) -> None:
    with acme.scope():
        people = [
            create_persona(tenant_id=acme.id, slug=slug, name=name, kind="companion", settings={})
            for slug, name in (("inn", "Innkeeper"), ("shop", "茶铺的掌柜"))
        ]
        now = timezone.now()
        for back in range(now.day):
            for number, persona in enumerate(people):
                cost = Decimal(3 + (back * 7 + number * 5) % 11) / 10
                ModelCall.objects.create(
                    at=now - timedelta(days=back), operation="chat", route="main", model="large", outcome="ok",
                    input_tokens=9_000 + 700 * back, output_tokens=900, cost=cost, persona_id=persona.pk,
                    end_user="carol",
                )  # fmt: skip
        Budget.objects.create(amount=Decimal(50), spent=Decimal("43.7"), reserved=Decimal("0.3"), month=this_month())
        Budget.objects.create(
            of="persona", subject_id=people[1].pk, amount=Decimal(20), spent=Decimal("20"), month=this_month()
        )


@pytest.fixture
def open_page(browser: Browser, server: InProcessServer, alice: Worker) -> Iterator[Callable[..., Page]]:
    """The page as Alice sees it. No script may fail, and nothing may be fetched from elsewhere."""
    contexts: list[Any] = []
    faults: list[str] = []

    def open_one(path: str, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        session = alice.client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": server.http}])
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda sent: None if sent.url.startswith(server.http) else faults.append(sent.url))
        page.goto(f"{server.http}{path}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not faults


def test_a_month_at_a_desk_in_chinese(open_page: Callable[..., Page], month_of_use: None) -> None:
    page = open_page("/usage/", **DESKTOP)
    expect(page.get_by_role("heading", name="用量与费用")).to_be_visible()
    expect(page.get_by_text("即将用完")).to_be_visible()
    expect(page.get_by_role("img", name="每日费用")).to_be_visible()
    shoot(page, "usage-desktop-zh", full_page=True)

    page.get_by_role("link", name="角色", exact=True).click()

    expect(page.get_by_role("row").filter(has_text="茶铺的掌柜")).to_contain_text("%")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 CSV").click()
    with open(download.value.path(), encoding="utf-8-sig") as file:
        assert {row["persona"] for row in csv.DictReader(file)} == {"Innkeeper", "茶铺的掌柜"}


def test_a_month_on_a_phone_in_the_dark(open_page: Callable[..., Page], month_of_use: None) -> None:
    page = open_page("/usage/?by=persona", **PHONE)
    expect(page.get_by_role("heading", name="Usage and cost")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    shoot(page, "usage-phone-en", full_page=True)

    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="用量与费用")).to_be_visible()
    page.get_by_role("link", name="上个月").click()
    expect(page.get_by_text("这个月没有用量").first).to_be_visible()
    shoot(page, "usage-phone-empty", full_page=True)
