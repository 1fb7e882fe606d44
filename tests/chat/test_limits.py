"""Limits of turns, whichever way they come in."""

from typing import Any
from uuid import uuid4

import httpx2 as httpx

from tenants.models import RateLimit
from tests.chat.conftest import Visitor, welcome
from tests.tenants.limits.conftest import limited

Of = RateLimit.Of


async def test_a_turn_too_many_is_refused_on_the_socket(
    carol: Visitor, scripted_llm: Any, open_tab: Any, off_loop: Any
):
    await off_loop(limited, carol.business, Of.END_USER_TURNS, 1)
    scripted_llm.will_say("One room.")
    tab = await open_tab(carol)
    client_id = await tab.says("Any rooms?")
    await tab.next("turn.completed")

    refused_id = await tab.says("And breakfast?")

    error = await tab.next("error")
    assert (error["code"], error["client_id"]) == ("rate_limited", refused_id)
    assert 3500 <= error["retry_after_s"] <= 3600
    assert [message["text"] for message in carol.messages()] == ["Any rooms?", "One room."]
    # To send the first one again changes nothing, and counts for nothing.
    await tab.says("Any rooms?", client_id)
    assert (await tab.next("message.accepted"))["client_id"] == client_id


async def test_who_goes_on_is_cut_off(carol: Visitor, open_tab: Any, off_loop: Any):
    await off_loop(limited, carol.business, Of.PERSONA_TURNS, 1)
    tab = await open_tab(carol)

    for _ in range(160):
        await tab.says("Any rooms?")

    assert await tab.is_closed() == 4429
    assert len(carol.messages()) <= 2


async def test_the_same_limit_holds_over_http(carol: Visitor, scripted_llm: Any, server: Any, off_loop: Any):
    """A neighbour of Carol's, and a server that speaks for many, are not held up by hers."""
    await off_loop(limited, carol.business, Of.END_USER_TURNS, 1)
    dave = await off_loop(welcome, carol.business, "dave")
    async with httpx.AsyncClient(base_url=server.http, headers=carol.business.headers, timeout=15) as http:

        async def say(conversation_id: str) -> httpx.Response:
            body = {"client_id": str(uuid4()), "text": "Any rooms?"}
            return await http.post(f"/api/v1/conversations/{conversation_id}/turns/", json=body)

        scripted_llm.will_say("One room.")
        assert (await say(carol.conversation_id)).status_code == 200
        refused = await say(carol.conversation_id)
        scripted_llm.will_say("One room.")
        other = await say(dave.conversation_id)
        for _ in range(2):
            scripted_llm.will_say("One room.")
            body = {"model": "innkeeper", "messages": [{"role": "user", "content": "Any rooms?"}]}
            assert (await http.post("/v1/chat/completions", json=body)).status_code == 200

    assert refused.status_code == 429
    assert refused.json()["limit"] == "end-user-turns"
    assert int(refused.headers["Retry-After"]) > 3500
    assert other.status_code == 200
