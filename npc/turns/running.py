"""One turn, from the request to the answer: opened, spoken by a model against the clock, closed.

While the model speaks no database connection is held and no transaction is open. A turn belongs to the process, not to
who asked for it: who sends it again, or comes back, follows the same one.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any, NamedTuple, cast
from uuid import UUID

import redis
from channels.layers import get_channel_layer

from llm.door import stream_chat
from llm.embedding import bundled, off_loop
from llm.errors import ProviderError, ProviderInvalid
from llm.openai_chat import estimated_usage
from llm.types import ChatRequest, Finished, RouteConfig, TextDelta, Vector
from npc.hooks.asking import ask_actions, ask_state
from npc.turns.asking import Asked, Told
from npc.turns.authored import answer_by_meaning
from npc.turns.closing import Call, Outcome, answer_so_far, close_turn
from npc.turns.guarding import Guard, broken_off
from npc.turns.ladder import GIVEN_UP, kept_for_next_s, pace
from npc.turns.opening import AlreadyOpened, AskGame, Turn, open_turn
from npc.turns.reply import Reply, ReplyReader
from npc.turns.sentences import whole_sentences
from npc.turns.settling import settle_action
from npc.worlds.document import Hooks
from tenants.errors import PlatformError
from tenants.limits.policies import NOBODY, Asker
from tenants.perloop import PerLoop, is_wanted
from tenants.scope import in_tenant
from tenants.scope import off_loop as off_thread

logger = logging.getLogger(__name__)

# Of the time until the deadline, what the vector to find memories by may take; weight and age find them without it.
RECALL_SHARE = 0.2
# And the game's hook for its state.
HOOK_SHARE = 0.3
# A turn of another process is looked for so often.
LOOK_AGAIN_S = 0.1
# What all processes hear that answer turns.
CONTROL = "npc.turns"
HEED_AGAIN_S = 0.5
# Models whose endpoints refuse to be held to a form, as (base URL, model). They are asked in words alone.
_FORMLESS: set[tuple[str, str]] = set()


class TurnBroken(PlatformError):
    code = "internal_error"
    status = 500


class Event(NamedTuple):
    """What is told of a turn, as its streams and sockets tell it."""

    type: str
    body: dict[str, Any]


class TurnRun:
    """A turn that is answered here. Its events are kept, so that any number may follow it from its beginning."""

    def __init__(
        self, tenant_id: UUID, session_id: UUID, asked: Asked, asker: Asker, admit: Callable[[], Asker] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._speak_until = self._began + asked.speaking_ms / 1000
        self._tenant_id = tenant_id
        self._session_id = session_id
        self.asked = asked
        self._asker = asker
        self._admit = admit
        self._events: list[Event] = []
        self._news, self._end = asyncio.Event(), asyncio.Event()
        self._error: PlatformError | None = None
        self._is_open = False
        self._is_over = False
        self._is_streamed = False
        self._is_cancelled = False
        self._generation: asyncio.Task[None] | None = None
        self._patience: asyncio.Timeout | None = None
        self._outcome = Outcome(timing={"opened_ms": None, "first_delta_ms": None, "model_ms": 0, "total_ms": 0})
        self._reader = ReplyReader()
        self._asked_at_ms = 0
        self._said = ""  # to those who follow

    # --- Following ----------------------------------------------------------------------------------------
    async def opened(self) -> None:
        """Wait until the turn is noted: from then on it will have an answer. Raises what forbids it."""
        while not (self._is_open or self._is_over):
            await self._news.wait()
        if self._error and not self._is_open:
            raise self._error

    @property
    def was_refused(self) -> bool:
        return self._is_over and not self._is_open

    async def follow(self) -> AsyncIterator[Event]:
        """The events from the first to `turn.done`, speech as it comes. Raises what forbids or ends the turn."""
        self._is_streamed = True
        at = 0
        while True:
            while at < len(self._events) and self._is_open:
                yield self._events[at]
                at += 1
            if self._is_over:
                break
            await self._news.wait()
        if self._error:
            raise self._error

    async def answer(self) -> dict[str, Any]:
        """The answer. Raises what forbids or ends the turn."""
        await self._end.wait()
        if self._error:
            raise self._error
        return self._events[-1].body

    def cancel(self) -> None:
        """The player walked away. What was said stays said; nothing more is said or proposed."""
        self._is_cancelled = True
        if self._generation:
            self._generation.cancel()

    def _tell(self, kind: str, **body: Any) -> None:
        self._events.append(self._event(kind, **body))
        self._wake()

    def _event(self, kind: str, **body: Any) -> Event:
        return Event(kind, {"turn_id": str(self.asked.turn_id), **body})

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    # --- The turn -----------------------------------------------------------------------------------------
    async def run(self) -> None:
        hooks, answer = None, None
        try:
            opened = await self._open()
            self._outcome.timing["opened_ms"] = self._elapsed_ms()
            self._is_open = True
            self._wake()
            if isinstance(opened, AlreadyOpened):
                self._retell(await _wait_for_other(self._tenant_id, self._session_id, self.asked.turn_id))
            else:
                await self._speak(opened)
                hooks, answer = opened.hooks, await self._close(opened)
        except PlatformError as error:
            self._error = error
        except Exception:
            logger.exception("Turn %s failed", self.asked.turn_id)
            self._error = TurnBroken()
        finally:
            if self._generation:  # of a turn that could not be stored
                self._generation.cancel()
            self._is_over = True
            self._end.set()
            self._wake()
        if hooks and hooks.action_url and answer and answer["actions"]:
            await self._ask_whether_it_happens(hooks, answer)

    async def _open(self) -> Turn | AlreadyOpened:
        vector = await self._vector()
        opened = await self._open_with(vector, None)
        if isinstance(opened, AskGame):
            timeout_s = HOOK_SHARE * self.asked.deadline_ms / 1000
            told = await ask_state(opened.hooks, self._session_id, self.asked, opened.seen, timeout_s)
            opened = await self._open_with(vector, told)
        return cast(Turn | AlreadyOpened, opened)

    async def _open_with(self, vector: Vector | None, told: Told | None) -> Turn | AlreadyOpened | AskGame:
        return await in_tenant(self._tenant_id, self._admit_and_open, vector, told)

    def _admit_and_open(self, vector: Vector | None, told: Told | None) -> Turn | AlreadyOpened | AskGame:
        """In one transaction."""
        if self._admit:
            self._asker = self._admit()
            self._admit = None
        return open_turn(
            self._tenant_id,
            self._session_id,
            self.asked,
            vector,
            told,
            asker=self._asker,
            before_storing=lambda turn: self._loop.call_soon_threadsafe(self._ask_early, turn),
        )

    async def _vector(self) -> Vector | None:
        """Of what is said, to find memories by; none if there is no time for it."""
        text, model = self.asked.text, bundled()
        if not text:
            return None
        if model.knows_query(text):
            return model.embed_query(text)
        if self._admit:  # strangers are not computed for
            self._asker = await off_thread(self._admit)
            self._admit = None
        try:
            async with asyncio.timeout(RECALL_SHARE * self.asked.deadline_ms / 1000):
                return await off_loop(model.embed_query, text)
        except TimeoutError:
            return None

    def _ask_early(self, turn: Turn) -> None:
        """Let the models begin while the turn is being stored. What they say is told once it is."""
        self._asked_at_ms = self._elapsed_ms()
        self._outcome.fallback = turn.ladder.fallback
        self._generation = asyncio.create_task(self._generate(turn))
        # If the turn cannot be stored, nobody asks what became of it.
        self._generation.add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._is_cancelled:  # while it was being opened
            self._generation.cancel()

    async def _speak(self, turn: Turn) -> None:
        """Let the models speak, as long as there is time; what it came to is in the outcome."""
        generation = cast(asyncio.Task[None], self._generation)
        try:
            async with asyncio.timeout_at(self._speak_until):
                await generation
        except asyncio.CancelledError:
            if not self._is_cancelled:
                raise
            self._outcome.is_cancelled = True
        except TimeoutError:
            self._outcome.fallback = "deadline"
        except ProviderError as error:
            logger.info("Turn %s goes on without its model: %s", turn.turn_id, error)
            self._outcome.fallback = "provider"
        timing = self._outcome.timing
        timing["model_ms"] = self._elapsed_ms() - self._asked_at_ms
        if timing["first_delta_ms"] is not None:
            timing["first_delta_ms"] = max(timing["first_delta_ms"], timing["opened_ms"])
        await self._conclude(turn)

    async def _generate(self, turn: Turn) -> None:
        """Down the ladder, as long as nothing has been said."""
        routes = turn.ladder.routes
        if not routes:
            self._outcome.calls.append(Call(turn.ladder.top))
            await self._read_out(turn)
        for route, following in itertools.zip_longest(routes, routes[1:]):
            try:
                async with asyncio.timeout_at(self._patience_until(following)) as self._patience:
                    await self._call(turn, route)
                break
            except (ProviderError, TimeoutError) as failure:
                if self._said or not following:
                    raise
                logger.info("Turn %s goes on with a smaller model: %r", turn.turn_id, failure)

    def _patience_until(self, following: RouteConfig | None) -> float | None:
        """Until when a model may be silent: as long as the one after it still has its time."""
        if following is None:
            return None
        left_s = max(0.0, self._speak_until - asyncio.get_running_loop().time())
        return self._speak_until - kept_for_next_s(self._tenant_id, following, left_s)

    async def _call(self, turn: Turn, route: RouteConfig) -> None:
        """Ask one model, and note what that took and cost."""
        call, began = Call(route), self._elapsed_ms()
        self._outcome.calls.append(call)
        self._outcome.chunks, self._reader = [], ReplyReader(turn.names)
        self._guard = Guard(turn.lookout, turn.opened.text)
        try:
            await self._ask(turn, call)
        except asyncio.CancelledError:
            given_up = not self._is_cancelled
            call.outcome, call.error_code = ("failed", "provider_timeout") if given_up else ("stopped", "")
            call.usage = estimated_usage(turn.request.messages, "".join(self._outcome.chunks))
            raise
        except ProviderError as error:
            call.outcome, call.error_code = "failed", error.code
            if self._outcome.chunks:
                call.usage = estimated_usage(turn.request.messages, "".join(self._outcome.chunks))
            raise
        finally:
            self._patience = None
            call.took_ms = self._elapsed_ms() - began
            if call.outcome == "ok" or call.error_code == "provider_timeout":
                factor = 1 if call.outcome == "ok" else GIVEN_UP
                pace.note(self._tenant_id, route.slug, factor * call.took_ms)

    async def _ask(self, turn: Turn, call: Call) -> None:
        key = (call.route.base_url, turn.request.model or call.route.chat_model)
        try:
            formless = replace(turn.request, response_format=None)
            await self._listen(call, formless if key in _FORMLESS else turn.request)
        except ProviderInvalid:
            if key in _FORMLESS or self._outcome.chunks:
                raise
            await self._listen(call, formless)
            _FORMLESS.add(key)

    async def _listen(self, call: Call, request: ChatRequest) -> None:
        began = self._elapsed_ms()
        async with contextlib.aclosing(stream_chat(call.route, request)) as stream:
            async for item in stream:
                if isinstance(item, TextDelta):
                    if call.first_token_ms is None:
                        call.first_token_ms = self._elapsed_ms() - began
                    self._outcome.chunks.append(item.text)
                    self._say(self._guard.feed(self._reader.feed(item.text)))
                    if self._guard.breach:
                        call.usage = estimated_usage(request.messages, "".join(self._outcome.chunks))
                        break
                elif isinstance(item, Finished):
                    call.usage = item.usage

    async def _read_out(self, turn: Turn) -> None:
        """Without a model: the authored line and the possible action that are nearest to what was said."""
        say = turn.line
        if turn.opened.text:
            say, self._outcome.proposed = await off_loop(
                answer_by_meaning, turn.reader, turn.world, turn.own_actions, turn.offers, turn.line
            )
        self._say(say)

    async def _conclude(self, turn: Turn) -> None:
        """What the turn says in the end, however far the model came."""
        outcome = self._outcome
        if turn.ladder.routes:
            reply = self._reader.finish()
            outcome.repairs = reply.repairs
            if outcome.fallback is None and not outcome.is_cancelled:
                self._take(turn, reply)
            else:
                self._keep_what_was_said()
        if outcome.is_cancelled:
            outcome.proposed = []
        elif not self._said and not any(isinstance(one, dict) for one in outcome.proposed):
            outcome.fallback = outcome.fallback or "provider"
        if outcome.fallback and not self._said:
            await self._fall_back(turn)
        outcome.say = self._said

    def _take(self, turn: Turn, reply: Reply) -> None:
        self._say(self._guard.feed(reply.tail) + self._guard.finish())
        if self._guard.breach:
            self._outcome.fallback, self._outcome.breach = "guard", self._guard.breach
            self._say(broken_off(self._said, turn.line))
        else:
            self._outcome.emotion, self._outcome.proposed = reply.emotion, reply.actions

    def _keep_what_was_said(self) -> None:
        """Of an unfinished reply: what somebody has heard already; else its whole sentences."""
        if not self._is_streamed:
            self._said = whole_sentences(self._said)
            self._events = [self._event("speech.delta", offset=0, text=self._said)] if self._said else []

    async def _fall_back(self, turn: Turn) -> None:
        """An authored line: by meaning if there is time for that, else the one that was laid ready."""
        outcome = self._outcome
        if outcome.fallback == "provider" and turn.opened.text:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._speak_until):
                    await self._read_out(turn)
        if not self._said:
            self._say(turn.line)

    def _say(self, text: str) -> None:
        if not text:
            return
        if self._outcome.timing["first_delta_ms"] is None:
            self._outcome.timing["first_delta_ms"] = self._elapsed_ms()
            if self._patience:
                self._patience.reschedule(None)
        self._tell("speech.delta", offset=len(self._said), text=text)
        self._said += text

    # --- The end ------------------------------------------------------------------------------------------
    async def _close(self, turn: Turn) -> dict[str, Any]:
        self._outcome.timing["total_ms"] = self._elapsed_ms()
        answer = await in_tenant(self._tenant_id, close_turn, turn, self._outcome, api_key_id=self._asker.key_id)
        self._tell_end(answer)
        return answer

    async def _ask_whether_it_happens(self, hooks: Hooks, answer: dict[str, Any]) -> None:
        """Let the game's hook decide on the actions that were proposed. Their turn has been answered by now."""
        timeout_s = self.asked.deadline_ms / 1000
        for result in await ask_actions(hooks, self._session_id, answer, timeout_s):
            try:
                await in_tenant(self._tenant_id, settle_action, self._tenant_id, self._session_id, result)
            except PlatformError as error:
                logger.warning("The action hook of session %s is not heeded: %s", self._session_id, error.code)

    def _tell_end(self, answer: dict[str, Any]) -> None:
        self._tell("speech.final", say=answer["say"], emotion=answer["emotion"])
        for action in answer["actions"]:
            self._tell("action.proposed", **action)
        self._tell("turn.done", **answer)

    def _retell(self, answer: dict[str, Any]) -> None:
        """A turn that was over before."""
        self._say(answer["say"])
        self._tell_end(answer)

    def _elapsed_ms(self) -> int:
        return round((asyncio.get_running_loop().time() - self._began) * 1000)


