"""Carol asks Acme's tea shop, whose helper answers from its documents; no model is connected unless a test does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from chat.models import Message, Turn
from knowledge.collecting import add_text, create_base
from personas.publishing import create_persona, edit_persona, publish
from tests.admin.conftest import arno, edda, hire, vera  # noqa: F401 - the same people
from tests.conftest import Business
from tests.knowledge.conftest import work_off

RETURNS = (
    "# Returns\n\nUnopened tea can be returned within 30 days of delivery. Opened packets cannot be returned.\n\n"
    "# Shipping\n\nOrders above 99 yuan ship free. Standard delivery takes three to five working days.\n\n"
    "# Membership\n\nMembers collect one point for each yuan. Points expire on 31 December every year.\n"
)
ZH = (
    "# 退货\n\n未开封的茶叶可在收货后30天内退货。开封后不退不换。\n\n"
    "# 运费\n\n满99元包邮。标准配送需要三到五个工作日。\n\n"
    "# 会员\n\n会员每消费1元积1分。积分每年12月31日清零。\n"
)


@dataclass(frozen=True)
class Shop:
    """A persona with its documents."""

    business: Business
    persona: Any
    documents: dict[str, str]  # ids by title

    def edits(self, **settings: Any) -> None:
        with self.business.scope():
            edit_persona(self.persona, settings=settings)

    def tests(self, path: str = "") -> str:
        return f"/api/v1/personas/{self.persona.slug}/tests/{path}"


@pytest.fixture
def open_shop() -> Callable[..., Shop]:
    def open_one(business: Business) -> Shop:
        with business.scope():
            base = create_base(name="Tea shop")
            rows = {
                title: add_text(base=base, title=title, text=text) for title, text in (("Terms", RETURNS), ("规则", ZH))
            }
        work_off(business)
        with business.scope():
            settings = {"instructions": "You answer for a tea shop.", "knowledge_bases": [base.slug]}
            persona = create_persona(
                tenant_id=business.id, slug="mei", name="Mei", kind="customer_service", settings=settings
            )
            publish(persona)
        return Shop(business, persona, {title: str(row.pk) for title, row in rows.items()})

    return open_one


@pytest.fixture
def shop(acme: Business, open_shop: Callable[..., Shop]) -> Shop:
    return open_shop(acme)


@pytest.fixture
def ask(server: Any, shop: Shop) -> Callable[..., dict[str, Any]]:
    """Ask the published persona over REST, in one conversation; the completed turn with its conversation's id."""
    opened: dict[str, str] = {}

    def ask_it(text: str) -> dict[str, Any]:
        if not opened:
            session = {"persona": "mei", "end_user": {"id": "carol", "name": "Carol"}}
            opened["id"] = shop.business.api.post("/api/v1/chat/sessions/", session).json()["conversation_id"]
        body = {"client_id": str(uuid4()), "text": text}
        url = f"{server.http}/api/v1/conversations/{opened['id']}/turns/"
        answer = httpx.post(url, json=body, headers=shop.business.headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return {**answer.json(), "conversation_id": opened["id"]}

    return ask_it


def turn_of(business: Business, completed: dict[str, Any]) -> Turn:
    """The stored turn, with what hangs on it."""
    with business.scope():
        related = ("answer", "question", "conversation__persona", "conversation__end_user")
        return Turn.objects.select_related(*related).get(pk=completed["turn_id"])


def messages_of(business: Business, completed: dict[str, Any]) -> list[Message]:
    with business.scope():
        return list(Message.objects.filter(conversation_id=completed["conversation_id"]).order_by("seq"))
