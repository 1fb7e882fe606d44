"""The turns of a process: begun, stopped, followed by the next one, drained.

A turn is a task of the process that took the question in. It is not tied to the socket that sent it: closing
the tab does not stop it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from chat.errors import StillSpeaking, TakenOver, TurnInterrupted
from chat.foresight import Foresight
from chat.handover.calling import call_person
from chat.hub import Hub, Room, hub, quietly
from chat.log import stream_key
from chat.models import Message, Turn
from chat.posting import MAX_WAITING, Posted
from chat.preparing import Loaded, take_in
from chat.process import heart
from chat.running import DATABASE_IS_AWAY, TurnRun
from chat.settling import Following, is_spoken_in, open_turn_of, release_turn
from chat.subscription import End
from chat.sweeping import held_by, interrupt
from chat.writer import Writer
from personas.context import Said
from tenants.perloop import PerLoop, is_wanted
from tenants.scope import in_tenant, off_loop

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A process that is asked to end lets its turns run for so long. The supervisor kills it a little later.
DRAIN_S = 28.0
# After that they are interrupted, and get this long to store what was said.
LAST_WORDS_S = 5.0
# By then the model has been asked, and nobody notices.
ANNOUNCE_AFTER_S = 0.02
ASK_AGAIN_S, ASK_AGAIN_MAX_S = 0.5, 5.0
# A turn that is ours, and that two such looks in a row do not find running, was lost sight of.
LOOK_AFTER_EVERY_S = 3.0
# A process that is silent for four seconds is dead, so a take-over waits a little longer.
YIELD_WITHIN_S, YIELD_TELL_AGAIN_S, YIELD_LOOK_S = 5.0, 0.25, 0.01


class Engine:
    """The turns that run in this event loop."""

    def __init__(self, hub_: Hub) -> None:
        self._hub = hub_
        self.foresight = Foresight()
        self._runs: dict[UUID, TurnRun] = {}
        # What is carried through besides: what is being taken in may become a run at any moment.
        self._carried: set[asyncio.Task[Any]] = set()
        self._drain_ends_at: float | None = None
        self._is_out_of_time = False
        self._quiet = asyncio.Event()
        hub_.spawn(self._look_after_lost())
        hub_.on_control |= {"stop": self._on_stop, "fence": self._on_fence, "erased": self._on_erased}

    # --- Taking in --------------------------------------------------------------------------------------
    async def post(
        self,
        tenant_id: UUID,
        how: Callable[..., Posted],
        *,
        history: tuple[Said, ...] | None = None,
        **said: Any,
    ) -> Posted:
        """Take something in by `post_message`, `regenerate` or `edit_message`, and begin its turn if that runs here.

        Once begun it is carried through, also when the caller goes away meanwhile: a turn that is stored must
        run.
        """
        await ensure_heart()
        return await asyncio.shield(self._carry_through(self._post(tenant_id, how, history, said)))

    def _carry_through(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin what this process does not end without."""
        task = self._hub.spawn(work)
        self._carried.add(task)
        task.add_done_callback(self._is_through)
        return task

    def _is_through(self, task: asyncio.Task[Any]) -> None:
        self._carried.discard(task)
        self._quiet.set()

    async def _post(
        self,
        tenant_id: UUID,
        how: Callable[..., Posted],
        history: tuple[Said, ...] | None,
        said: dict[str, Any],
    ) -> Posted:
        said["process_id"] = heart.process_id
        asked: list[tuple[TurnRun, Loaded]] = []
        call_soon = partial(asyncio.get_running_loop().call_soon_threadsafe, context=copy_context())

        def ask(turn: Turn, question: Message, loaded: Loaded) -> None:
            run = TurnRun(turn, question, history, loaded)
            asked.append((run, loaded))
            call_soon(run.ask)

        await self.foresight.embed(said["conversation_id"], said.get("text"))
        try:
            posted = await in_tenant(tenant_id, take_in, how, history, said, ask)
        except BaseException as error:
            self.foresight.forget(said["conversation_id"])
            for run, _loaded in asked:  # whose question could not be stored
                run.stop()
                if isinstance(error, DATABASE_IS_AWAY):
                    self._carry_through(self._run_if_stored(run.turn))
            raise
        for _run, loaded in asked:
            self.foresight.learn(posted.message, loaded)
        if posted.unwanted_turn_id:
            await self.stop(tenant_id, posted.message.conversation_id, posted.unwanted_turn_id)
        if posted.turn and posted.runs_here:
            self._begin(asked[0][0] if asked else TurnRun(posted.turn, posted.message, history))
        elif posted.turn and posted.turn.process_id == heart.process_id and posted.turn.pk not in self._runs:
            # It was stored by us, and is over or was lost sight of; its sender asks for it again.
            self._carry_through(self._run_if_stored(posted.turn))
        return posted

    async def _run_if_stored(self, turn: Turn) -> None:
        """Its sender was told that nothing was taken, and sends it again: then he is told where it is."""
        held = await self._open_turn(turn)
        is_next = any(run.following_id == turn.pk for run in self._runs.values())  # and begins by itself
        if held and held.turn.pk == turn.pk and not is_next:
            self._begin(_taken_up(held, set()))

    async def _open_turn(self, turn: Turn) -> Following | None:
        """The turn of the same conversation that is ours, as the database has it."""
        return await _until_it_answers(in_tenant, turn.tenant_id, open_turn_of, turn.conversation_id, heart.process_id)

    def _begin(self, run: TurnRun) -> None:
        """Does nothing for one that runs here already."""
        if run.turn.pk in self._runs:
            run.stop()
            return
        self._runs[run.turn.pk] = run
        heart.turns.add(run.turn.pk)
        if self._is_out_of_time:
            run.stop(TurnInterrupted())
        self._hub.spawn(self._run(run))

    async def _run(self, run: TurnRun) -> None:
        turn = run.turn
        try:
            async with self._hub.writer(turn.tenant_id, turn.conversation_id, first_seq=turn.first_seq) as writer:
                self._hub.spawn(self._announce(turn, writer))
                await run.answer(writer)
            if run.is_erased:
                await self._forget(turn)
            following = await self._release(run)
            if run.wish:  # after the release, so that it is told at once
                self._carry_through(in_tenant(turn.tenant_id, call_person, turn.conversation_id, run.wish))
            if following:
                self._begin(following)
        finally:
            del self._runs[turn.pk]
            heart.turns.discard(turn.pk)
            if (next_id := run.following_id) and next_id not in self._runs:  # lost sight of
                heart.turns.discard(next_id)
            self._quiet.set()

    async def _forget(self, turn: Turn) -> None:
        """Its conversation is gone, whatever took it: nobody waits for more of it, and what was logged goes, too."""
        here = (turn.tenant_id, turn.conversation_id)
        if room := self._hub.rooms.get(here):
            room.end(End.GONE)
        await self._hub.tell(*here, "erased")
        async with quietly():
            await self._hub.log.delete(stream_key(*here))

    async def _look_after_lost(self) -> None:
        """End the turns that are ours and that nobody runs, as if we had died: whatever went wrong, people go on."""
        suspects: set[UUID] = set()
        while is_wanted():
            await asyncio.sleep(LOOK_AFTER_EVERY_S)
            try:
                suspects = await self._end_lost(suspects)
            except DATABASE_IS_AWAY:
                suspects = set()  # who is being taken in waits for it, too
            except Exception:
                logger.exception("Lost turns could not be looked after; tried again in a moment")

    async def _end_lost(self, suspects: set[UUID]) -> set[UUID]:
        """End those that were suspected before; which ones are lost."""
        held = await off_loop(held_by, heart.process_id)
        lost = {ids[-1]: ids for ids in held if ids[-1] not in heart.turns}
        for turn_id in lost.keys() & suspects:
            logger.error("Turn %s was lost sight of, and is interrupted", turn_id)
            await off_loop(interrupt, *lost[turn_id], [])
        return set(lost)

    async def _announce(self, turn: Turn, writer: Writer) -> None:
        """Tell other processes that the turn has begun, once the model is asked: it need not wait for them."""
        await asyncio.sleep(ANNOUNCE_AFTER_S)
        await writer.flush()
        await self._hub.tell(turn.tenant_id, turn.conversation_id, "moved", seq=turn.first_seq)

    async def _release(self, run: TurnRun) -> TurnRun | None:
        """Give the conversation free if it is not, and take up the message that waited, if one did."""
        turn, tries = run.turn, 0

        async def release() -> Following | None:
            nonlocal tries
            tries += 1
            return await in_tenant(
                turn.tenant_id, release_turn,
                conversation_id=turn.conversation_id, turn_id=turn.pk, process_id=heart.process_id,
            )  # fmt: skip

        await _until_it_answers(run.settle_late)
        if run.is_erased:
            return None
        if run.settled and run.settled.is_released:
            following, is_repeated = run.settled.following, run.settled.is_repeated
        else:
            following = await _until_it_answers(release)
            is_repeated = tries > 1
        if following is None and is_repeated:  # the first try may have been heard
            following = await self._open_turn(turn)
        return _taken_up(following, run.unwanted) if following else None

    # --- Stopping ---------------------------------------------------------------------------------------
    async def stop(self, tenant_id: UUID, conversation_id: UUID, turn_id: UUID) -> None:
        """Stop one of a conversation's turns wherever it runs or waits. One that is over is left alone."""
        if not self._stop_here(tenant_id, conversation_id, turn_id):
            await self._hub.tell(tenant_id, conversation_id, "stop", turn_id=turn_id.hex)

    def _stop_here(self, tenant_id: UUID, conversation_id: UUID, turn_id: UUID) -> bool:
        run = self._run_in(tenant_id, conversation_id)
        if run is None:
            return False
        if run.turn.pk == turn_id:
            run.stop()
        elif len(run.unwanted) < MAX_WAITING:
            run.unwanted.add(turn_id)
        # Another one waits behind it, or runs elsewhere since it has let its conversation go.
        return run.turn.pk == turn_id

    async def yield_to_person(self, tenant_id: UUID, conversation_id: UUID, fence: int) -> None:
        """Let no answer go on that began under a lower fence, wherever it is written; what it said is kept.

        Returns when all of it has been handed out and nothing of it can follow: its turn has let the
        conversation go, or its process is dead. The fence must be in the database by then. Raises StillSpeaking
        after YIELD_WITHIN_S; asking again is safe.
        """
        give_up_at, wait_s, told_at = time.monotonic() + YIELD_WITHIN_S, YIELD_LOOK_S, 0.0
        while await in_tenant(tenant_id, is_spoken_in, conversation_id, fence):
            now = time.monotonic()
            if now > give_up_at:
                raise StillSpeaking
            # Again and again: a turn that is just being stored does not hear it yet.
            if not self._yield_here(tenant_id, conversation_id, fence) and now - told_at > YIELD_TELL_AGAIN_S:
                told_at = now
                await self._hub.tell(tenant_id, conversation_id, "fence", fence=fence)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, YIELD_TELL_AGAIN_S)

    def _yield_here(self, tenant_id: UUID, conversation_id: UUID, fence: int) -> bool:
        run = self._run_in(tenant_id, conversation_id)
        if run is None or run.turn.fence >= fence:
            return False
        run.stop()
        return True

    def _on_fence(self, room: Room, message: dict[str, Any]) -> None:
        self._yield_here(room.tenant_id, room.conversation_id, message["fence"])

    def _run_in(self, tenant_id: UUID, conversation_id: UUID) -> TurnRun | None:
        """The newest turn of a conversation that runs here. The one before it may still be on its way out."""
        runs = self._runs_in(tenant_id, conversation_id)
        return runs[-1] if runs else None

    def _runs_in(self, tenant_id: UUID, conversation_id: UUID) -> list[TurnRun]:
        here = (tenant_id, conversation_id)
        return [run for run in self._runs.values() if (run.turn.tenant_id, run.turn.conversation_id) == here]

    def _on_stop(self, room: Room, message: dict[str, Any]) -> None:
        self._stop_here(room.tenant_id, room.conversation_id, UUID(message["turn_id"]))

    def _on_erased(self, room: Room, message: dict[str, Any]) -> None:
        """Nobody follows an erased conversation any more, and its turn says and logs nothing more."""
        room.end(End.GONE)
        if room.writer:
            room.writer.silence()
        for run in self._runs_in(room.tenant_id, room.conversation_id):
            run.is_erased = True  # nothing follows it
            run.stop()

    # --- Draining ---------------------------------------------------------------------------------------
    @property
    def is_draining(self) -> bool:
        return self._drain_ends_at is not None

    def begin_drain(self, patience_s: float = DRAIN_S) -> float:
        """Tell followers to come back elsewhere, and let running turns end; those that take longer are interrupted.

        When that is (the loop's seconds), as it was said at first.
        """
        if self._drain_ends_at is None:
            loop = asyncio.get_running_loop()
            self._drain_ends_at = loop.time() + patience_s
            loop.call_at(self._drain_ends_at, self._interrupt_all)
            self._hub.send_away()
        return self._drain_ends_at

    async def drained(self) -> None:
        """Drain, and wait until nothing runs here and nothing is being taken in, for an answer follows from it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self.begin_drain() + LAST_WORDS_S):
                while self._runs or self._carried:
                    self._quiet.clear()
                    await self._quiet.wait()

    def _interrupt_all(self) -> None:
        self._is_out_of_time = True
        for run in list(self._runs.values()):
            run.stop(because=TurnInterrupted())


engine = PerLoop(lambda: Engine(hub()))


def _taken_up(following: Following, unwanted: set[UUID]) -> TurnRun:
    """A turn whose question was stored before."""
    run = TurnRun(following.turn, following.turn.question, loaded=following.loaded)
    run.unwanted = unwanted
    if not following.has_bot:  # the message is told to the person, and the model is not asked
        run.stop(because=TakenOver())
    elif run.turn.pk in unwanted:
        run.stop()
    return run


async def _until_it_answers(ask: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
    """Ask a database that is away again and again. We live, so nobody else would do it for us."""
    wait_s = ASK_AGAIN_S
    while True:
        try:
            return await ask(*args, **kwargs)
        except DATABASE_IS_AWAY as error:
            logger.warning("The database is asked again in a moment: %s", error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, ASK_AGAIN_MAX_S)


async def ensure_heart() -> None:
    """Before the first turn: be known as alive, or the sweeper would take it for a dead process's."""
    if not heart.beats:
        await off_loop(heart.start)
