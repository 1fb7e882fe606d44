"""One signed call to a game. It is made once, and what goes wrong becomes a word in the log."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from webhooks.calling import CallFailed, Trouble, post_signed, told

# A state may have 128 KiB; what else an answer holds is small.
MAX_ANSWER_BYTES = 160 * 1024
USER_AGENT = "Troupe-Hooks/1.0"

Failure = Trouble | Literal["refused"]


class HookFailed(Exception):
    """`why` is one word for the log: nothing of the game's answer, and no secret."""

    def __init__(self, why: Failure) -> None:
        super().__init__(why)
        self.why: Failure = why


async def call_hook(
    url: str, secret: str, *, kind: str, message_id: str, data: Mapping[str, Any], timeout_s: float
) -> dict[str, Any]:
    """Post `{type, timestamp, data}`; the answer's object, empty for 204. Raises HookFailed."""
    now = time.time()
    try:
        answer = await post_signed(
            url,
            [secret],
            told(kind, datetime.fromtimestamp(now, UTC), data),
            message_id=message_id,
            timestamp_s=int(now),
            user_agent=USER_AGENT,
            timeout_s=timeout_s,
            max_bytes=MAX_ANSWER_BYTES,
        )
    except CallFailed as failure:
        raise HookFailed(failure.why) from None
    if not answer.is_success:
        raise HookFailed("refused")
    try:
        found = orjson.loads(answer.body) if answer.body else {}
    except ValueError:
        raise HookFailed("invalid") from None
    if not (answer.is_whole and isinstance(found, dict)):
        raise HookFailed("invalid")
    return found
