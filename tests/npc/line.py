"""A game's socket, as the tests hold it."""

import contextlib
import itertools
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.chat.stage import Tab


class Line(Tab):
    """Frames go out with a `request_id` of their own; they are kept in `sent`, what comes in is kept in `frames`."""

    _numbers = itertools.count(1)

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        self.sent: list[dict[str, Any]] = []

    async def sends(self, type: str, **fields: Any) -> None:
        self.sent.append({"type": type, **fields})
        await super().sends(type, **fields)

    async def asks(self, type: str, **fields: Any) -> str:
        request_id = f"r{next(self._numbers)}"
        await self.sends(type, request_id=request_id, **fields)
        return request_id

    async def answer(self, request_id: str) -> dict[str, Any]:
        """The `ok` or `error` to this request, whatever comes before it."""
        while True:
            for frame in self.frames:
                if frame["type"] in ("ok", "error") and frame.get("request_id") == request_id:
                    return frame
            await self.receive()

    async def call(self, type: str, **fields: Any) -> dict[str, Any]:
        """Ask and wait for the answer; it must be `ok`."""
        answer = await self.answer(await self.asks(type, **fields))
        assert answer["type"] == "ok", answer
        return answer

    async def refused(self, type: str, **fields: Any) -> dict[str, Any]:
        """Ask and be refused."""
        answer = await self.answer(await self.asks(type, **fields))
        assert answer["type"] == "error", answer
        return answer

    async def turns(self, text: str = "An ale, please.", **fields: Any) -> str:
        """Carol turns to Bram; the turn's id, once it is open."""
        answer = await self.call("turn", **{"character": "bram", "speaker": "carol", "text": text, **fields})
        return str(answer["turn_id"])

    async def done(self, turn_id: str) -> dict[str, Any]:
        """The turn, once it is done."""
        while not (found := self.of(turn_id, "turn.done")):
            await self.receive()
        return found[0]

    def of(self, turn_id: str, *types: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("turn_id") == turn_id and frame["type"] in types]

    def spoken(self, turn_id: str) -> str:
        """The speech of a turn, joined without a gap."""
        text = ""
        for frame in self.of(turn_id, "speech.delta"):
            assert frame["offset"] == len(text), "a gap or an overlap"
            text += frame["text"]
        return text


@contextlib.asynccontextmanager
async def line_at(http: str, token: str) -> Any:
    url = http.replace("http", "ws") + "/ws/v1/npc/"
    protocols: Any = ["troupe.v1", f"token.{token}"]
    async with connect(url, subprotocols=protocols, max_size=None, max_queue=None) as socket:
        yield Line(socket)
