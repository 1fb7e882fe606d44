"""The OpenAI-compatible door: any client of theirs talks to a published persona as if it were a model."""

import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from chat.access import access_conversation
from chat.api.posting import Posting, TurnFailed, behalf_of
from chat.events import ENDINGS, Delta, Event, Item
from chat.posting import clean_said, storable
from chat.sessions import open_session
from llm.door import embed
from llm.routes import resolve_route
from llm.tokens import count_tokens
from llm.types import RouteConfig
from personas.access import access_published
from personas.context import Said
from personas.models import Persona
from tenants.asynchronous import json_body
from tenants.authentication import Caller
from tenants.errors import Invalid, NotFound, PlatformError
from tenants.limits.admitting import admitted
from tenants.problems import MethodNotAllowed
from tenants.scope import in_tenant, off_loop

FINISH_REASONS = {"stop": "stop", "length": "length", "stopped": "stop", "filtered": "content_filter"}
ERROR_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
MAX_EMBEDDING_INPUTS = 256


def openai_view(scope: str, method: str) -> Callable[..., Any]:
    """An asynchronous view whose failures have the shape that OpenAI's clients know."""

    def decorate(
        view: Callable[..., Awaitable[HttpResponseBase]],
    ) -> Callable[..., Awaitable[HttpResponseBase]]:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise MethodNotAllowed(_("Use %(methods)s.") % {"methods": method})
                caller = await off_loop(admitted, request)
                caller.require(scope)
                return await view(request, caller, *args, **kwargs)
            except PlatformError as error:
                return JsonResponse(error_object(error), status=_status(error), headers=error.headers)

        return guarded

    return decorate


def error_object(error: PlatformError) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = ERROR_TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    param = error.errors[0]["field"] if error.errors else None
    return {"error": {"message": str(error.detail), "type": kind, "code": error.code, "param": param}}


def _status(error: PlatformError) -> int:
    # Their clients know 400, not 422, for a request that is wrong.
    return 400 if error.status == 422 else error.status


# --- Models
# ---------------------------------------------------------------------------------------------------
@openai_view("chat", "GET")
async def models_view(request: HttpRequest, caller: Caller, model: str | None = None) -> HttpResponseBase:
    """The tenant's published personas, and the embedding model."""
    listed = await in_tenant(caller.tenant_id, _models, caller.tenant_id)
    if model is None:
        return JsonResponse({"object": "list", "data": listed})
    for one in listed:
        if one["id"] == model:
            return JsonResponse(one)
    raise NotFound(_("There is no model «%(model)s».") % {"model": model})


def _models(tenant_id: UUID) -> list[dict[str, Any]]:
    published = Persona.objects.for_tenant(tenant_id).published().order_by("slug")
    models = [(persona.slug, persona.live_version.published_at) for persona in published]
    embedding = resolve_route(tenant_id).embedding_name
    return [
        *({"id": slug, "object": "model", "created": int(at.timestamp()), "owned_by": "troupe"} for slug, at in models),
        {"id": embedding, "object": "model", "created": 0, "owned_by": "troupe"},
    ]


# --- Chat completions
# -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Completion:
    """A checked request."""

    model: str
    text: str
    history: tuple[Said, ...]
    user: str
    conversation_id: UUID | None
    is_streamed: bool
    wants_usage: bool
    knobs: dict[str, Any]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Completion":
        """Raises Invalid, naming the field."""
        said = [_said(message, n) for n, message in enumerate(_list(body, "messages"))]
        spoken = [one for one in said if one is not None]
        if not spoken or spoken[-1].role != "user":
            raise Invalid.field("messages", _("The last message must be the user's."))
        return cls(
            model=_text(body, "model"),
            text=clean_said(spoken[-1].text),
            history=tuple(spoken[:-1]),
            user=storable(str(body.get("user") or ""))[:190],
            conversation_id=_uuid(_object(body, "metadata").get("conversation_id")),
            is_streamed=bool(body.get("stream")),
            wants_usage=bool(_object(body, "stream_options").get("include_usage")),
            knobs=_knobs(body),
        )


@openai_view("chat", "POST")
async def completions_view(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """One answer of a published persona, streamed or whole, with its citations beside the choices."""
    asked = Completion.parse(json_body(request))
    conversation_id = await in_tenant(caller.tenant_id, _conversation, caller, asked)
    posting = Posting(
        caller.tenant_id,
        conversation_id,
        client_id=uuid4(),
        text=asked.text,
        knobs=asked.knobs,
        # In a thread that is kept here, we know what was said; else the client sends it along.
        history=None if asked.conversation_id else asked.history,
        on_behalf=behalf_of(caller),
        key_id=caller.key_id,
    )
    if asked.is_streamed:
        events = posting.items()
        first = await begun(events)
        return StreamingHttpResponse(_chunks(first, events, asked, conversation_id), content_type="text/event-stream")
    return JsonResponse(completion_body(await posting.completed(), asked.model, conversation_id))


def _conversation(caller: Caller, asked: Completion) -> UUID:
    persona = access_published(caller.tenant_id, asked.model)
    user = asked.user
    if asked.conversation_id and not user:  # a thread may be gone on with by its id alone
        user = access_conversation(caller.tenant_id, asked.conversation_id).end_user.external_id
    opened = open_session(
        persona=persona, end_user_id=user or f"key-{caller.key_id}", conversation_id=asked.conversation_id
    )
    return opened.conversation.pk


async def begun(events: AsyncIterator[Item]) -> Item:
    """The first event that has to be said. Raises what made the turn fail before a word was said."""
    async for item in events:
        if item.type == "turn.failed" and isinstance(item, Event):
            raise TurnFailed(item.body)
        if isinstance(item, Delta) or item.type in ENDINGS:
            return item
    raise NotFound


def completion_body(turn: dict[str, Any], model: str, conversation_id: UUID) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{turn['turn_id']}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": turn["text"], "refusal": None},
                "logprobs": None,
                "finish_reason": FINISH_REASONS[turn["finish_reason"]],
            }
        ],
        "usage": usage_body(turn["usage"]),
        "citations": turn["citations"],
        "metadata": {"conversation_id": str(conversation_id)},
    }


