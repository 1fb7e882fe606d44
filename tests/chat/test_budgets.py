"""Down the ladder in a chat: warned, the cheaper route, documents only, and a polite stop."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Turn
from chat.posting import lock_conversation
from chat.sessions import open_session
from chat.spending import give_back
from llm.budgets import this_month
from llm.models import Budget, ModelCall, Price, Route
from llm.prices import forget_prices
from tests.chat.conftest import Visitor, welcome
from tests.conftest import Business
from tests.fakes.openai_server import FakeOpenAI

# A turn of the innkeeper may cost 8 cents for its input and some for its output, at a cent a thousand tokens.
PRICE = {"model": "fake", "input": Decimal(10), "output": Decimal(10)}


def prepare(business: Business, amount: str, spent: str = "0", **fields: Any) -> Any:
    with business.scope():
        Price.objects.create(**PRICE)
        purse = Budget.objects.create(
            amount=Decimal(amount), spent=Decimal(spent), month=this_month(), at_end="stop", **fields
        )
    forget_prices()
    return purse.pk


def look(business: Business, purse: Any) -> tuple[Decimal, Decimal, Decimal]:
    """What is spent and reserved, and what the calls cost."""
    with business.scope():
        found = Budget.objects.get(pk=purse)
        return found.spent, found.reserved, sum(ModelCall.objects.values_list("cost", flat=True), Decimal(0))


async def test_a_turn_is_paid_for_once(carol: Visitor, scripted_llm: FakeOpenAI, open_tab: Any, off_loop: Any):
    purse = await off_loop(prepare, carol.business, "10")
    scripted_llm.will_say("One room.", usage=(1000, 200, 0))
    tab = await open_tab(carol)

    await tab.says("Any rooms?")

    completed = await tab.next("turn.completed")
    assert completed["usage"]["cost"] == pytest.approx(0.012)
    assert await off_loop(look, carol.business, purse) == (Decimal("0.012"), 0, Decimal("0.012"))


async def test_the_cheaper_route_answers_near_the_end(
    carol: Visitor, scripted_llm: FakeOpenAI, open_tab: Any, off_loop: Any
):
    with FakeOpenAI() as small:

        def add_route() -> None:
            with carol.business.scope():
                Route.objects.create(slug="small", name="Small", base_url=small.base_url, chat_model="tiny")

        await off_loop(add_route)
        await off_loop(prepare, carol.business, "10", spent="9.1", cheaper_route="small")
        small.will_say("One room, says the small one.")
        tab = await open_tab(carol)

        await tab.says("Any rooms?")

        assert (await tab.next("turn.completed"))["text"] == "One room, says the small one."


@pytest.mark.parametrize(("question", "words"), [("Any rooms?", "Until December!"), ("还有房间吗？", "十二月再来！")])
async def test_at_the_end_the_owners_words_are_said(
    carol: Visitor, open_tab: Any, off_loop: Any, question: str, words: str
):
    purse = await off_loop(prepare, carol.business, "0.05", text_en="Until December!", text_zh="十二月再来！")
    tab = await open_tab(carol)

    await tab.says(question)

    failed = await tab.next("turn.failed")
    assert (failed["code"], failed["detail"], failed["retryable"]) == ("budget_exhausted", words, False)
    assert await off_loop(look, carol.business, purse) == (0, 0, 0)


async def test_over_http_a_spent_budget_is_402(carol: Visitor, server: Any, off_loop: Any):
    await off_loop(prepare, carol.business, "0.05")
    async with httpx.AsyncClient(base_url=server.http, headers=carol.business.headers, timeout=15) as http:
        body = {"client_id": str(uuid4()), "text": "Any rooms?"}
        rest = await http.post(f"/api/v1/conversations/{carol.conversation_id}/turns/", json=body)
        asked = {"model": "innkeeper", "messages": [{"role": "user", "content": "Any rooms?"}]}
        openai = await http.post("/v1/chat/completions", json=asked)

    assert (rest.status_code, rest.json()["code"]) == (402, "budget_exhausted")
    assert (openai.status_code, openai.json()["error"]["code"]) == (402, "budget_exhausted")


async def test_a_turn_that_fails_gives_back_what_it_held(
    carol: Visitor, scripted_llm: FakeOpenAI, open_tab: Any, off_loop: Any
):
    purse = await off_loop(prepare, carol.business, "10")
    scripted_llm.will_fail(401)
    tab = await open_tab(carol)

    await tab.says("Any rooms?")

    await tab.next("turn.failed")
    spent, reserved, _cost = await off_loop(look, carol.business, purse)
    assert (spent, reserved) == (0, 0)


async def test_many_conversations_at_once_share_one_purse(
    carol: Visitor, scripted_llm: FakeOpenAI, open_tab: Any, off_loop: Any
):
    """A turn holds about 9 cents: of six that are sent at once the purse of 30 pays for three."""
    purse = await off_loop(prepare, carol.business, "0.3")
    visitors = [await off_loop(welcome, carol.business, f"guest-{n}") for n in range(6)]
    tabs = [await open_tab(visitor) for visitor in visitors]
    usage = (8000, 1000, 0)
    scripted_llm.will_say("One room.", times=None, first_delay_s=0.5, usage=usage)
    for tab in tabs:
        await tab.says("Any rooms?")
    ends = [(await tab.next("turn.completed", "turn.failed"))["type"] for tab in tabs]

    spent, reserved, cost = await off_loop(look, carol.business, purse)
    assert spent == cost == Decimal("0.09") * ends.count("turn.completed")
    assert reserved == 0
    assert ends.count("turn.completed") <= 3


def test_who_has_no_budget_is_asked_nothing_more(acme: Business, innkeeper: Any) -> None:
    """The lock on the conversation tells whether there are budgets at all."""
    with acme.scope():
        innkeeper.refresh_from_db()
        conversation_id = open_session(persona=innkeeper, end_user_id="carol").conversation.pk
        conversation = lock_conversation(conversation_id)
        with CaptureQueriesContext(connection) as asked:
            give_back(Turn(conversation=conversation))
        assert (conversation.has_budget, len(asked)) == (False, 0)

        Budget.objects.create(amount=1)

        assert lock_conversation(conversation_id).has_budget is True
