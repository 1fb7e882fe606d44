"""Characters of Troupe for a game server: one module, asynchronous. Needs `httpx2` and `websockets`, Python 3.11.

    async with Troupe("http://127.0.0.1:8000", key) as troupe:
        async with await troupe.open_session("forge", "p1", name="Robin") as game:
            async for heard in game.turn("I want to buy a sword.", character="ada"):
                match heard:
                    case Speech(text):
                        print(text, end="", flush=True)
                    case Action(name="sell"):
                        await heard.accept({"gold": game.state["gold"] - 15})
                    case Action():
                        await heard.reject("not now")

A lost connection is made again, and turns go on where they were: they carry a `turn_id` that the server knows again.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypedDict
from uuid import uuid4

import httpx2 as httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

State = dict[str, Any]
Patch = dict[str, Any] | list[dict[str, Any]]
"""A merge patch (RFC 7396) is an object, a JSON Patch (RFC 6902) a list of operations."""

AGAIN_S, AGAIN_MAX_S = 0.1, 2.0
PATIENCE_S = 60.0
# Closing codes after which coming back is of no use.
FINAL = {4401: "unauthenticated", 4429: "rate_limited"}


class TroupeError(Exception):
    """The server said no: `code` is one of its documented codes, `errors` names fields as `{field, detail}`."""

    def __init__(self, code: str, detail: str = "", errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(f"{code}: {detail}" + "".join(f"; {one['field']}: {one['detail']}" for one in errors or ()))
        self.code, self.detail, self.errors = code, detail, errors or []


class StateStale(TroupeError):
    """The state has changed since the version that a patch was made for. Nothing was changed by it."""


class LineLost(TroupeError):
    """No answer came before the connection broke: it may have been carried out, or not."""

    def __init__(self) -> None:
        super().__init__("line_lost", "The connection broke before the answer came.")


class Answer(TypedDict):
    """A turn that is done. `fallback` says why no model spoke: None, deadline, budget, provider, guard."""

    turn_id: str
    character: str
    say: str
    emotion: str
    actions: list[dict[str, Any]]
    state_version: int
    affinity: dict[str, float]
    goals: list[dict[str, str]]
    fallback: str | None
    timing: dict[str, Any]
    usage: dict[str, Any]


@dataclass(frozen=True)
class Speech:
    """The next piece of what is said."""

    text: str


@dataclass(frozen=True)
class Action:
    """Something that a character wants to do. It has happened once it is accepted, within `ttl_s` seconds."""

    name: str
    arguments: dict[str, Any]
    id: str
    timing: str
    ttl_s: int
    turn_id: str
    _game: "Game" = field(repr=False, compare=False)

    async def accept(self, state_patch: Patch | None = None) -> State:
        """It happens, and changes the state so. Returns the state. Raises TroupeError `conflict` if it is too late."""
        await self._settle(accepted=True, state_patch=state_patch)
        return self._game.state

    async def reject(self, reason: str = "") -> str | None:
        """It does not happen. Returns a line for the character to say about it, if its author wrote one."""
        say: str | None = (await self._settle(accepted=False, reason=reason)).get("say")
        return say

    async def _settle(self, **result: Any) -> dict[str, Any]:
        return await self._game._ask("action.result", repeats=True, action_id=self.id, **result)


class Troupe:
    """A server, by its address and a key with the scope `npc`."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=f"{url.rstrip('/')}/api/v1/npc/", headers=headers, timeout=timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def put_world(self, slug: str, world: str | Mapping[str, Any]) -> dict[str, Any]:
        """Store a world, as YAML or as a document. Raises TroupeError whose `errors` name every path that is wrong."""
        yaml = {"content": world, "headers": {"Content-Type": "application/yaml"}}
        return await self.call("PUT", f"worlds/{slug}/", **(yaml if isinstance(world, str) else {"json": world}))

    async def open_session(self, world: str, player: str, *, name: str = "", **more: Any) -> "Game":
        """Let a player into a world: at its beginning, with `state` and `seed` if given, or where a `save` was made."""
        asked = {"world": world, "player": {"id": player, "name": name}}
        return Game(self, asked, await self.call("POST", "sessions/", json={**asked, **more}))

    async def call(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Any call of the API under `/api/v1/npc/`. Raises TroupeError."""
        response = await self._http.request(method, path, **sent)
        body: dict[str, Any] = response.json() if response.content else {}
        if response.is_error:
            raise error_of(body)
        return body


class Game:
    """One session of one player. Use it as a context manager, or `close` it."""

    def __init__(self, troupe: Troupe, asked: dict[str, Any], opened: dict[str, Any]) -> None:
        self.id: str = opened["id"]
        self.player: str = asked["player"]["id"]
        self.state: State = opened["state"]
        self.state_version: int = opened["state_version"]
        self._troupe, self._asked = troupe, asked
        self._url, self._token = opened["websocket_url"], opened["token"]
        self._line: ClientConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._end: TroupeError | None = None
        self._requests: dict[str, _Request] = {}
        self._turns: dict[str, Turn] = {}
        self._listeners: set[asyncio.Queue[Action | None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- What a game does ---------------------------------------------------------------------------------
    def turn(self, text: str = "", *, speaker: str = "", turn_id: str = "", **asked: Any) -> "Turn":
        """Turn to a character: iterate over what is said and proposed, or wait for the `answer()`.

        `asked` is what a turn may have: `character` (without it one of those present answers), `event`, `state_patch`,
        `base_state_version`, `scene`, `present`, `allowed_actions`, `deadline_ms`, `seed`. The player speaks unless
        another `speaker` is named. With the `turn_id` of an earlier turn, that one is told again.
        """
        return Turn(
            self, {"turn_id": turn_id or str(uuid4()), "speaker": speaker or self.player, "text": text, **asked}
        )

    async def actions(self) -> AsyncIterator[Action]:
        """Whatever any character proposes from now on, until the game is closed."""
        heard: asyncio.Queue[Action | None] = asyncio.Queue()
        self._listeners.add(heard)
        try:
            while action := await heard.get():
                yield action
        finally:
            self._listeners.discard(heard)

    async def patch(self, patch: Patch) -> State:
        """Change the state as it is known here. Raises StateStale if it is another by now, and LineLost."""
        await self._ask("state.patch", patch=patch, base_state_version=self.state_version)
        return self.state

    async def change(self, make: Callable[[State], Patch], *, tries: int = 5) -> State:
        """Change the state by what `make` makes of it; made again from the newer state when it was stale."""
        for _ in range(tries - 1):
            with contextlib.suppress(StateStale):
                return await self.patch(make(self.state))
            await self.refresh()
        return await self.patch(make(self.state))

    async def refresh(self) -> State:
        """Read the state anew."""
        self._know(await self._troupe.call("GET", f"sessions/{self.id}/state/"))
        return self.state

    async def tell(self, type: str, text: str = "", **event: Any) -> str:
        """Something happened; who perceives it remembers it. Returns the event's id. Raises LineLost.

        `event` is what an event may have: `data`, `scene`, `witnesses`, `moves`, `game_time`.
        """
        return str((await self._ask("event", event={"type": type, "text": text, **event}))["id"])

    async def save(self) -> str:
        """The id of a save to `load` later."""
        return str((await self._troupe.call("POST", f"sessions/{self.id}/saves/", json={}))["id"])

    async def load(self, save_id: str) -> State:
        """Go back to a save of this session. Turns that still speak end with a `conflict`."""
        self._know(await self._troupe.call("POST", "sessions/", json={**self._asked, "save": save_id}))
        return self.state

    async def close(self) -> None:
        """Leave; the session stays, and turns that still speak are noted."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._give_up(TroupeError("closed", "The game was closed here."))

    # --- The line -----------------------------------------------------------------------------------------
    async def _ask(self, type: str, *, repeats: bool = False, **fields: Any) -> dict[str, Any]:
        """Send a frame and wait for its answer. One that `repeats` may be carried out twice without harm."""
        request = self._request(type, fields, repeats=repeats)
        await self._send(request)
        answer: dict[str, Any] = await request.answer
        if "state" in answer:
            self._know(answer)
        return answer

    def _request(self, type: str, fields: dict[str, Any], *, repeats: bool) -> "_Request":
        if self._end:
            raise self._end
        self._keeper = self._keeper or asyncio.create_task(self._keep_line())
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request = _Request({"type": type, "request_id": str(uuid4()), **fields}, answer, repeats)
        self._requests[request.id] = request
        answer.add_done_callback(lambda _: self._requests.pop(request.id, None))
        return request

    async def _send(self, request: "_Request") -> None:
        """Once on each line; without one it is sent when there is one again."""
        line = self._line
        if line and request.sent_on is not line:
            request.sent_on = line
            with contextlib.suppress(ConnectionClosed):  # the keeper sees it too
                await line.send(json.dumps(request.frame))

    async def _keep_line(self) -> None:
        wait_s, lost_at = AGAIN_S, time.monotonic()
        protocols = [Subprotocol("troupe.v1"), Subprotocol(f"token.{self._token}")]
        while time.monotonic() - lost_at < PATIENCE_S:
            with contextlib.suppress(OSError, TimeoutError, InvalidHandshake):
                async with connect(self._url, subprotocols=protocols, max_size=None) as line:
                    await self._listen(line)
                wait_s, lost_at = AGAIN_S, time.monotonic()
                if line.close_code in FINAL:
                    self._give_up(TroupeError(FINAL[line.close_code], "The server closed the connection."))
                    return
                for request in list(self._requests.values()):
                    if request.sent_on is line and not request.repeats:
                        request.fail(LineLost())
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, AGAIN_MAX_S)
        self._give_up(TroupeError("unreachable", f"There was no connection for {PATIENCE_S:.0f} seconds."))

    async def _listen(self, line: ClientConnection) -> None:
        self._line = line
        try:
            for request in list(self._requests.values()):
                await self._send(request)
            async for text in line:
                self._hear(json.loads(text))
        except ConnectionClosed:
            return
        finally:
            self._line = None

    def _hear(self, frame: dict[str, Any]) -> None:
        request = self._requests.get(str(frame.get("request_id")))
        match frame["type"]:
            case "error" if request:
                request.fail(error_of(frame))
            case "ok" if request and request.frame["type"] != "turn":  # whose answer is that it is done
                request.succeed(frame)
            case "ok" | "error":
                pass
            case _ if turn := self._turns.get(frame.get("turn_id", "")):
                turn._hear(frame)

    def _tell(self, action: Action | None) -> None:
        for listener in self._listeners:
            listener.put_nowait(action)

    def _know(self, told: dict[str, Any]) -> None:
        self.state, self.state_version = told["state"], told["state_version"]

    def _give_up(self, why: TroupeError) -> None:
        self._end = why
        for request in list(self._requests.values()):
            request.fail(why)
        self._tell(None)


