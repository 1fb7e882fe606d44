"""Whatever was perceived and told on, from whomever to whomever: no closed fact comes into a prompt by it."""

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from npc.knowledge.gossip import CERTAINTY_KEPT, LEAST_CERTAIN, Story, as_heard, tellings
from npc.knowledge.proving import PLAYER, essence, told_to
from npc.knowledge.reflecting import Due, counted
from npc.sessions.entries import Opened, TimePassed
from npc.sessions.folding import first_play
from personas.models import Memory
from tests.npc.conftest import INN, inn
from tests.npc.test_proving import STATES, WHO, compiled, facts

COMPANY = [WHO]


@st.composite
def gossips(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str]]:
    """Facts, and what each of some stories says: nothing special, or a fact, whole or woven into talk."""
    written = draw(facts())
    plain = st.just("The miller fell into the pond. 磨坊主掉进了池塘。")
    told = st.sampled_from(written).map(lambda fact: fact["text"]) if written else plain
    woven = told.map(lambda text: f"Carol: Have you heard?\nBram: {text.upper()} So they say!")
    return written, draw(st.lists(plain | told | woven, min_size=1, max_size=6))


@settings(max_examples=40, deadline=None)
@given(gossips(), STATES, st.integers(0, 2**30), st.sampled_from(["en", "zh"]))
def test_gossip_brings_no_closed_fact_into_a_prompt(
    gossip: tuple[list[dict[str, Any]], list[str]], state: dict[str, Any], seed: int, language: str
) -> None:
    written, said = gossip
    people = [{**one, "chattiness": 1} for one in INN["characters"]]
    world = compiled(inn(facts=written, characters=people, language=language))
    play = first_play(world, Opened(player=PLAYER, state=state))
    writer: Any = SimpleNamespace(world=world, play=play, session=SimpleNamespace(seed=seed))
    kept: dict[str, list[Story]] = {who: [] for who in WHO}
    for number, text in enumerate(said):
        kept["mira"].append(Story(uuid4(), number, text, 1.0, 1.0, 0.0, ("mira",)))

    heard: dict[str, list[str]] = {who: [] for who in WHO}
    for part in range(12):
        known = {(who, story.entry) for who in WHO for story in kept[who]}
        sure = {who: [one for one in kept[who] if one.certainty * CERTAINTY_KEPT > LEAST_CERTAIN] for who in WHO}
        for telling in list(tellings(writer, TimePassed(part=part, company=COMPANY), sure, known)):
            story = telling.story
            certainty = story.certainty * CERTAINTY_KEPT
            heard[telling.hearer].append(as_heard(writer, story, certainty))
            kept[telling.hearer].append(
                Story(uuid4(), story.entry, story.text, 1.0, certainty, 0.0, (*story.chain, telling.hearer))
            )

    for who in WHO:
        assert_no_secret_in_prompt(world, who, state, heard[who])
    if all("canary" not in text.casefold() for text in said):
        assert heard["bram"]


@settings(max_examples=40, deadline=None)
@given(gossips(), STATES, st.sampled_from(WHO))
def test_thoughts_bring_no_closed_fact_into_a_prompt(
    gossip: tuple[list[dict[str, Any]], list[str]], state: dict[str, Any], who: str
) -> None:
    written, said = gossip
    world = compiled(inn(facts=written))
    play = first_play(world, Opened(player=PLAYER, state=state))
    memories = [Memory(holder=who, kind="witnessed", text=text, seq=number) for number, text in enumerate(said)]
    at: Any = SimpleNamespace(world=world, play=play)

    assert_no_secret_in_prompt(world, who, state, [counted(at, Due(who, memories))])


def assert_no_secret_in_prompt(world: Any, who: str, state: dict[str, Any], memories: list[str]) -> None:
    told, closed = told_to(world, who, state, memories)
    everything = essence("\n".join(told.values()))
    for fact_id in closed:
        assert essence(world.facts[fact_id].text) not in everything
        assert f"canary{int(fact_id[1:]):03}x" not in everything
