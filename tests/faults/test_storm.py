"""Web processes, Valkey and PostgreSQL are killed at random moments of many conversations.

Every accepted message is there once. Every turn ends in a true state, and whoever followed it, from whichever process
and through however many broken sockets, has its text. Nothing is paid twice.
"""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from chat.models import Conversation, Message, Turn
from llm.models import ModelCall
from tests.chat.conftest import welcome
from tests.chat.stage import PATIENCE_S
from tests.conftest import Business
from tests.fakes.openai_server import RecordedRequest, Reply, say
from tests.faults.conftest import IS_LONG, SEED, forget_connections
from tests.faults.stage import Follower, Site, Talk

CONVERSATIONS, MESSAGES, FAULTS = (200, 6, 24) if IS_LONG else (20, 2, 3)
# Between two faults: about as long as a web process takes to come back.
PAUSE_S = (1.0, 3.0) if IS_LONG else (0.3, 1.2)
LIMIT_S = 600.0 if IS_LONG else 400.0
PIECE_DELAY_S = 0.03

PRICES = {"price_input": 1, "price_output": 10}


def story_of(question: str) -> str:
    return f"You asked: {question} 客栈里有一只猫。" + "".join(f" It slept on chair {number}." for number in range(12))


def tell(request: RecordedRequest) -> Reply:
    # A question that was not answered stands before the next one, in the same message.
    asked = re.findall(r"Question \d+ of \w+\?", request.last_text)
    return say(story_of(asked[-1]), chunks=16, delay_s=PIECE_DELAY_S, usage=(100, 50, 0))


@pytest.mark.timeout(LIMIT_S + 100)
async def test_what_was_accepted_is_answered_or_said_to_be_broken_off(inn, model, site, off_loop):
    choice = random.Random(SEED)
    model.will_answer_with(tell, times=None)
    await off_loop(_price, inn)
    talks = await off_loop(_open_talks, inn, site, choice)
    followers = [follower for talk in talks for follower in (talk.asker, talk.watcher)]
    tabs = [asyncio.create_task(follower.follow()) for follower in followers]
    tabs.append(asyncio.create_task(_supervise(site)))
    try:
        async with asyncio.timeout(LIMIT_S):
            storm = asyncio.create_task(_storm(site, choice))
            await asyncio.gather(*(_converse(talk, choice) for talk in talks))
            await storm
            await asyncio.gather(*(talk.is_followed_to_its_end() for talk in talks))
    except TimeoutError:
        raise AssertionError(
            f"not over after {LIMIT_S:.0f} s: {[talk for talk in talks if not talk.is_over]}"
        ) from None
    finally:
        for tab in tabs:
            tab.cancel()
        await asyncio.gather(*tabs, return_exceptions=True)

    assert sorted(fault for follower in followers for fault in follower.faults) == []
    await off_loop(_is_quiet, inn)
    faults = await off_loop(_faults, inn, talks)
    assert faults == []


async def _converse(talk: Talk, choice: random.Random) -> None:
    await asyncio.sleep(choice.uniform(0, 1))
    for number in range(MESSAGES):
        await talk.say(f"Question {number} of {talk.conversation_id[-6:]}?")


