"""What a character may do, and what becomes of what a model says it does. The engine decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from npc.sessions.situations import situation
from npc.turns.checking import MAX_ACTIONS, check_actions
from npc.turns.planning import offers
from npc.worlds.plain import check_plain
from tests.npc.turns.conftest import begun, compiled

GIVE = {
    "name": "give",
    "description": "Give some things to people.",
    "parameters": {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "string"}}, "to": {"type": "string"}},
        "required": ["items", "to"],
    },
    "candidates": {"items": "state.stock", "to": "present.filter(one, one != actor.id)"},
}
SALE = {"name": "sell", "arguments": {"item": "ale", "price": 3}}


def offered(actor: str = "bram", allowed: Any = None, world: Any = None, **state: Any) -> Any:
    world = world or compiled()
    return offers(world, situation(world, begun(world, **state), actor=actor), actor, allowed)


def checked(*proposed: Any, actor: str = "bram", world: Any = None, **state: Any) -> Any:
    world = world or compiled()
    seen = situation(world, begun(world, **state), actor=actor)
    return check_actions(world, seen, offers(world, seen, actor), list(proposed))


def passed(found: Any) -> list[tuple[str, Any]]:
    return [(one.action.name, one.arguments) for one in found.passed]


def rules(told: Any) -> list[str]:
    return [one["rule"] for one in told]


def test_bram_may_sell_what_is_in_stock():
    assert offered()["sell"].candidates == {"item": ["ale", "bread"]}
    assert list(offered()) == ["sell", "bow"]


def test_what_cannot_be_done_now_is_not_offered():
    assert list(offered(night=True)) == ["bow"]  # its `when` does not hold
    assert list(offered(stock=[])) == ["bow"]  # nothing to sell
    assert list(offered(actor="mira")) == ["bow"]  # not one of its actors
    assert list(offered(allowed=["sell", "fly"])) == ["sell"]  # the game narrows
    assert list(offered(allowed=[])) == []


@given(
    stage=st.integers(0, 5),
    stock=st.lists(st.sampled_from(["ale", "bread", "salt"]), unique=True),
    night=st.booleans(),
    actor=st.sampled_from(["bram", "mira", "老王"]),
    allowed=st.none() | st.sets(st.sampled_from(["sell", "bow", "fly"])),
)
def test_whatever_the_state_only_possible_actions_are_offered(stage, stock, night, actor, allowed):
    found = offered(actor=actor, allowed=allowed, stage=stage, stock=stock, night=night)

    assert ("sell" in found) == (
        actor == "bram" and not night and bool(stock) and (allowed is None or "sell" in allowed)
    )
    assert ("bow" in found) == (allowed is None or "bow" in allowed)
    assert all(found["sell"].candidates["item"] == stock for _ in range("sell" in found))


def test_a_sound_proposal_passes_as_it_is():
    found = checked(SALE, {"name": "bow"})

    assert passed(found) == [("sell", SALE["arguments"]), ("bow", {})]
    assert (found.removed, found.repairs) == ([], [])


@pytest.mark.parametrize(
    ("proposal", "rule"),
    [
        ({"name": "fly", "arguments": {}}, "unknown_action"),
        ({"name": "sell", "arguments": {"item": "sword", "price": 3}}, "not_a_candidate"),
        ({"name": "sell", "arguments": {"item": "ale"}}, "schema"),
        ({"name": "sell", "arguments": {"item": "ale", "price": "cheap"}}, "schema"),
        ({"name": "sell", "arguments": {"item": "ale", "price": 0}}, "schema"),
        ({"name": "sell", "arguments": {"item": "ale", "price": True}}, "schema"),
        ({"name": "sell", "arguments": {"item": "ale", "price": 11}}, "check"),
        ({"name": "sell", "arguments": {"item": ["ale"], "price": 3}}, "schema"),
        ({"name": "sell", "arguments": "{not json"}, "schema"),
        ({"name": "sell", "arguments": [3]}, "schema"),
        ({"arguments": {}}, "not_an_action"),
        ({"name": 3}, "not_an_action"),
        ({"name": "bow", "arguments": {"a": "\x00"}}, "not_an_action"),
        ("sell", "not_an_action"),
        (None, "not_an_action"),
    ],
)
def test_what_is_wrong_is_removed_by_a_named_rule_and_the_rest_stays(proposal, rule):
    found = checked(proposal, SALE)

    assert passed(found) == [("sell", SALE["arguments"])]
    assert rules(found.removed) == [rule]
    assert check_plain(found.removed) == []


def test_what_is_not_offered_now_is_removed():
    assert rules(checked(SALE, night=True).removed) == ["not_offered"]
    assert rules(checked(SALE, actor="mira").removed) == ["not_offered"]


@pytest.mark.parametrize(
    ("proposal", "repaired"),
    [
        ({"name": "Sell ", "arguments": {"item": "ale", "price": 3}}, ["name_mended"]),
        ({"name": "sell", "arguments": {"item": " Ale", "price": 3}}, ["candidate_mended"]),
        ({"name": "sell", "arguments": {"item": "ale", "price": "3"}}, ["number_parsed"]),
        ({"name": "sell", "arguments": {"item": "sword|ale|bread", "price": 3}}, ["first_of_list"]),
        ({"name": "sell", "arguments": {"item": "ale", "price": 3, "tone": "kind"}}, ["extra_argument_dropped"]),
        ({"name": "sell", "arguments": {"Item": "ale", "price ": 3}}, ["argument_name_mended"] * 2),
        ({"name": "sell", "arguments": '{"item": "ale", "price": 3}'}, ["arguments_parsed"]),
    ],
)
def test_a_slip_is_mended_by_a_named_rule(proposal, repaired):
    found = checked(proposal)

    assert passed(found) == [("sell", SALE["arguments"])]
    assert rules(found.repairs) == repaired
    assert found.removed == []


def test_a_list_is_split_where_a_list_is_wanted_and_each_must_be_a_candidate():
    world = compiled(actions=[GIVE], reactions=[])

    found = checked({"name": "give", "arguments": {"items": "Ale | bread", "to": "mira"}}, world=world)
    assert passed(found) == [("give", {"items": ["ale", "bread"], "to": "mira"})]
    assert rules(found.repairs) == ["list_split"]
    stolen = checked({"name": "give", "arguments": {"items": ["ale", "sword"], "to": "mira"}}, world=world)
    assert rules(stolen.removed) == ["not_a_candidate"]


def test_of_ten_actions_at_once_the_first_few_pass_and_none_twice():
    sales = [{"name": "sell", "arguments": {"item": "ale", "price": price}} for price in range(1, 9)]

    found = checked(SALE, SALE, *sales, *[{"name": "bow"}] * 1000)

    assert passed(found) == [("sell", {"item": "ale", "price": price}) for price in (3, 1, 2)]
    assert len(found.passed) == MAX_ACTIONS
    assert rules(found.removed)[:4] == ["doubled", "doubled", "too_many", "too_many"]
    assert len(found.removed) <= 21


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ITEMS = st.sampled_from(["ale", "bread", "sword", "ale|bread", " ALE "]) | JSON
SALES = st.fixed_dictionaries(
    {"name": st.sampled_from(["sell", "bow", "Sell", "fly"]) | JSON},
    optional={"arguments": st.fixed_dictionaries({}, optional={"item": ITEMS, "price": st.integers() | JSON}) | JSON},
)


@given(st.lists(SALES | JSON, max_size=6))
def test_whatever_is_proposed_only_sales_that_hold_pass(proposed):
    found = checked(*proposed)

    assert check_plain([*found.removed, *found.repairs]) == []
    for name, arguments in passed(found):
        if name == "sell":
            assert arguments.keys() == {"item", "price"}
            assert arguments["item"] in ("ale", "bread")
            assert 1 <= arguments["price"] <= 10
        else:
            assert (name, arguments) == ("bow", {})
