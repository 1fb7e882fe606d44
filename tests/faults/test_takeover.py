"""A person takes over in mid-answer, while the answer's process lives, and while it dies: no bot speaks after that."""

import asyncio
import contextlib
import random

import httpx2 as httpx
import pytest

from chat.models import Conversation, Message
from tests.chat.conftest import Visitor, welcome
from tests.conftest import Business
from tests.faults.conftest import IS_LONG, SEED, forget_connections
from tests.faults.stage import Follower, Site, Talk

CONVERSATIONS = 40 if IS_LONG else 6
STORY = "Once upon a time there was an inn. " * 30
# So long may an answer to a person's taking over take: the lease of a dead process, and a busy machine.
PATIENCE_S = 60.0


@pytest.mark.timeout(300)
async def test_nobody_is_talked_over(inn, model, site, off_loop):
    choice = random.Random(SEED)
    model.will_say(STORY, chunks=100, delay_s=0.1, times=None)
    visitors = [await off_loop(welcome, inn, f"carol-{number}") for number in range(CONVERSATIONS)]
    ports = [web.port for web in site.webs]
    tabs = [[Follower(visitor.token, ports, random.Random(choice.random())) for _ in range(2)] for visitor in visitors]
    talks = [Talk(visitor.conversation_id, *both) for visitor, both in zip(visitors, tabs, strict=True)]
    following = [asyncio.create_task(follower.follow()) for both in tabs for follower in both]
    try:
        async with asyncio.timeout(200):
            kill = asyncio.create_task(_kill_one(site, choice, talks))
            said_after = await asyncio.gather(*(_takes_over(inn, site, talk, choice) for talk in talks))
            await kill
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)

    assert said_after == [""] * CONVERSATIONS
    assert await off_loop(_bot_lines_after_people, inn, visitors) == []


async def _kill_one(site: Site, choice: random.Random, talks: list[Talk]) -> None:
    """Once some are being answered and others just taken over."""
    while not any(turn.text for talk in talks for turn in talk.asker.turns.values()):
        await asyncio.sleep(0.05)
    await asyncio.sleep(choice.uniform(0, 0.5))
    await asyncio.to_thread(site.kill_web, choice.randrange(2))


async def _takes_over(inn: Business, site: Site, talk: Talk, choice: random.Random) -> str:
    """Alice takes over in mid-answer and speaks. What the visitor heard of the bot after that."""
    asker = talk.asker
    asking = asyncio.create_task(talk.say("Tell me a story."))
    while not any(turn.text for turn in asker.turns.values()) and not asking.done():
        await asyncio.sleep(0.02)
    await asyncio.sleep(choice.uniform(0, 0.6))
    await _call(inn, site, choice, talk, "takeover", {"agent": "Alice"})
    heard = await _all_there_is(asker)
    await _call(inn, site, choice, talk, "reply", {"client_id": talk.reply_id, "text": "Alice here."})
    await asyncio.sleep(0.5)
    asking.cancel()
    return (await _all_there_is(asker)).removeprefix(heard)


async def _all_there_is(follower: Follower) -> str:
    """What was heard of answers, once what was on its way has come."""
    await asyncio.sleep(0.5)
    return "".join(turn.text for turn in follower.turns.values())


async def _call(inn: Business, site: Site, choice: random.Random, talk: Talk, verb: str, body: dict[str, str]) -> None:
    """Until it is answered with 200, by whichever process."""
    async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(headers=inn.headers, timeout=15) as http:
        while True:
            web = choice.choice(site.webs)
            with contextlib.suppress(httpx.HTTPError):
                answer = await http.post(f"{web.http}/api/v1/conversations/{talk.conversation_id}/{verb}/", json=body)
                if answer.status_code == 200:
                    return
                assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)


def _bot_lines_after_people(inn: Business, visitors: list[Visitor]) -> list[str]:
    forget_connections()
    found = []
    with inn.scope():
        for visitor in visitors:
            said = Message.objects.filter(conversation_id=visitor.conversation_id).order_by("created_at")
            roles = list(said.values_list("role", flat=True))
            if roles.count("human") != 1 or "bot" in roles[roles.index("human") :]:
                found.append(f"{visitor.external_id}: {roles}")
            if Conversation.objects.get(pk=visitor.conversation_id).state != "human":
                found.append(f"{visitor.external_id} has no person")
    return found
