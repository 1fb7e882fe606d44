"""The bare relay that streaming is measured against: OpenAI's client, its chunks forwarded to a raw ASGI socket."""

import json
import os
from typing import Any

from openai import AsyncOpenAI

client = AsyncOpenAI(base_url=os.environ["RELAY_TO"], api_key="none", max_retries=0)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await receive()
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        question = json.loads(message["text"])["text"]
        stream = await client.chat.completions.create(
            model="fake", messages=[{"role": "user", "content": question}], stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                frame = {"type": "turn.delta", "text": chunk.choices[0].delta.content}
                await send({"type": "websocket.send", "text": json.dumps(frame)})
        await send({"type": "websocket.send", "text": '{"type": "turn.completed"}'})