class Turn:
    """A turn, which begins when it is iterated over or waited for. It goes on by itself if you stop listening."""

    def __init__(self, game: Game, asked: dict[str, Any]) -> None:
        self.id: str = asked["turn_id"]
        self.said = ""
        self._game, self._asked = game, asked
        self._heard: asyncio.Queue[Speech | Action | None] = asyncio.Queue()
        self._proposed: set[str] = set()
        self._request: _Request | None = None

    async def __aiter__(self) -> AsyncIterator[Speech | Action]:
        """What is said and proposed, as it comes. Raises TroupeError for what forbids or ends the turn."""
        request = await self._begin()
        while heard := await self._heard.get():
            yield heard
        await asyncio.shield(request.answer)

    async def answer(self) -> Answer:
        """The turn, once it is done. Raises as iterating does."""
        answer: Answer = await asyncio.shield((await self._begin()).answer)
        return answer

    async def cancel(self) -> Answer:
        """The player walks away: what was said stays said, nothing more comes. Returns what the turn came to."""
        answer: Any = await self._game._ask("turn.cancel", repeats=True, turn_id=self.id)
        return {name: answer[name] for name in Answer.__annotations__}  # type: ignore[return-value]

    async def _begin(self) -> "_Request":
        if self._request is None:
            self._request = self._game._request("turn", self._asked, repeats=True)
            self._game._turns[self.id] = self
            self._request.answer.add_done_callback(self._ended)
            await self._game._send(self._request)
        return self._request

    def _ended(self, answer: "asyncio.Future[Any]") -> None:
        self._game._turns.pop(self.id, None)
        self._heard.put_nowait(None)

    def _hear(self, frame: dict[str, Any]) -> None:
        """Told again after the line was lost, a turn brings much that is known."""
        match frame["type"]:
            case "speech.delta" if fresh := frame["text"][max(0, len(self.said) - frame["offset"]) :]:
                self.said += fresh
                self._heard.put_nowait(Speech(fresh))
            case "action.proposed" if frame["id"] not in self._proposed:
                self._proposed.add(frame["id"])
                told = {name: frame[name] for name in ("name", "arguments", "id", "timing", "ttl_s", "turn_id")}
                action = Action(**told, _game=self._game)
                self._heard.put_nowait(action)
                self._game._tell(action)
            case "turn.done" if self._request:
                self._request.succeed({name: frame[name] for name in Answer.__annotations__})


@dataclass(eq=False)
class _Request:
    """A frame that waits for its answer."""

    frame: dict[str, Any]
    answer: "asyncio.Future[Any]"
    repeats: bool
    sent_on: ClientConnection | None = None

    @property
    def id(self) -> str:
        return str(self.frame["request_id"])

    def succeed(self, answer: dict[str, Any]) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, why: TroupeError) -> None:
        if not self.answer.done():
            self.answer.set_exception(why)
            self.answer.exception()  # nobody may be waiting


def error_of(body: Mapping[str, Any]) -> TroupeError:
    """What a problem, or an `error` frame, says."""
    kind = StateStale if body.get("code") == "state_stale" else TroupeError
    return kind(body.get("code", "error"), body.get("detail", ""), body.get("errors"))