async def _storm(site: Site, choice: random.Random) -> None:
    """In a shuffled order, each kind of fault as often as the others."""
    kinds = [lambda: site.kill_web(choice.randrange(2)), site.kill_valkey, lambda: site.kill_backend(choice)]
    order = kinds * (FAULTS // len(kinds))
    choice.shuffle(order)
    for kill in order:
        await asyncio.sleep(choice.uniform(*PAUSE_S))
        with contextlib.suppress(LookupError):  # Valkey may just be about to come back
            await asyncio.to_thread(kill)


async def _supervise(site: Site) -> None:
    """A web process that cannot say that it lives, since PostgreSQL recovers, does not start. Until it is cancelled."""
    while True:
        await asyncio.sleep(1)
        for web in site.webs:
            await asyncio.to_thread(web.start_if_ended)


def _price(inn: Business) -> None:
    from llm.models import Route

    with inn.scope():
        Route.objects.update(**PRICES)


def _open_talks(inn: Business, site: Site, choice: random.Random) -> list[Talk]:
    ports = [web.port for web in site.webs]
    talks = []
    for number in range(CONVERSATIONS):
        visitor = welcome(inn, f"carol-{number}")
        tabs = [Follower(visitor.token, ports, random.Random(choice.random())) for _ in range(2)]
        talks.append(Talk(visitor.conversation_id, *tabs))
    return talks


def _is_quiet(inn: Business) -> None:
    """Wait until the last turns let their conversations go, which follows what they tell."""
    forget_connections()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with inn.scope():
            if not Turn.objects.filter(holds_conversation=True).exists():
                return
        time.sleep(0.2)


# --- What must hold --------------------------------------------------------------------------------------------
def _faults(inn: Business, talks: list[Talk]) -> list[str]:
    forget_connections()
    with inn.scope():
        calls = Counter(ModelCall.objects.values_list("turn_id", flat=True))
        costs = dict(ModelCall.objects.values_list("turn_id", "cost"))
        found = [fault for talk in talks for fault in _faults_of(talk, calls, costs)]
        outcomes = Counter(Turn.objects.values_list("status", flat=True))
    if outcomes["completed"] < len(talks):
        found.append(f"hardly anything was answered: {outcomes}")
    return found


def _faults_of(talk: Talk, calls: Counter[Any], costs: dict[Any, Decimal]) -> list[str]:
    conversation = Conversation.objects.get(pk=talk.conversation_id)
    messages = list(Message.objects.filter(conversation=conversation).order_by("seq"))
    stored = {str(said.client_id): said.text for said in messages if said.role == "user"}
    found = []
    if stored != talk.said or len(stored) != sum(said.role == "user" for said in messages):
        found.append(f"{conversation.pk}: said {talk.said}, stored {stored}")
    if conversation.message_count != len(messages):
        found.append(f"{conversation.pk}: counts {conversation.message_count} of {len(messages)} messages")
    turns = list(conversation.turns.select_related("question", "answer"))
    if len(turns) != len(talk.said):
        found.append(f"{conversation.pk}: {len(turns)} turns for {len(talk.said)} messages")
    for turn in turns:
        found += [f"{turn.pk}: {fault}" for fault in _faults_of_turn(talk, turn, calls[turn.pk], costs.get(turn.pk))]
    return found


def _faults_of_turn(talk: Talk, turn: Turn, calls: int, cost: Decimal | None) -> list[str]:
    whole, kept = story_of(turn.question.text), turn.answer.text if turn.answer else ""
    checks = {
        f"ended as {turn.status}, {turn.error_code} {turn.error_detail}": turn.status in ("completed", "interrupted"),
        "holds its conversation": not turn.holds_conversation,
        f"says {kept!r}": kept == whole if turn.status == "completed" else whole.startswith(kept),
        f"{calls} calls": calls == 1 if turn.status == "completed" else calls <= 1,
        f"cost {turn.cost}, metered {cost}": turn.cost == (cost or 0),
    }
    for name, follower in (("asker", talk.asker), ("watcher", talk.watcher)):
        known = follower.turns.get(str(turn.pk))
        if known is None:
            checks[f"the {name} knows nothing of it"] = False
            continue
        ending = "turn.completed" if turn.status == "completed" else "turn.failed"
        checks[f"the {name} was told {known.ending} with {known.kept!r}, and it is {turn.status} with {kept!r}"] = (
            known.ending,
            known.kept,
        ) == (ending, kept)
        checks[f"the {name} joined {known.text!r}"] = ending == "turn.failed" or known.text == kept
    return [fault for fault, is_sound in checks.items() if not is_sound]
