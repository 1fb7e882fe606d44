"""The life of a turn, from the stored question to the stored answer.

A turn is a task of the process that took the question in. It is not tied to the socket that sent it: closing the
tab does not stop it. While the model streams no database connection is held and no transaction is open.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext_lazy as _

from chat.errors import TurnInterrupted, is_retryable
from chat.hub import Hub, Room, Writer, hub
from chat.models import Message, Turn
from chat.posting import ACCEPTED, CREATED, STARTED, Posted
from chat.preparing import Loaded, Overrides, Prepared, prepare
from chat.presenting import message_created, turn_completed, turn_failed
from chat.process import heart
from chat.settling import Outcome, release_turn, settle_turn
from llm.door import stream_chat
from llm.types import Finished, TextDelta, Usage
from tenants.errors import PlatformError
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

# Whatever the model does, a turn ends after this.
LONGEST_TURN_S = 600.0
# How long we try to store an answer while the database is away.
SETTLE_PATIENCE_S = 20.0


class Broken(PlatformError):
    code = "internal_error"
    status = 500
    default_detail = _("The answer failed in an unexpected way. Try again; if it stays, tell the operator.")


class TurnRun:
    """One turn that runs here."""

    def __init__(
        self, turn: Turn, question: Message, overrides: Overrides | None = None, loaded: Loaded | None = None
    ) -> None:
        self.turn = turn
        self.question = question
        self.overrides = overrides or Overrides()
        self._loaded = loaded
        self.outcome = Outcome()
        self._turn_id = str(turn.pk)
        self._cited: tuple[int, ...] = ()
        self._began = time.monotonic()
        self._prepared: Prepared | None = None
        self._generation: asyncio.Task[None] | None = None
        self._pieces: list[str] = []
        self._usage = Usage(0, 0, is_estimate=True)
        self._stopping_because: PlatformError | None = None
        self._is_stopped = False

    def stop(self, because: PlatformError | None = None) -> None:
        """End the answer here and keep what was said: as stopped, or for the reason given."""
        self._is_stopped = True
        self._stopping_because = because
        if self._generation and not self._generation.done():
            self._generation.cancel()

    async def run(self, writer: Writer) -> None:
        """Everything between the first event and the last one in the log."""
        self._open(writer)
        announcing = asyncio.create_task(self._announce(writer))
        await self._answer(writer)
        await announcing
        await self._close(writer)
        await writer.flush()

    async def _announce(self, writer: Writer) -> None:
        """Let other processes know; the model is asked meanwhile."""
        await writer.flush()
        await hub().tell(self.turn.conversation_id, "moved")

    def _open(self, writer: Writer) -> None:
        first = self.turn.first_seq
        if self.turn.replaces_id is None:
            accepted = {
                "message_id": str(self.question.pk),
                "client_id": str(self.question.client_id),
                "turn_id": str(self.turn.pk),
            }
            writer.emit("message.accepted", accepted, seq=first + ACCEPTED)
            writer.emit("message.created", message_created(self.question), seq=first + CREATED)
        started = {"turn_id": str(self.turn.pk), "message_id": str(self.question.pk)}
        if self.turn.replaces_id:
            started["replaces"] = str(self.turn.replaces_id)
        writer.emit("turn.started", started, seq=first + STARTED)

    # --- The answer -------------------------------------------------------------------------------------
    async def _answer(self, writer: Writer) -> None:
        self._generation = asyncio.create_task(self._generate(writer))
        if self._is_stopped:  # between the question and here
            self._generation.cancel()
        try:
            async with asyncio.timeout(LONGEST_TURN_S):
                await self._generation
        except asyncio.CancelledError:
            if not self._is_stopped:
                raise
            self.outcome.finish_reason = "stopped"
            self.outcome.error = self._stopping_because
        except TimeoutError:
            self.outcome.error = TurnInterrupted()
        except PlatformError as error:
            self.outcome.error = error
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Turn %s: %s", self.turn.pk, error)
            self.outcome.error = Broken()
        except Exception:
            logger.exception("Turn %s failed", self.turn.pk)
            self.outcome.error = Broken()
        self._end_speech(writer)
        self.outcome.total_ms = self._elapsed_ms()

    async def _generate(self, writer: Writer) -> None:
        self._prepared = prepared = await prepare(self.turn, self.question, self.overrides, self._loaded)
        if prepared.sources:
            writer.emit("turn.sources", {"turn_id": str(self.turn.pk), "citations": prepared.sources})
        async with contextlib.aclosing(stream_chat(prepared.route, prepared.request)) as stream:
            async for item in stream:
                if isinstance(item, TextDelta):
                    if text := prepared.parser.feed(item.text):
                        self._say(writer, text)
                elif isinstance(item, Finished):
                    self._usage = item.usage
                    self.outcome.finish_reason = item.finish_reason
                    self._cited = item.cited or ()

    def _say(self, writer: Writer, text: str) -> None:
        if self.outcome.first_token_ms is None:
            self.outcome.first_token_ms = self._elapsed_ms()
        self._pieces.append(text)
        writer.emit_text(self._turn_id, text)

    def _end_speech(self, writer: Writer) -> None:
        """Say what the persona's parser still holds back, however the answer ended, and learn what was cited."""
        if self._prepared is not None:
            reply = self._prepared.parser.finish(self._cited)
            if reply.tail:
                self._say(writer, reply.tail)
            self.outcome.citations = [source.as_citation() for source in reply.citations]
        self.outcome.text = "".join(self._pieces)

    # --- The end ----------------------------------------------------------------------------------------
    async def _close(self, writer: Writer) -> None:
        """Store what the turn came to, then tell of it."""
        self._account()
        message_seq = writer.next_seq
        try:
            message = await self._settle(message_seq)
        except PlatformError as error:  # not ours any more, or a person has taken over
            self._tell_failed(writer, error, text="")
            return
        if message is not None:
            writer.emit("message.created", message_created(message), seq=message_seq)
        if self.outcome.error is None and message is not None:
            writer.emit("turn.completed", turn_completed(self._settled_turn(message), message), seq=message_seq + 1)
        else:
            self._tell_failed(writer, self.outcome.error or Broken(), text=self.outcome.text)

    def _tell_failed(self, writer: Writer, error: PlatformError, *, text: str) -> None:
        body = turn_failed(
            self.turn.pk, code=error.code, detail=str(error.detail), retryable=is_retryable(error), text=text
        )
        writer.emit("turn.failed", body, seq=writer.next_seq)

    def _account(self) -> None:
        prepared, outcome = self._prepared, self.outcome
        if prepared is None:
            return
        usage = self._usage if not self._usage.is_estimate or self._usage.output_tokens else prepared.estimate(outcome.text)
        outcome.input_tokens, outcome.output_tokens = usage.input_tokens, usage.output_tokens
        outcome.cached_tokens = usage.cached_tokens
        outcome.cost = prepared.cost(usage)
        outcome.trace = prepared.trace
        outcome.persona_version = prepared.persona_version
        self._usage = usage

    async def _settle(self, message_seq: int) -> Message | None:
        """Store the outcome; a database that is away for a while is waited for."""
        give_up_at = time.monotonic() + SETTLE_PATIENCE_S
        while True:
            try:
                return await in_tenant(self.turn.tenant_id, self._store, message_seq)
            except (DatabaseError, InterfaceError, OSError) as error:
                if time.monotonic() > give_up_at:
                    logger.exception("Turn %s could not be stored", self.turn.pk)
                    raise TurnInterrupted from error
                await asyncio.sleep(0.5)

    def _store(self, message_seq: int) -> Message | None:
        author = self._prepared.author if self._prepared else ""
        message = settle_turn(
            turn_id=self.turn.pk,
            process_id=heart.process_id,
            outcome=self.outcome,
            author=author,
            message_seq=message_seq,
            last_seq=message_seq + 1,
        )
        if self._prepared is not None:
            self._prepared.meter(self._usage, self.outcome)
        return message

    def _settled_turn(self, message: Message) -> Turn:
        for name in ("input_tokens", "output_tokens", "cached_tokens", "cost", "first_token_ms", "total_ms"):
            setattr(self.turn, name, getattr(self.outcome, name))
        return self.turn

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)


