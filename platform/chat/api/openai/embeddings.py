"""Vectors of texts, as the tenant's documents are embedded."""

import base64
import time
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from chat.api.openai.doors import openai_view
from chat.api.openai.fields import text_of, whole_of
from chat.posting import storable
from llm.door import embed
from llm.embedding import bundled, off_loop
from llm.metering import Payer, record_call
from llm.models import ModelCall
from llm.routes import resolve_route
from llm.tokens import count_tokens
from llm.types import RouteConfig, Side, Usage
from tenants.asynchronous import json_body
from tenants.authentication import Caller
from tenants.errors import Invalid, NotFound
from tenants.scope import in_tenant

# As many as OpenAI takes.
MAX_INPUTS = 2_048
# And of each as much; an endpoint of the tenant's has its own limit.
MAX_INPUT_TOKENS = 8_192


@openai_view("knowledge", "POST")
async def embeddings_view(request: HttpRequest, caller: Caller) -> HttpResponseBase:
    """`input_type` says which side the texts are on."""
    body = json_body(request)
    route: RouteConfig = await in_tenant(caller.tenant_id, resolve_route, caller.tenant_id)
    model = text_of(body, "model")
    if model != route.embedding_name:
        raise NotFound(
            _("There is no embedding model «%(asked)s»; it is «%(known)s».")
            % {"asked": model, "known": route.embedding_name}
        )
    texts, side, encoding = _texts(body), _side(body), _encoding(body)
    dimensions = whole_of(body, "dimensions", least=1)
    if not route.embedding_model:
        await off_loop(_check_lengths, texts)
    began = time.monotonic()
    vectors = await embed(route, texts, side)
    if dimensions is not None and dimensions != vectors.shape[1]:
        detail = _("The vectors of this model have %(count)s dimensions.") % {"count": vectors.shape[1]}
        raise Invalid.field("dimensions", detail)
    tokens = sum(map(count_tokens, texts))
    if route.embedding_model:
        took_ms = round((time.monotonic() - began) * 1000)
        await in_tenant(caller.tenant_id, _meter, route, tokens, took_ms, Payer(api_key_id=caller.key_id))
    data = [
        {"object": "embedding", "index": n, "embedding": encoded(vector, encoding)} for n, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JsonResponse({"object": "list", "model": model, "data": data, "usage": usage})


def _meter(route: RouteConfig, tokens: int, took_ms: int, payer: Payer) -> None:
    usage = Usage(tokens, 0, is_estimate=True)
    record_call(route=route, usage=usage, duration_ms=took_ms, payer=payer, operation=ModelCall.Operation.EMBED)


def _texts(body: dict[str, Any]) -> list[str]:
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and texts and all(isinstance(each, int | list) for each in texts):
        # Which numbers stand for which words only the model knows that made them.
        detail = _("Texts are needed, not numbers of tokens. In LangChain: check_embedding_ctx_length=False.")
        raise Invalid.field("input", detail)
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and storable(text) for text in texts):
        raise Invalid.field("input", _("A text, or a list of texts, none of them empty."))
    if len(texts) > MAX_INPUTS:
        raise Invalid.field("input", _("At most %(count)s texts at once.") % {"count": MAX_INPUTS})
    return [storable(text) for text in texts]


def _check_lengths(texts: list[str]) -> None:
    for number, text in enumerate(texts):
        if len(text) > MAX_INPUT_TOKENS and bundled().count_tokens(text) > MAX_INPUT_TOKENS:
            detail = _("A text may have %(count)s tokens.") % {"count": MAX_INPUT_TOKENS}
            raise Invalid.field(f"input.{number}", detail)


def _side(body: dict[str, Any]) -> Side:
    match body.get("input_type"):
        case "query":
            return "query"
        case None | "passage":
            return "passage"
    raise Invalid.field("input_type", _("«query» or «passage»."))


def _encoding(body: dict[str, Any]) -> str:
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise Invalid.field("encoding_format", _("«float» or «base64»."))
    return str(encoding)


def encoded(vector: Any, encoding: str) -> Any:
    """Floats, or base64 of little-endian float32, which the official Python client asks for."""
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return vector.tolist()