Key = tuple[UUID, UUID, UUID]  # tenant, session, turn


class _Running:
    """The turns that are being answered in one event loop."""

    def __init__(self) -> None:
        self.runs: dict[Key, TurnRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._heeding: asyncio.Task[None] | None = None

    def start(self, key: Key, asked: Asked, asker: Asker, admit: Callable[[], Asker] | None) -> TurnRun:
        if run := self.find(key):
            asked.expect_same(run.asked)
            return run
        run = self.runs[key] = TurnRun(key[0], key[1], asked, asker, admit)
        self._spawn(run.run()).add_done_callback(lambda _: self._forget(key, run))
        return run

    def find(self, key: Key) -> TurnRun | None:
        run = self.runs.get(key)
        return None if run is None or run.was_refused else run

    def _forget(self, key: Key, run: TurnRun) -> None:
        if self.runs.get(key) is run:
            del self.runs[key]

    def cancel(self, key: Key) -> TurnRun | None:
        run = self.runs.get(key)
        if run:
            run.cancel()
        return run

    def heed(self) -> None:
        self._heeding = self._heeding or self._spawn(self._heed())

    async def turns_end(self, patience_s: float) -> None:
        turns = [task for task in self._tasks if task is not self._heeding]
        if turns:
            await asyncio.wait(turns, timeout=patience_s)

    async def stop_heeding(self) -> None:
        if self._heeding:
            self._heeding.cancel()
            await asyncio.wait([self._heeding], timeout=1)

    async def _heed(self) -> None:
        """Cancel what other processes are asked to cancel."""
        while is_wanted():
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel("npc.turns.")
                await layer.group_add(CONTROL, channel)
                while is_wanted():
                    message = await layer.receive(channel)
                    tenant, session, turn = map(UUID, message["turn"])
                    self.cancel((tenant, session, turn))
            except (redis.RedisError, OSError) as error:
                logger.warning("The channel layer did not answer: %s", error)
                await asyncio.sleep(HEED_AGAIN_S)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_running = PerLoop(_Running)


def heed_other_processes() -> None:
    """From now on, end here what another process is asked to cancel. For a server's own loop, which stays."""
    _running().heed()


async def stop_heeding() -> None:
    await _running().stop_heeding()


async def turns_end(patience_s: float) -> None:
    """Wait until the turns that are answered here are noted: their players come back, and ask another process."""
    await _running().turns_end(patience_s)


def start_turn(tenant_id: UUID, session_id: UUID, asked: Asked, *, asker: Asker = NOBODY) -> TurnRun:
    """Answer a turn, on its own; one that is being answered here already goes on. `asker`: whose limits count."""
    return _running().start((tenant_id, session_id, asked.turn_id), asked, asker, None)


async def admit_turn(tenant_id: UUID, session_id: UUID, asked: Asked, admit: Callable[[], Asker]) -> TurnRun:
    """The same for somebody who has not been let in yet: `admit` is called in the transaction that opens the turn.

    It may be called again, and raises what forbids the turn.
    """
    key = (tenant_id, session_id, asked.turn_id)
    while run := _running().find(key):  # somebody asked for it before, who may not be let in
        await off_thread(admit)
        with contextlib.suppress(PlatformError):
            await run.opened()
        if not run.was_refused:
            break
    return _running().start(key, asked, NOBODY, admit)


async def cancel_turn(tenant_id: UUID, session_id: UUID, turn_id: UUID) -> dict[str, Any]:
    """End a turn wherever it is being answered, and return what it came to. One that is over stays as it is.

    Raises SessionNotFound, TurnNotFound.
    """
    if run := _running().cancel((tenant_id, session_id, turn_id)):
        return await run.answer()
    answer = await in_tenant(tenant_id, answer_so_far, tenant_id, session_id, turn_id)
    if answer is None:
        with contextlib.suppress(redis.RedisError, OSError):  # it then runs to its deadline
            message = {"type": "npc.cancel", "turn": [one.hex for one in (tenant_id, session_id, turn_id)]}
            await get_channel_layer().group_send(CONTROL, message)
        answer = await _wait_for_other(tenant_id, session_id, turn_id)
    return answer


async def _wait_for_other(tenant_id: UUID, session_id: UUID, turn_id: UUID) -> dict[str, Any]:
    """The answer of a turn that another process makes, or made."""
    while True:
        answer = await in_tenant(tenant_id, answer_so_far, tenant_id, session_id, turn_id)
        if answer is not None:
            return answer
        await asyncio.sleep(LOOK_AGAIN_S)
