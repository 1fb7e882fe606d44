"""No closed fact enters a prompt: shown for worlds at random, and for a game's own by `manage.py npc_prove`."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from npc.knowledge.facts import may_know
from npc.knowledge.proving import PLAYER, essence, prove, told_to
from npc.sessions.entries import Opened
from npc.sessions.folding import first_play
from npc.sessions.situations import situation
from npc.worlds.checking import read_world
from npc.worlds.compiled import CompiledWorld
from tests.npc.conftest import INN, inn, put

WHO = ["bram", "mira", "老王"]
# Conditions, each beside what it means, said without CEL.
Meaning = Callable[[dict[str, Any], str], bool]
MEANINGS: dict[str | None, Meaning] = {
    None: lambda state, who: True,
    "state.stage >= 2": lambda state, who: state["stage"] >= 2,
    "state.night": lambda state, who: state["night"],
    "state.stage == 4 || 'ale' in state.stock": lambda state, who: state["stage"] == 4 or "ale" in state["stock"],
    "actor.id == '老王' && state.gold < 5": lambda state, who: who == "老王" and state["gold"] < 5,
    "'mira' in present": lambda state, who: who != "老王",
    "state.nothing.at.all": lambda state, who: False,
    "size(state.stock) / (state.stage - 1) > 0": lambda state, who: (
        state["stage"] != 1 and int(len(state["stock"]) / (state["stage"] - 1)) > 0
    ),
}
STATES = st.fixed_dictionaries(
    {
        "stage": st.integers(0, 5),
        "gold": st.integers(0, 10),
        "night": st.booleans(),
        "stock": st.lists(st.sampled_from(["ale", "bread"]), max_size=3),
    }
)


@st.composite
def facts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Facts with a word in each that stands nowhere else."""
    found = []
    for number in range(draw(st.integers(0, 12))):
        known_by = draw(st.lists(st.sampled_from([*WHO, "*"]), max_size=3, unique=True))
        fact = {"id": f"f{number}", "text": f"canary{number:03}x: 井里有一枚银币。", "known_by": known_by}
        when = draw(st.sampled_from(list(MEANINGS)))
        found.append(fact if when is None else {**fact, "when": when})
    return found


def compiled(document: dict[str, Any]) -> CompiledWorld:
    return CompiledWorld(UUID(int=1), read_world(document), {})


@settings(max_examples=150, deadline=None)
@given(facts(), STATES, st.sampled_from(WHO))
def test_exactly_what_is_open_and_known_may_enter_a_prompt(
    written: list[dict[str, Any]], state: dict[str, Any], who: str
) -> None:
    world = compiled(inn(facts=written))
    scene = world.characters[who].scene
    play = first_play(world, Opened(player=PLAYER, state=state, scene=scene))

    known = may_know(world, who, situation(world, play, actor=who))
    told, closed = told_to(world, who, state)

    knows = [fact["id"] for fact in written if who in fact["known_by"] or "*" in fact["known_by"]]
    is_open = [fact["id"] for fact in written if MEANINGS[fact.get("when")](state, who)]
    assert known.may_know == [one for one in knows if one in is_open]
    assert dict(known.withheld) == {
        fact["id"]: "condition" if fact["id"] in knows else "not_known_by"
        for fact in written
        if fact["id"] not in known.may_know
    }
    everything = "\n".join(told.values())
    for number, fact in enumerate(written):
        assert (f"canary{number:03}x" in everything) == (fact["id"] in known.may_know)
        assert (fact["id"] in closed) == (fact["id"] not in known.may_know)


