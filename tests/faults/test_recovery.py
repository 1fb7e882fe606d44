"""What broke is well again, or is being started again: after how long people are answered, by itself.

Half of them were in mid-answer when it broke, a quarter go on asking meanwhile, the others are silent. All of them say
something once it is over, and again where the answer fails.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from django.conf import settings

from llm.models import Route
from tests.chat.conftest import welcome
from tests.fakes.openai_server import FakeOpenAI, RecordedRequest, Reply, fail, say, send
from tests.faults.conftest import IS_LONG, RECOVERIES, SEED, forget_connections
from tests.faults.stage import Follower, Site, Talk, stopped

PEOPLE = 16 if IS_LONG else 4
AWAY_S = 30.0 if IS_LONG else 3.0
# Only the long form has the machine for itself.
RECOVERY_S = 5.0 if IS_LONG else 120.0
# How soon they try again what was not taken.
AGAIN_S = 0.5
STORY = "Once upon a time there was an inn. " * 10


@dataclass
class Model:
    """What the scripted model does: it tells stories, and answers all else at once, until it has trouble."""

    trouble: Reply | None = None

    def answer(self, request: RecordedRequest) -> Reply:
        if self.trouble:
            return self.trouble
        return say(STORY, chunks=10, delay_s=0.1) if "story" in request.last_text else say("Well.")


@dataclass
class Scene:
    site: Site
    model: Model = field(default_factory=Model)
    away: ExitStack = field(default_factory=ExitStack)


@dataclass(frozen=True)
class Fault:
    """`begin` breaks something. It is away until `end`; without one it comes back as fast as it can."""

    begin: Callable[[Scene], Any]
    end: Callable[[Scene], Any] | None = None


def postgresql_ends(on: Scene) -> None:
    """And nobody starts it again meanwhile."""
    postmaster = on.site.postmaster()
    supervisor = postmaster.parent()
    assert supervisor
    supervisor.suspend()
    on.away.callback(supervisor.resume)
    postmaster.send_signal(signal.SIGINT)


def trouble(reply: Reply) -> Fault:
    return Fault(lambda on: setattr(on.model, "trouble", reply), lambda on: setattr(on.model, "trouble", None))


FAULTS = {
    "Valkey flushed": Fault(lambda on: redis.Redis.from_url(settings.REDIS_URL).flushall()),
    "Valkey killed": Fault(lambda on: on.site.kill_valkey()),
    "Valkey gone": Fault(lambda on: on.site.redis.refuse(), lambda on: on.site.redis.resume()),
    "Valkey silent": Fault(lambda on: on.site.redis.pause(), lambda on: on.site.redis.resume()),
    "a backend killed": Fault(lambda on: on.site.kill_backend(random.Random(SEED))),
    "PostgreSQL restarted": Fault(lambda on: on.site.postmaster().send_signal(signal.SIGINT)),
    "PostgreSQL gone": Fault(postgresql_ends, lambda on: on.away.close()),
    "PostgreSQL paused": Fault(
        lambda on: on.away.enter_context(stopped(on.site.postmaster())), lambda on: on.away.close()
    ),
    "the model stalls": trouble(say("Well", ending="stall")),
    "the model is silent": trouble(say("Well", first_delay_s=3600)),
    "the model cuts": trouble(say("Well", ending="cut")),
    "the model says 429": trouble(fail(429)),
    "the model is down": trouble(fail(503)),
    "the model sends rubbish": trouble(send(b"data: {rubbish\n\n")),
    "a web process killed": Fault(lambda on: on.site.kill_web(0)),
}
# The others have shorter stories elsewhere.
SHORT = ("PostgreSQL restarted", "PostgreSQL gone")


@pytest.mark.timeout(AWAY_S + 200)
@pytest.mark.parametrize("name", FAULTS if IS_LONG else SHORT)
async def test_people_are_answered_again(inn, model: FakeOpenAI, site, off_loop, name):
    scene, fault, choice = Scene(site), FAULTS[name], random.Random(SEED)
    model.will_answer_with(scene.model.answer, times=None)
    talks = await off_loop(_open_talks, inn, site, choice)
    tabs = [asyncio.create_task(tab.follow()) for talk in talks for tab in (talk.asker, talk.watcher)]
    try:
        await asyncio.gather(*(_is_answered(talk) for talk in talks))
        listening, asking, silent = talks[::2], talks[1::4], talks[3::4]
        meanwhile = [asyncio.create_task(talk.say("Tell me a story.", AGAIN_S)) for talk in listening]
        while not all(_hears_a_story(talk) for talk in listening):
            await asyncio.sleep(0.05)

        await asyncio.to_thread(fault.begin, scene)
        if fault.end:
            meanwhile += [asyncio.create_task(_is_answered(talk)) for talk in asking]
            await asyncio.sleep(AWAY_S)
            await asyncio.to_thread(fault.end, scene)
        began = time.monotonic()
        async with asyncio.timeout(30 + RECOVERY_S):
            taken_s = await asyncio.gather(*(_is_answered(talk) for talk in (*silent, *listening, *asking)))
            await asyncio.gather(*meanwhile)
        over_s = time.monotonic() - began
    except TimeoutError:
        raise AssertionError(f"not over: {[talk for talk in talks if not talk.is_over]}") from None
    finally:
        scene.away.close()
        for tab in tabs:
            tab.cancel()
        await asyncio.gather(*tabs, return_exceptions=True)
        await off_loop(forget_connections)

    RECOVERIES.append((name, max(taken_s[: len(silent)]), over_s))
    assert [fault for talk in talks for tab in (talk.asker, talk.watcher) for fault in tab.faults] == []
    assert over_s <= RECOVERY_S


def _open_talks(inn: Any, site: Site, choice: random.Random) -> list[Talk]:
    with inn.scope():
        Route.objects.update(timeout_s=3, stall_timeout_s=1.5)
    ports, talks = [web.port for web in site.webs], []
    for number in range(PEOPLE):
        visitor = welcome(inn, f"carol-{number}")
        tabs = [Follower(visitor.token, ports, random.Random(choice.random())) for _ in range(2)]
        talks.append(Talk(visitor.conversation_id, *tabs))
    return talks


def _hears_a_story(talk: Talk) -> bool:
    return any(turn.text and STORY.startswith(turn.text) for turn in talk.asker.turns.values())


async def _is_answered(talk: Talk) -> float:
    """Say something, and something else when the answer fails, until one is whole. After how many seconds it is."""
    began = time.monotonic()
    while True:
        client_id = await talk.say("And now?", AGAIN_S)
        if talk.asker.turns[talk.asker.accepted[client_id]].ending == "turn.completed":
            return time.monotonic() - began
        await asyncio.sleep(AGAIN_S)
