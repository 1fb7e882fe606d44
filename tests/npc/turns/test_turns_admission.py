"""One transaction opens a turn and lets its caller in: whoever is not let in finds out nothing and leaves nothing."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from llm import embedding
from llm.models import Route
from tenants.limits.policies import forget_limits
from tenants.models import RateLimit
from tenants.provisioning import issue_key, revoke_key
from tests.npc.turns.conftest import answered, kinds, reply, turn
from tests.npc.turns.test_turns_ladder import connect
from tests.npc.turns.test_turns_streaming import asked


@pytest.fixture
def http(server):
    """Calls by whatever key they show."""

    async def post(game: Any, token: str, body: dict[str, Any]) -> Any:
        async with httpx.AsyncClient(base_url=server.http, timeout=20) as client:
            return await client.post(f"{game.url}turns/", json=body, headers={"Authorization": f"Bearer {token}"})

    return post


@pytest.fixture
def revoked(acme) -> str:
    key, token = issue_key(tenant=acme.tenant, scopes=["npc"])
    with acme.scope():
        revoke_key(key)
    return str(token)


@pytest.mark.parametrize("body", [{}, {"character": "nobody"}, {"text": "", "event": None}, {"deadline_ms": "soon"}])
def test_a_key_that_was_revoked_opens_nothing_whatever_it_asks(acme, game, revoked, scripted_llm, body):
    before = kinds(game)
    response = acme.api.client.post(
        f"{game.url}turns/",
        {"character": "bram", "speaker": "carol", "text": "An ale, please.", **body},
        content_type="application/json",
        headers={"Authorization": f"Bearer {revoked}"},
    )

    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"
    assert kinds(game) == before
    assert scripted_llm.chat_requests == []


async def test_for_strangers_no_vector_is_made(game, revoked, http, monkeypatch):
    made: list[str] = []
    model = embedding.bundled()
    monkeypatch.setattr(type(model), "embed_query", lambda self, text: made.append(text))

    response = await http(game, revoked, asked(f"Words that nobody has said before {uuid4()}"))

    assert response.status_code == 401
    assert made == []


async def test_a_stranger_cannot_listen_to_a_turn_that_is_being_answered(acme, game, revoked, http, scripted_llm):
    scripted_llm.will_say(reply("One left."), chunks=20, delay_s=0.05)
    body = asked()
    first = asyncio.create_task(http(game, acme.token, body))
    while not scripted_llm.chat_requests:
        await asyncio.sleep(0.01)

    stranger, friend = await asyncio.gather(http(game, revoked, body), http(game, acme.token, body))

    assert stranger.status_code == 401
    assert friend.json() == (await first).json()
    assert len(scripted_llm.chat_requests) == 1


async def test_a_stranger_who_was_first_keeps_nobody_from_the_same_turn(acme, game, revoked, http, scripted_llm):
    scripted_llm.will_say(reply("One left."))
    body = asked()

    stranger, *friends = await asyncio.gather(
        http(game, revoked, body), http(game, acme.token, body), http(game, acme.token, body)
    )

    assert stranger.status_code == 401
    assert [one.json()["say"] for one in friends] == ["One left."] * 2
    assert len(scripted_llm.chat_requests) == 1


def test_the_answer_says_how_the_limits_stand(acme, game, scripted_llm):
    scripted_llm.will_say(reply())
    with acme.scope():
        RateLimit.objects.create(of=RateLimit.Of.KEY_REQUESTS, limit=5, window_s=3600)
    forget_limits(acme.id)

    assert '"key-requests";q=5' in turn(game).headers["RateLimit-Policy"]


def test_a_model_route_is_read_again_once_it_changes(acme, game, scripted_llm):
    connect(acme, scripted_llm, "main", "large", is_default=True)
    for model in ("larger", "smaller", "smaller", "larger"):
        scripted_llm.will_say(reply())
        with acme.scope():
            Route.objects.exclude(chat_model=model).update(chat_model=model)
        assert answered(game)["usage"]["model"] == model
        assert scripted_llm.chat_requests[-1].body["model"] == model