@settings(max_examples=60, deadline=None)
@given(facts(), st.sampled_from(["instructions", "examples", "fallbacks", "goals", "actions", "rejections", "facts"]))
def test_a_fact_that_is_told_beside_its_condition_is_found(written: list[dict[str, Any]], where: str) -> None:
    secret = {
        "id": "secret",
        "text": "The king is dead.\nLong live the queen!",
        "known_by": ["bram"],
        "when": "state.night",
    }
    slip = "As all know: the King is dead... Long live the Queen!"
    document = inn(facts=[*written, secret])
    bram = document["characters"][0]
    match where:
        case "instructions":
            bram["persona"]["instructions"] += slip
        case "examples":
            bram["persona"]["examples"].append({"user": "Any news?", "say": slip})
        case "fallbacks":
            bram["fallbacks"] = [{"when": "state.stage < 5", "text": slip}]
        case "goals":
            bram["goals"].append({"id": "tell", "description": slip})
        case "actions":
            document["actions"][1]["description"] = slip
        case "rejections":
            document["actions"][1]["rejections"] = [slip]
        case "facts":
            document["facts"].append({"id": "rumour", "text": slip, "known_by": ["bram", "老王"]})
    assert not [leak for leak in prove(compiled(inn(facts=[*written, secret]))).leaks if leak.fact == "secret"]

    leaks = {leak[:3] for leak in prove(compiled(document)).leaks if leak.fact == "secret"}

    assert {("", "bram", "secret"), ("late", "bram", "secret")} <= leaks


def test_width_case_and_punctuation_hide_nothing() -> None:
    assert essence("Ｔｈｅ  king,\nis “dead”！") == essence("the King is dead")
    assert essence("银杯——在楼梯下。") == essence("银杯在楼梯下")


def written(folder: Path, **changes: Any) -> str:
    file = folder / "inn.json"
    file.write_text(json.dumps(inn(**changes)), encoding="utf-8")
    return str(file)


def proved(*arguments: str) -> str:
    out = StringIO()
    call_command("npc_prove", *arguments, stdout=out)
    return out.getvalue()


def test_writers_prove_a_file_without_a_server(tmp_path: Path) -> None:
    file = written(tmp_path)

    assert proved(file) == f"{file}: 3 characters, 2 states: 8 times kept\n"


def test_a_slip_fails_the_build_and_says_where(tmp_path: Path) -> None:
    fallbacks = [{"text": "Psst: a tunnel leads out!"}]
    characters = [{**INN["characters"][0], "fallbacks": fallbacks}, *INN["characters"][1:]]
    file, out = written(tmp_path, characters=characters), StringIO()

    with pytest.raises(CommandError, match="1 of 1 worlds"):
        call_command("npc_prove", file, stdout=out)

    assert out.getvalue().splitlines()[0] == (f"{file}: initial state: bram: tunnel is closed, yet told by: fallbacks")
    assert "late: bram" not in out.getvalue()


def test_a_file_that_cannot_be_taken_is_not_proved(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"facts\.0\.when"):
        proved(written(tmp_path, facts=[{"id": "a", "text": "b", "when": "state.x >"}]))
    with pytest.raises(CommandError, match="No such file"):
        proved(str(tmp_path / "none.yaml"))


def test_a_world_on_the_server_is_proved_with_its_personas(acme: Any) -> None:
    cook = {"slug": "cook", "name": "Ada", "kind": "npc", "settings": {"instructions": "You know: a tunnel leads out."}}
    assert acme.api.post("/api/v1/personas/", cook).status_code == 201
    put(acme, inn())
    assert "8 times kept" in proved("--tenant", acme.tenant.slug, "inn")

    put(acme, inn(characters=[*INN["characters"][:2], {"id": "老王", "persona": "cook", "scene": "cellar"}]))

    with pytest.raises(CommandError, match="1 of 1 worlds"):
        proved("--tenant", acme.tenant.slug, "inn")


def test_a_neighbours_world_is_not_proved(acme: Any, globex: Any, world: Any) -> None:
    with pytest.raises(CommandError, match="There is no world"):
        proved("--tenant", globex.tenant.slug, "inn")
    with pytest.raises(CommandError, match="There is no tenant"):
        proved("--tenant", "nobody", "inn")