class Engine:
    """The turns that run in this event loop."""

    def __init__(self, hub_: Hub) -> None:
        self._hub = hub_
        self._runs: dict[UUID, TurnRun] = {}
        hub_.on_control["stop"] = self._on_stop
        self.is_draining = False

    def start(self, posted: Posted, loaded: Loaded | None = None, overrides: Overrides | None = None) -> None:
        """Answer what was posted, if it is for us to answer. Returns at once."""
        if posted.runs_here:
            self._begin(posted.turn, posted.message, loaded, overrides)

    def _begin(
        self, turn: Turn, question: Message, loaded: Loaded | None = None, overrides: Overrides | None = None
    ) -> None:
        run = TurnRun(turn, question, overrides, loaded)
        self._runs[turn.pk] = run
        self._hub.spawn(self._run(run))

    async def _run(self, run: TurnRun) -> None:
        turn = run.turn
        try:
            async with self._hub.writer(turn.tenant_id, turn.conversation_id, first_seq=turn.first_seq) as writer:
                await run.run(writer)
        except Exception:
            logger.exception("Turn %s broke", turn.pk)
        finally:
            self._runs.pop(turn.pk, None)
        await self._go_on(turn)

    async def _go_on(self, turn: Turn) -> None:
        """Release the conversation, and answer the message that waited, if one did."""
        try:
            following = await in_tenant(turn.tenant_id, release_turn, turn_id=turn.pk, process_id=heart.process_id)
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.warning("Turn %s is not released; the sweeper will: %s", turn.pk, error)
            return
        if following is not None:
            self._begin(following, following.question)

    async def stop(self, *, conversation_id: UUID, turn_id: UUID) -> None:
        """Stop a turn wherever it runs. One that is over is left alone."""
        run = self._runs.get(turn_id)
        if run is not None and run.turn.conversation_id == conversation_id:
            run.stop()
        else:
            await self._hub.tell(conversation_id, "stop", turn_id=turn_id.hex)

    def _on_stop(self, room: Room, message: dict[str, Any]) -> None:
        run = self._runs.get(UUID(message["turn_id"]))
        if run and run.turn.conversation_id == room.conversation_id:
            run.stop()

    async def drain(self, patience_s: float) -> None:
        """Let running turns end; those that take longer are interrupted, with what was said kept."""
        self.is_draining = True
        deadline = time.monotonic() + patience_s
        while self._runs and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for run in list(self._runs.values()):
            run.stop(because=TurnInterrupted())
        while self._runs and time.monotonic() < deadline + 5:
            await asyncio.sleep(0.05)


_engines: dict[Hub, Engine] = {}


def engine() -> Engine:
    """The engine of the running event loop."""
    own_hub = hub()
    if own_hub not in _engines:
        _engines[own_hub] = Engine(own_hub)
    return _engines[own_hub]


async def ensure_heart() -> None:
    """Before the first turn: be known as alive, or the sweeper would take it for a dead process's."""
    await sync_to_async(heart.start, thread_sensitive=False)()
