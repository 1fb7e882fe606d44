"""`POST /v1/chat/completions`: one answer of a published persona, streamed or whole."""

import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from chat.access import access_conversation
from chat.api.openai.asking import Completion
from chat.api.openai.doors import error_object, openai_view
from chat.api.openai.formats import FormatMissed, check_answer
from chat.api.posting import Posting, TurnFailed, behalf_of, turn_of
from chat.engine import engine
from chat.events import ENDINGS, Delta, Event, Item
from chat.hub import hub
from chat.knobs import TOOL_CALLS
from chat.sessions import open_session
from personas.access import access_published
from tenants.asynchronous import json_body
from tenants.authentication import Caller
from tenants.errors import Conflict, NotFound
from tenants.scope import in_tenant

FINISH_REASONS = {"stop": "stop", "length": "length", "stopped": "stop", "filtered": "content_filter"}


@openai_view("chat", "POST")
async def completions_view(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """With the citations beside the choices."""
    asked = Completion.parse(json_body(request))
    conversation_id, anew = await in_tenant(caller.tenant_id, _place, caller, asked)
    answer = Answer(caller, asked, conversation_id, anew)
    if not asked.is_streamed:
        return JsonResponse(await answer.whole())
    response = StreamingHttpResponse(await answer.begun(), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


def _place(caller: Caller, asked: Completion) -> tuple[UUID, UUID | None]:
    """The conversation in which it is said, and the turn there whose tools have answered."""
    persona = access_published(caller.tenant_id, asked.model)
    user = asked.user
    if asked.conversation_id and not user:  # a thread may be gone on with by its id alone
        user = access_conversation(caller.tenant_id, asked.conversation_id).end_user.external_id
    opened = open_session(
        persona=persona, end_user_id=user or f"key-{caller.key_id}", conversation_id=asked.conversation_id
    )
    conversation = opened.conversation
    if not (asked.conversation_id and asked.thread.since):
        return conversation.pk, None
    last = conversation.turns.select_related("question").order_by("-first_seq").first()
    if last is None or TOOL_CALLS not in last.trace or last.question.text != asked.thread.text:
        raise Conflict(_("The last answer of this conversation called no tools for this message."))
    return conversation.pk, last.pk


class Answer:
    """One completion on its way to the client.

    Who keeps his thread himself and goes away in mid-answer has stopped it, since nobody could ever read the rest. In
    a conversation that is kept here the answer goes on, and is there to be read.
    """

    def __init__(self, caller: Caller, asked: Completion, conversation_id: UUID, anew: UUID | None) -> None:
        self._tenant_id, self._asked, self._conversation_id = caller.tenant_id, asked, conversation_id
        self._turn_id: str | None = None
        self._is_over = False
        self._items = Posting(
            caller.tenant_id,
            conversation_id,
            client_id=uuid4(),
            text=asked.thread.text,
            knobs=asked.knobs,
            # In a thread that is kept here, we know what was said; else the client sends it along.
            history=None if asked.conversation_id else asked.thread.history,
            on_behalf=behalf_of(caller),
            key_id=caller.key_id,
            anew=anew,
        ).items()

    async def whole(self) -> dict[str, Any]:
        """The completion as one object. Raises what made it fail."""
        try:
            async for item in self._items:
                self._note(item)
                if isinstance(item, Event) and item.type in ENDINGS:
                    return self._completion(_checked(item, self._asked))
            raise NotFound  # erased meanwhile
        finally:
            await self._leave()

    async def begun(self) -> AsyncIterator[bytes]:
        """The stream, once there is something to say. Raises what made the turn fail before that."""
        try:
            async for item in self._items:
                self._note(item)
                if item.type == "turn.failed" and isinstance(item, Event):
                    raise TurnFailed(item.body)
                if isinstance(item, Delta) or item.type in ENDINGS:
                    return self._stream(item)
            raise NotFound
        except BaseException:
            await self._leave()
            raise

    def _note(self, item: Item) -> None:
        self._turn_id = turn_of(item) or self._turn_id
        self._is_over = self._is_over or item.type in ENDINGS

    async def _leave(self) -> None:
        """Let go of the turn. One that nobody will read is stopped, by a task that outlives ours."""
        if self._turn_id and not self._is_over and not self._asked.conversation_id:
            hub().spawn(engine().stop(self._tenant_id, self._conversation_id, UUID(self._turn_id)))
        await self._items.aclose()  # type: ignore[attr-defined]

    # --- As one object ----------------------------------------------------------------------------------
    def _completion(self, turn: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turn["text"], "refusal": None}
        if calls := turn.get(TOOL_CALLS):
            message |= {"content": turn["text"] or None, "tool_calls": calls}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(turn)}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_body(turn["usage"]),
            **self._beside(turn),
        }

    def _head(self, kind: str) -> dict[str, Any]:
        name = f"chatcmpl-{self._turn_id}"
        return {"id": name, "object": kind, "created": int(time.time()), "model": self._asked.model}

    def _beside(self, turn: dict[str, Any]) -> dict[str, Any]:
        return {"citations": turn["citations"], "metadata": {"conversation_id": str(self._conversation_id)}}

    # --- In pieces --------------------------------------------------------------------------------------
    async def _stream(self, item: Item) -> AsyncIterator[bytes]:
        head = self._head("chat.completion.chunk")
        usage = {"usage": None} if self._asked.wants_usage else {}
        try:
            yield _data({**head, "choices": [_choice({"role": "assistant", "content": ""})], **usage})
            while True:
                if isinstance(item, Delta):
                    yield _data({**head, "choices": [_choice({"content": item.text})], **usage})
                elif item.type in ENDINGS:
                    for chunk in self._closing({**head, **usage}, item):
                        yield chunk
                    return
                item = await anext(self._items)
                self._note(item)
        except StopAsyncIteration:
            return
        finally:
            await self._leave()

    def _closing(self, head: dict[str, Any], ending: Event) -> list[bytes]:
        try:
            turn = _checked(ending, self._asked)
        except (TurnFailed, FormatMissed) as error:
            return [_data(error_object(error)), DONE]
        calls = [{"index": n, **call} for n, call in enumerate(turn.get(TOOL_CALLS, []))]
        chunks = [{**head, "choices": [_choice({"tool_calls": [call]})]} for call in calls]
        chunks.append({**head, "choices": [_choice({}, _finish_reason(turn))], **self._beside(turn)})
        if self._asked.wants_usage:
            chunks.append({**head, "choices": [], "usage": usage_body(turn["usage"])})
        return [*map(_data, chunks), DONE]


DONE = b"data: [DONE]\n\n"


def _checked(ending: Event, asked: Completion) -> dict[str, Any]:
    """The completed turn. Raises TurnFailed, or FormatMissed for a whole answer that is not as it must be."""
    if ending.type == "turn.failed":
        raise TurnFailed(ending.body)
    if _finish_reason(ending.body) == "stop":
        check_answer(asked.format, ending.body["text"])
    return ending.body


def _finish_reason(turn: dict[str, Any]) -> str:
    return "tool_calls" if turn.get(TOOL_CALLS) else FINISH_REASONS[turn["finish_reason"]]


def usage_body(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": usage["cached_tokens"]},
    }


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _data(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
