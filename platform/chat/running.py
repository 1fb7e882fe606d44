"""One turn, from the stored question to the stored answer.

While the model streams no database connection is held and no transaction is open.
"""

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from chat.errors import ConversationNotFound, Superseded, TurnBroken, TurnInterrupted
from chat.grounding.answers import ground
from chat.handover.calling import UNSURE, Wish, answer_to_wish, is_unsure, wish_of, words_of_call
from chat.knobs import TOOL_CALLS, add_call, reason_of
from chat.models import Message, Turn
from chat.preparing import Loaded, Prepared, load_next, prepare
from chat.presenting import message_created, turn_completed, turn_failed, turn_opening
from chat.process import heart
from chat.settling import Outcome, Settled, settle_turn
from chat.spending import give_back
from chat.writer import Writer
from llm.errors import ProviderError
from llm.types import Finished, TextDelta, ToolCallDelta, Usage
from personas.context import Said
from tenants.errors import PlatformError
from tenants.scope import in_tenant

logger = logging.getLogger(__name__)

# Whatever the model does, a turn ends after this.
LONGEST_TURN_S = 600.0
# Clients wait so long for a database that is away; then they are told that the answer was interrupted.
SETTLE_PATIENCE_S = 20.0
SETTLE_AGAIN_S = 0.5

# What passes by itself. Other failures of the database are faults of ours, and come again with each try.
DATABASE_IS_AWAY = (OperationalError, InterfaceError)


