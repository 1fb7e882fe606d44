"""What is told to who is there now, and never again: that somebody types. The desk is on another process here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from chat import hub as hubs
from chat.hub import Hub, hub
from chat.log import read_blocking, stream_key
from tests.chat.conftest import Visitor, welcome

ALICE_TYPES = {"type": "typing", "by": "human", "name": "Alice"}


@pytest.fixture
async def desk() -> AsyncIterator[Hub]:
    """A web process's hub; this event loop's."""
    yield hub()
    await hub().aclose()


def room_of(visitor: Visitor) -> tuple[UUID, UUID]:
    return visitor.business.id, UUID(visitor.conversation_id)


async def test_each_side_sees_the_other_type_and_nobody_himself(carol, open_tab, desk, acme, off_loop):
    dave = await off_loop(welcome, acme, "dave")
    tab, second, his = await open_tab(carol), await open_tab(carol), await open_tab(dave)
    seen: list[dict[str, Any]] = []

    async with desk.subscription(*room_of(carol), on_whisper=seen.append):
        await tab.sends("typing")
        await desk.whisper(*room_of(carol), ALICE_TYPES)

        assert await tab.next("typing") == await second.next("typing") == ALICE_TYPES
        while {"type": "typing", "by": "user"} not in seen:
            await asyncio.sleep(0.02)

    assert [frame["type"] for frame in tab.frames] == ["ready", "typing"]
    assert await his.stays_silent(0.1)


async def test_typing_is_not_kept_and_not_told_at_every_key(carol, open_tab, desk, monkeypatch):
    monkeypatch.setattr(hubs, "WHISPER_EVERY_S", 3_600.0)
    tab = await open_tab(carol)
    seen: list[dict[str, Any]] = []

    async with desk.subscription(*room_of(carol), on_whisper=seen.append):
        for _ in range(20):
            await tab.sends("typing")
            await desk.whisper(*room_of(carol), ALICE_TYPES)
        await tab.next("typing")
        while not any(frame["by"] == "user" for frame in seen):
            await asyncio.sleep(0.02)

    assert await tab.stays_silent(0.1)
    assert [frame["by"] for frame in seen].count("user") == 1
    assert read_blocking(stream_key(*room_of(carol))) == []
    late = await open_tab(carol, after=0)
    assert await late.stays_silent(0.1)
