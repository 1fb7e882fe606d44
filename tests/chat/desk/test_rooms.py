"""Desks in several processes: each hears of the others, and all go when theirs does."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from chat.announcing import announce_desk
from chat.desk.consumers import MAX_PENDING, DeskConsumer
from chat.desk.room import Desks
from chat.handover.agents import Agent
from chat.hub import hub
from chat.subscription import End
from tests.chat.conftest import Visitor
from tests.conftest import Business

PATIENCE_S = 30.0


class Seat:
    """A desk without a socket."""

    def __init__(self, business: Business, name: str) -> None:
        self.agent = Agent(business.id, name)
        self.looks_at: UUID | None = None
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ended_with: int | None = None

    def offer(self, frame: dict[str, Any]) -> None:
        self.told.put_nowait(frame)

    def end(self, code: int) -> None:
        self.ended_with = code

    async def next(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while (frame := await self.told.get())["type"] != kind:
                pass
            return frame

    async def sees(self, *names: str) -> None:
        """Wait until just these are said to look."""
        while sorted(person["name"] for person in (await self.next("looking"))["people"]) != sorted(names):
            pass


async def test_desks_of_two_processes_hear_the_same(carol: Visitor, acme: Business, globex: Business) -> None:
    here, there = Desks(), Desks()
    arno, bo, mallory = Seat(acme, "Arno"), Seat(acme, "Bo"), Seat(globex, "Mallory")
    talk = UUID(carol.conversation_id)
    async with here.seat(arno) as arnos, there.seat(bo) as bos, there.seat(mallory):
        await asyncio.to_thread(announce_desk, acme.id, talk)
        for seat in (arno, bo):
            assert (await seat.next("rows"))["rows"][0]["id"] == carol.conversation_id

        arno.looks_at = talk
        await here.look(arnos, arno, talk, is_there=True)
        await bo.sees("Arno")
        bo.looks_at = talk
        await there.look(bos, bo, talk, is_there=True)
        await arno.sees("Arno", "Bo")
        await there.look(bos, bo, talk, is_there=False)
        await arno.sees("Arno")
        assert mallory.told.empty()


async def test_who_comes_later_hears_who_was_there(carol: Visitor, acme: Business) -> None:
    here, there = Desks(), Desks()
    arno, bo = Seat(acme, "Arno"), Seat(acme, "Bo")
    talk = UUID(carol.conversation_id)
    async with here.seat(arno) as arnos:
        arno.looks_at = talk
        await here.look(arnos, arno, talk, is_there=True)
        async with there.seat(bo) as bos:
            bo.looks_at = talk
            await there.look(bos, bo, talk, is_there=True)
            await bo.sees("Arno", "Bo")


async def test_many_changes_are_read_at_once(
    carol: Visitor, acme: Business, off_loop: Callable[..., Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("chat.desk.room.GATHER_S", 0.3)
    here, arno = Desks(), Seat(acme, "Arno")
    async with here.seat(arno):
        for _ in range(20):
            await off_loop(announce_desk, acme.id, UUID(carol.conversation_id))
        await arno.next("rows")
        assert arno.told.qsize() <= 1


async def test_what_is_gone_is_said_to_be_gone(acme: Business) -> None:
    here, arno = Desks(), Seat(acme, "Arno")
    gone = UUID("0192d3a4-0000-7000-8000-000000000009")
    async with here.seat(arno):
        await asyncio.to_thread(announce_desk, acme.id, gone)
        assert (await arno.next("rows"))["gone"] == [str(gone)]


async def test_desks_leave_with_their_process(acme: Business) -> None:
    arno = Seat(acme, "Arno")
    async with Desks().seat(arno):
        hub().send_away()
    assert arno.ended_with == End.DRAINING


async def test_a_desk_that_does_not_read_is_cut_off() -> None:
    desk = DeskConsumer()
    ended: list[int] = []
    desk.end = ended.append  # type: ignore[method-assign]
    for _ in range(MAX_PENDING + 1):
        desk.offer({"type": "rows"})
    assert ended == [End.TOO_SLOW]
