"""However an answer is cut, merged, logged and replayed: the same text, each number once, in order."""

import asyncio
from typing import Any, cast
from uuid import UUID

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.events import ENDINGS, Delta, Event, Item, behind, block_end, dump, in_order, load, merged
from chat.hub import Room
from chat.log import is_unbroken
from chat.models import SEQ_BLOCK
from chat.subscription import Subscription

ROOM = cast(Room, None)  # a subscription only keeps it
TURNS = (str(UUID(int=1)), str(UUID(int=2)))
# Astral characters and Chinese among them: offsets count code points, neither bytes nor UTF-16 units.
pieces = st.lists(st.sampled_from(["a", "bcd", "茶", "😀茶", " \n", "客栈 inn"]), min_size=1, max_size=10)
# Busy machines are slow; that is no fault of the code.
examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def conversations(draw: st.DrawFn) -> list[Item]:
    """Two turns as their writer numbers them: events and pieces, each in its own block."""
    items: list[Item] = []
    seq = 1
    for turn_id in TURNS:
        items.append(Event(seq, "turn.started", {"turn_id": turn_id}))
        seq, offset = seq + 1, 0
        for piece in draw(pieces):
            if draw(st.integers(0, 5)) == 0:
                items.append(Event(seq, "message.created", {"turn_id": turn_id}))
                seq += 1
            items.append(Delta(seq, turn_id, offset, piece, [len(piece)]))
            seq, offset = seq + 1, offset + len(piece)
        items.append(Event(seq, "turn.completed", {"turn_id": turn_id}))
        seq = block_end(seq) + 1
    return items


def as_it_is_logged(items: list[Item], draw: Any) -> list[Item]:
    """The same, merged between random flushes."""
    logged: list[Item] = []
    while items:
        count = draw(st.integers(1, len(items)))
        logged += merged(items[:count])
        items = items[count:]
    return logged


def text_of(items: list[Item], turn_id: str) -> str:
    """Joined as a client joins them, which sees a gap or an overlap by the offset."""
    text = ""
    for item in items:
        if isinstance(item, Delta) and item.turn_id == turn_id:
            assert item.offset == len(text)
            text += item.text
    return text


def numbers(items: list[Item]) -> list[int]:
    return [number for item in items for number in range(item.first, item.last + 1)]


def assert_same(seen: list[Item], whole: list[Item]) -> None:
    assert numbers(seen) == numbers(whole)
    for turn_id in TURNS:
        assert text_of(seen, turn_id) == text_of(whole, turn_id)
    assert [item for item in seen if isinstance(item, Event)] == [item for item in whole if isinstance(item, Event)]


@examples
@given(conversations())
def test_merging_changes_neither_text_nor_numbers(whole: list[Item]) -> None:
    once = merged(whole)

    assert_same(once, whole)
    assert merged(once) == once
    assert len(once) <= len(whole)


@examples
@given(conversations(), st.data())
def test_a_cut_anywhere_loses_and_doubles_nothing(whole: list[Item], data: st.DataObject) -> None:
    logged = as_it_is_logged(whole, data.draw)
    after = data.draw(st.integers(0, whole[-1].last + 1))

    seen = [item for item in whole if item.last <= after]
    rest = [left for item in logged if (left := behind(item, after))]

    assert_same([*seen, *rest], whole)


@examples
@given(conversations(), st.integers(0, 100))
def test_the_log_gives_back_what_it_was_given(whole: list[Item], previous: int) -> None:
    for item in merged(whole):
        assert load(dump(item, previous)) == (item, previous)


@examples
@given(conversations())
def test_a_frame_carries_its_last_number(whole: list[Item]) -> None:
    for item in merged(whole):
        frame = orjson.loads(item.frame())
        assert (frame["type"], frame["seq"]) == (item.type, item.last)
        assert frame["turn_id"] in TURNS


@examples
@given(conversations(), st.data())
def test_a_log_knows_its_holes(whole: list[Item], data: st.DataObject) -> None:
    entries: list[tuple[Item, int]] = []
    for item in as_it_is_logged(whole, data.draw):
        starts_anew = not entries or entries[-1][0].type in ENDINGS
        entries.append((item, item.first - 1 if starts_anew else entries[-1][0].last))
    lost = data.draw(st.integers(0, len(entries) - 2))

    assert is_unbroken(entries, 0)
    if lost == 0 or entries[lost][0].type != "turn.started":  # a turn's log is never begun without its start
        assert not is_unbroken(entries[:lost] + entries[lost + 1 :], 0)


@examples
@given(conversations(), st.booleans())
def test_a_whole_turn_that_is_lost_is_a_hole(whole: list[Item], is_over: bool) -> None:
    """Whoever has the first turn whole may go on with the second; whoever has neither may not."""
    second = next(place for place, item in enumerate(whole) if item.first > SEQ_BLOCK)
    entries = [(item, item.first - 1) for item in whole[second:]]

    assert is_unbroken(entries, whole[second - 1].last, is_over=is_over) is is_over
    assert not is_unbroken(entries, 0, is_over=is_over)


@examples
@given(conversations(), st.data())
def test_sources_that_overlap_tell_everything_in_order(whole: list[Item], data: st.DataObject) -> None:
    """What the log holds, and what the turn itself knows, are cut differently."""
    until, begun = (data.draw(st.integers(0, len(whole))) for _ in range(2))
    subscription = Subscription(ROOM)

    subscription.rewind(0, in_order(as_it_is_logged(whole[:until], data.draw), whole[min(until, begun) :]))
    subscription.release()

    assert_same(asyncio.run(taken(subscription)), whole)


async def taken(subscription: Subscription) -> list[Item]:
    """What a reader would get now; nothing if it would wait."""
    try:
        return await asyncio.wait_for(subscription.batch(), 0.001)
    except TimeoutError:
        return []


@examples
@given(conversations(), st.data())
def test_a_reader_sees_each_number_once_whatever_comes_when(whole: list[Item], data: st.DataObject) -> None:
    """Live pieces and the log's merged ones overlap in any way; the reader comes back behind `after` in the midst."""
    after = data.draw(st.sampled_from([0, *numbers(whole)]))
    joined_at = data.draw(st.integers(0, len(whole)))
    replayed_at = data.draw(st.integers(joined_at, len(whole)))
    last_seq = whole[joined_at - 1].last if joined_at else 0

    async def follow() -> list[Item]:
        subscription = Subscription(ROOM)
        subscription.rewind(last_seq)
        for item in whole[joined_at:replayed_at]:
            subscription.push(item)
        logged = as_it_is_logged(whole[:replayed_at], data.draw)
        assert await taken(subscription) == [], "nothing is handed out before the replay"
        subscription.rewind(after, [left for item in logged if (left := behind(item, after))])
        subscription.release()
        seen: list[Item] = []
        for item in whole[replayed_at:]:
            subscription.push(item)
            for again in data.draw(st.lists(st.sampled_from(whole), max_size=2)):
                if again.last <= subscription.last_seq:
                    subscription.push(again)  # the log brings what was seen already
            if data.draw(st.booleans()):
                seen += await taken(subscription)
        return seen + await taken(subscription)

    seen = asyncio.run(follow())
    expected = [left for item in whole if (left := behind(item, after))]

    assert numbers(seen) == numbers(expected)
    before = [item for item in whole if item.last <= after]
    assert_same([*before, *seen], whole)