class TurnRun:
    """One turn that runs here. `history` is what was said before, where the caller keeps that himself."""

    def __init__(
        self,
        turn: Turn,
        question: Message,
        history: tuple[Said, ...] | None = None,
        loaded: Loaded | None = None,
    ) -> None:
        self.turn = turn
        self.question = question
        # Turns of this conversation that wait, and are not wanted any more.
        self.unwanted: set[UUID] = set()
        self.is_settled = False
        self.settled: Settled | None = None
        self.is_erased = False
        self._history = history
        self._loaded = loaded
        self._turn_id = str(turn.pk)
        self._outcome = Outcome(trace=turn.trace)
        self._cited: tuple[int, ...] = ()
        self._began = time.monotonic()
        self._prepared: Prepared | None = None
        self._generation: asyncio.Task[None] | None = None
        # None until the question is stored; what the model says by then is told with it.
        self._writer: Writer | None = None
        self._pieces: list[str] = []
        self._usage = Usage(0, 0, is_estimate=True)
        self._calls: dict[int, dict[str, Any]] = {}
        # Why the model called a person, if it did.
        self._called: str | None = None
        # That a person is on the way, for instance, stands in no document.
        self._is_ours = False
        self._stopped_because: PlatformError | None = None
        self._is_stopped = False
        self._message_seq = 0
        # Who calls a person because of what was said, once the turn is stored.
        self.wish: Wish | None = None

    @property
    def following_id(self) -> UUID | None:
        """The turn that was taken up as this one was stored."""
        return self.settled.following.turn.pk if self.settled and self.settled.following else None

    def ask(self) -> "asyncio.Task[None]":
        """Ask the model, already while the question is being stored. Nothing is told before `answer`."""
        if self._generation is None:
            self._generation = asyncio.create_task(self._generate())
            if self._is_stopped:
                self._generation.cancel()
        return self._generation

    def stop(self, because: PlatformError | None = None) -> None:
        """End the answer here and keep what was said: as stopped, or for the reason given."""
        if not self._is_stopped:
            self._is_stopped = True
            self._stopped_because = because
            if self._generation:
                self._generation.cancel()

    async def answer(self, writer: Writer) -> None:
        """All that is said, from the events with which a turn begins to those with which it ends."""
        generation = self.ask()  # before the sockets are written to
        for event in turn_opening(self.turn, self.question):
            writer.emit(event.type, event.body, seq=event.seq)
        self._writer = writer
        self._tell_sources()
        for piece in self._pieces:
            writer.emit_text(self._turn_id, piece)
        await asyncio.sleep(0)  # who follows is told so far, also where the model has said all already
        try:
            await self._speak(generation)
        except Exception:
            logger.exception("Turn %s failed", self.turn.pk)
            self._outcome = replace(self._outcome, text="".join(self._pieces), error=TurnBroken())
        self._message_seq = writer.next_seq
        await self._close(writer)

    async def settle_late(self) -> None:
        """Store what clients were told while the database was away. Does nothing when all is stored."""
        if not self.is_settled:
            with contextlib.suppress(ConversationNotFound, Superseded):
                await self._settle()

    # --- The answer -------------------------------------------------------------------------------------
    async def _speak(self, generation: "asyncio.Task[None]") -> None:
        try:
            async with asyncio.timeout(LONGEST_TURN_S):
                await generation
        except asyncio.CancelledError:
            if not self._is_stopped:
                raise
            self._outcome.finish_reason = "stopped"
            self._outcome.error = self._stopped_because
        except PlatformError as error:
            self._outcome.error = error
        except (TimeoutError, *DATABASE_IS_AWAY) as error:
            logger.warning("Turn %s was interrupted: %r", self.turn.pk, error)
            self._outcome.error = TurnInterrupted()
        self._end_speech()
        self._outcome.total_ms = self._elapsed_ms()
        await self._ground()

    async def _generate(self) -> None:
        self._prepared = prepared = await prepare(self.turn, self.question, self._history, self._loaded)
        if told := answer_to_wish(prepared.handoff, self.question.text, timezone.now()):
            self._say(told)
            self._usage = Usage(0, 0)  # no model was asked
            self._is_ours = True
            return
        self._tell_sources()
        calls: dict[int, dict[str, Any]] = {}
        async with contextlib.aclosing(prepared.call.stream()) as stream:
            async for item in stream:
                if isinstance(item, TextDelta):
                    if text := prepared.parser.feed(item.text):
                        self._say(text)
                elif isinstance(item, ToolCallDelta):
                    add_call(calls, item)
                elif isinstance(item, Finished):
                    self._usage = item.usage
                    self._outcome.finish_reason = reason_of(item)
                    self._cited = item.cited or ()
        self._calls = calls  # a call that was cut off is none

    def _tell_sources(self) -> None:
        if self._writer and self._prepared and self._prepared.sources:
            body = {"turn_id": self._turn_id, "citations": self._prepared.sources}
            self._writer.emit("turn.sources", body)

    def _say(self, text: str) -> None:
        if self._outcome.first_token_ms is None:
            self._outcome.first_token_ms = self._elapsed_ms()
        self._pieces.append(text)
        if self._writer:
            self._writer.emit_text(self._turn_id, text)

    def _end_speech(self) -> None:
        """Say what the parser still holds back, however the answer ended, and learn what was cited."""
        if self._prepared is not None:
            reply = self._prepared.parser.finish(self._cited)
            tail, self._called = reply.tail, self._prepared.why_called(self._calls)
            if self._called is not None and not "".join([*self._pieces, tail]).strip():
                tail, self._is_ours = words_of_call(self._prepared.handoff, self.question.text, timezone.now()), True
            if tail:
                self._say(tail)
            self._outcome.citations = [source.as_citation() for source in reply.citations]
        self._outcome.text = "".join(self._pieces)
        self._outcome.piece_lengths = [len(piece) for piece in self._pieces]

    async def _ground(self) -> None:
        """Learn what of the answer its sources bear out. What broke off is not judged, nor what we say ourselves."""
        if self._prepared is not None and self._outcome.error is None and not self._is_ours:
            cited = tuple(citation["n"] for citation in self._outcome.citations)
            found = await ground(self._prepared.turn, self._outcome.text, cited)
            self._outcome.claims, self._outcome.suggestions = found.claims, found.suggestions

    # --- The end ----------------------------------------------------------------------------------------
    async def _close(self, writer: Writer) -> None:
        """Store what the turn came to, then tell of it."""
        self._account()
        try:
            settled = await self._settle_patiently()
        except (ConversationNotFound, Superseded) as error:
            # Erased; or taken for dead, and what became of the turn has been told by somebody else.
            self.is_settled, self.is_erased = True, isinstance(error, ConversationNotFound)
            writer.silence()
            return
        self._tell(writer, settled)
        if prepared := self._prepared:
            is_unsure = UNSURE in self._outcome.trace
            self.wish = wish_of(prepared.handoff, self.question.text, called=self._called, is_unsure=is_unsure)

    def _tell(self, writer: Writer, settled: Settled) -> None:
        message, outcome = settled.message, settled.outcome
        if message is not None:
            writer.emit("message.created", message_created(message), seq=self._message_seq)
        if outcome.error is None and message is not None:
            kind, body = "turn.completed", turn_completed(self._settled_turn(), message)
        else:
            kind, body = (
                "turn.failed",
                turn_failed(
                    self._turn_id,
                    code=(outcome.error or TurnBroken()).code,
                    detail=str((outcome.error or TurnBroken()).detail),
                    retryable=outcome.is_retryable,
                    text=outcome.text,
                ),
            )
        writer.emit(kind, body, seq=self._message_seq + 1)

    def _account(self) -> None:
        prepared, outcome = self._prepared, self._outcome
        if prepared is None:
            return
        usage = self._used(prepared)
        outcome.input_tokens, outcome.output_tokens = usage.input_tokens, usage.output_tokens
        outcome.cached_tokens = usage.cached_tokens
        outcome.cost = prepared.cost(usage)
        outcome.trace = prepared.trace_of(outcome.error)
        if self._calls and outcome.error is None:
            outcome.trace[TOOL_CALLS] = [self._calls[index] for index in sorted(self._calls)]
        if self._is_unsure(prepared):
            outcome.trace[UNSURE] = True
        outcome.persona_version = prepared.persona_version
        self._usage = usage

    def _is_unsure(self, prepared: Prepared) -> bool:
        """Whether the documents were asked, and the answer says that they do not hold it."""
        if not prepared.turn.plan.query or self._outcome.error is not None:
            return False
        return is_unsure(
            refusal=prepared.turn.persona.settings.refusal,
            answer=self._outcome.text,
            has_citations=bool(self._outcome.citations),
        )

    def _used(self, prepared: Prepared) -> Usage:
        """What the endpoint counted, or we do. Who failed before the first word has sold nothing."""
        if not self._usage.is_estimate or self._usage.output_tokens:
            return self._usage
        error = self._outcome.error
        if isinstance(error, ProviderError) and not self._pieces:
            return error.usage or Usage(0, 0)
        return prepared.estimate(self._outcome.text)

    async def _settle_patiently(self) -> Settled:
        """Store the outcome; a database that is away is waited for, and after a while gone on without."""
        give_up_at = time.monotonic() + SETTLE_PATIENCE_S
        while True:
            try:
                return await self._settle()
            except DATABASE_IS_AWAY as error:
                logger.warning("Turn %s is not stored yet: %s", self.turn.pk, error)
                if time.monotonic() > give_up_at:
                    # What clients are told now is what `settle_late` stores.
                    self._outcome.error = TurnInterrupted()
                    return Settled(None, self._outcome)
                await asyncio.sleep(SETTLE_AGAIN_S)

    async def _settle(self) -> Settled:
        """Store the outcome. Raises ConversationNotFound, Superseded, or what DATABASE_IS_AWAY names."""
        try:
            settled = await in_tenant(self.turn.tenant_id, self._store)
        except (PlatformError, Superseded, *DATABASE_IS_AWAY):
            raise
        except Exception:  # the answer cannot be stored; that it failed can
            logger.exception("The answer of turn %s cannot be stored", self.turn.pk)
            self._prepared, self._outcome = None, Outcome(error=TurnBroken())
            settled = await in_tenant(self.turn.tenant_id, self._store)
        self.is_settled, self.settled = True, settled
        if settled.following:  # it is ours by now, though it begins only once this one has told its last
            heart.turns.add(settled.following.turn.pk)
        return settled

    def _store(self) -> Settled:
        settled = settle_turn(
            conversation_id=self.turn.conversation_id,
            turn_id=self.turn.pk,
            process_id=heart.process_id,
            outcome=self._outcome,
            author=self._prepared.author if self._prepared else "",
            message_seq=self._message_seq,
        )
        if settled.is_repeated:
            return settled
        if self._prepared is not None:
            self._prepared.meter(self._usage, settled.outcome)
        else:
            give_back(self.turn)
        locks_budgets = self._prepared is not None and self._prepared.spending.is_held  # to the end of the transaction
        if (following := settled.following) and following.has_bot and not locks_budgets:
            return replace(settled, following=replace(following, loaded=load_next(following.turn)))
        return settled

    def _settled_turn(self) -> Turn:
        for name in ("input_tokens", "output_tokens", "cached_tokens", "cost", "first_token_ms", "total_ms", "trace"):
            setattr(self.turn, name, getattr(self._outcome, name))
        return self.turn

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)