def usage_body(usage: dict[str, Any]) -> dict[str, Any]:
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["input_tokens"] + usage["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": usage["cached_tokens"]},
    }


async def _chunks(
    first: Any, events: AsyncIterator[Any], asked: Completion, conversation_id: UUID
) -> AsyncIterator[bytes]:
    head = {
        "id": f"chatcmpl-{conversation_id}-{uuid4().hex[:8]}", "object": "chat.completion.chunk",
        "created": int(time.time()), "model": asked.model,
    }  # fmt: skip
    yield _data({**head, "choices": [_choice({"role": "assistant", "content": ""})]})
    item = first
    try:
        while True:
            if isinstance(item, Delta):
                yield _data({**head, "choices": [_choice({"content": item.text})]})
            elif isinstance(item, Event) and item.type == "turn.completed":
                for chunk in _closing(head, item.body, asked, conversation_id):
                    yield _data(chunk)
            elif isinstance(item, Event) and item.type == "turn.failed":
                yield _data(error_object(TurnFailed(item.body)))
            item = await anext(events)
    except StopAsyncIteration:
        yield b"data: [DONE]\n\n"
    finally:
        await events.aclose()  # type: ignore[attr-defined]


def _closing(
    head: dict[str, Any], turn: dict[str, Any], asked: Completion, conversation_id: UUID
) -> list[dict[str, Any]]:
    last = {
        **head,
        "choices": [_choice({}, FINISH_REASONS[turn["finish_reason"]])],
        "citations": turn["citations"],
        "metadata": {"conversation_id": str(conversation_id)},
    }
    return [last, {**head, "choices": [], "usage": usage_body(turn["usage"])}] if asked.wants_usage else [last]


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _data(body: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


# --- Embeddings
# -----------------------------------------------------------------------------------------------
@openai_view("knowledge", "POST")
async def embeddings_view(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """Vectors of texts, as the tenant's documents are embedded; `input_type` says which side they are on."""
    body = json_body(request)
    route: RouteConfig = await in_tenant(caller.tenant_id, resolve_route, caller.tenant_id)
    if _text(body, "model") != route.embedding_name:
        raise NotFound(
            _("There is no embedding model «%(asked)s»; it is «%(known)s».")
            % {"asked": body["model"], "known": route.embedding_name}
        )
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise Invalid.field("input", _("A text, or a list of texts, none of them empty."))
    if len(texts) > MAX_EMBEDDING_INPUTS:
        raise Invalid.field("input", _("At most %(count)s texts at once.") % {"count": MAX_EMBEDDING_INPUTS})
    side = body.get("input_type", "passage")
    if side not in ("query", "passage"):
        raise Invalid.field("input_type", _("«query» or «passage»."))
    vectors = await embed(route, texts, side)
    tokens = sum(map(count_tokens, texts))
    return JsonResponse(
        {
            "object": "list",
            "model": body["model"],
            "data": [
                {"object": "embedding", "index": n, "embedding": encoded(vector, body.get("encoding_format"))}
                for n, vector in enumerate(vectors)
            ],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def encoded(vector: Any, encoding: Any) -> Any:
    """Floats, or base64 of little-endian float32, which the official Python client asks for."""
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()


# --- Reading fields
# -------------------------------------------------------------------------------------------
def _said(message: Any, n: int) -> Said | None:
    """A message of the client's thread. System messages are left out: who the persona is, its owner says."""
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise Invalid.field(f"messages.{n}", _("An object with role and content is needed."))
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    match message["role"]:
        case "system" | "developer" | "tool" | "function":
            return None
        case "user" | "assistant":
            if not isinstance(content, str):
                raise Invalid.field(f"messages.{n}.content", _("A text is needed."))
            return Said("user" if message["role"] == "user" else "bot", storable(content))
    raise Invalid.field(f"messages.{n}.role", _("One of system, user, assistant."))


def _knobs(body: dict[str, Any]) -> dict[str, Any]:
    """What of the request the client may set, within the bounds that personas have."""
    knobs: dict[str, Any] = {}
    if body.get("n") not in (None, 1):
        raise Invalid.field("n", _("A persona gives one answer."))
    if (temperature := body.get("temperature")) is not None:
        if not _is_number(temperature) or not 0 <= temperature <= 2:
            raise Invalid.field("temperature", _("A number from 0 to 2."))
        knobs["temperature"] = float(temperature)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit is not None:
        if not _is_number(limit) or not 1 <= limit < 2**31:
            raise Invalid.field("max_tokens", _("A whole number above 0."))
        knobs["max_output_tokens"] = int(limit)
    if (stop := body.get("stop")) is not None:
        stops = [stop] if isinstance(stop, str) else stop
        if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(one, str) for one in stops):
            raise Invalid.field("stop", _("A text, or up to four."))
        knobs["stop"] = [storable(one) for one in stops]
    if _is_number(body.get("seed")):
        knobs["seed"] = int(body["seed"])
    return knobs


def _list(body: dict[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or not value or len(value) > 1000:
        raise Invalid.field(name, _("A list of messages is needed."))
    return value


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not storable(value):
        raise Invalid.field(name, _("A text is needed."))
    return storable(value)


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise Invalid.field(name, _("An object is needed."))
    return value or {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _uuid(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Invalid.field("metadata.conversation_id", _("A UUID is needed.")) from None
