"""Whatever comes in as a world or a patch: a named error, or something that can be played. Never a surprise."""

import copy
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npc.errors import StateStale
from npc.sessions.patching import MAX_STATE_BYTES, checked_patch
from npc.worlds.checking import check_world
from npc.worlds.compiled import CompiledWorld
from npc.worlds.conditions import CannotCompile, compile_condition
from npc.worlds.diffing import differences
from npc.worlds.plain import merged, same
from npc.worlds.trying import situation_in, warnings
from tenants.errors import Invalid
from tests.npc.conftest import INN, inn

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["*", "bram", "taproom", "object", "state.stage >", "true", "#", "$ref", "\x00", "\ud800"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    steps: list[Any] = []
    if isinstance(value, dict | list):
        steps = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [here, *(path for step, inner in steps for path in paths(inner, (*here, step)))]


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(document)
    changed[path[0]] = replaced(document[path[0]], path[1:], value)
    return changed


@given(st.lists(st.tuples(st.sampled_from(paths(INN)), JSON), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_a_world_is_refused_by_path_or_can_be_played(changes: list[Any]) -> None:
    document: Any = inn()
    for path, value in changes:
        try:
            document = replaced(document, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # the place went with an earlier change

    world, problems = check_world(document)

    assert (world is None) == bool(problems)
    if world is not None:
        compiled = CompiledWorld(uuid4(), world, {})
        warnings(world)
        assert not compiled.state_problems(world.initial_state)
        for character in world.characters:
            seen = situation_in(world, world.initial_state, actor=character.id)
            compiled.open_facts(seen)
            compiled.goals(character.id, seen)
            for action in world.actions:
                compiled.candidates(action, seen)


@given(st.text(alphabet=st.sampled_from("state.ago()[]{}<>=!&|?:'\"12 -+*/%,present中\\\n\x00")))
@settings(max_examples=300, deadline=None)
def test_a_condition_compiles_or_says_where_it_does_not(source: str) -> None:
    world, _problems = check_world(inn())
    assert world is not None
    try:
        condition = compile_condition(source)
    except CannotCompile as failure:
        faults = failure.faults
    else:
        situation_in(world, world.initial_state, actor="bram").evaluate(condition)
        return
    assert faults
    assert all(fault.line is None or fault.line >= 1 for fault in faults)


POINTERS = st.sampled_from(
    ["", "/gold", "/stock", "/stock/0", "/stock/-", "/stage/x", "/nope", "gold", "/~2", "/stock/01", 7]
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "fly", None])},
    optional={"path": POINTERS, "from": POINTERS, "value": JSON},
)


@given(st.one_of(JSON, st.lists(st.one_of(OPERATIONS, SCALARS), max_size=6)))
@settings(max_examples=400, deadline=None)
def test_a_patch_gives_a_valid_state_or_changes_nothing(patch: Any) -> None:
    world, _problems = check_world(inn())
    assert world is not None
    compiled = CompiledWorld(uuid4(), world, {})
    state = inn()["initial_state"]

    try:
        after = checked_patch(compiled, state, patch)
    except (Invalid, StateStale):
        pass
    else:
        assert not compiled.state_problems(after)
    assert state == INN["initial_state"]


def test_copies_of_copies_stop_at_the_size_of_a_state() -> None:
    world, _problems = check_world({"slug": "any", "name": "Any"})
    assert world is not None
    doubling = [{"op": "add", "path": "/0", "value": "x" * 100}]
    doubling += [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(1, 40)]

    with pytest.raises(Invalid) as refused:
        checked_patch(CompiledWorld(uuid4(), world, {}), {}, doubling)

    assert refused.value.errors == [{"field": "state", "detail": f"A state may have {MAX_STATE_BYTES // 1024} KiB."}]


# The examples of RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_are_those_of_the_standard(target: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy(target)
    assert merged(target, patch) == result
    assert target == before


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN, PLAIN)
@settings(max_examples=200, deadline=None)
def test_there_is_a_difference_exactly_where_two_documents_are_not_the_same(one: Any, other: Any) -> None:
    assert (not list(differences(one, other))) == same(one, other)
    assert not list(differences(one, one))
