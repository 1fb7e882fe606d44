"""What goes through the models' door: plain values, the same for every provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from llm.reader.types import Matrix, ReaderTask, Vector
from llm.tariffs import Tariff

__all__ = [
    "BUNDLED_EMBEDDINGS",
    "READER",
    "ChatMessage",
    "ChatRequest",
    "FinishReason",
    "Finished",
    "Matrix",
    "Role",
    "RouteConfig",
    "Side",
    "StreamItem",
    "TextDelta",
    "ToolCallDelta",
    "Usage",
    "Vector",
]

# What is named as the model where no endpoint is asked.
READER = "reader"
BUNDLED_EMBEDDINGS = "multilingual-e5-small"

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "filtered"]
Provider = Literal["openai", "reader"]
# Models such as E5 embed a question and a passage differently; the wrong side finds half as much.
Side = Literal["query", "passage"]


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """Where a call goes, with all that it needs: no database is asked while a model is called.

    Prices are per million tokens. `embedding_model` empty means the bundled embeddings. `owner` is the id of the
    tenant whose route it is, empty for the operator's.
    """

    slug: str
    provider: Provider
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    chat_model: str = ""
    embedding_model: str = ""
    timeout_s: float = 60.0  # until the first token, retries included
    stall_timeout_s: float = 30.0  # between two tokens
    price_input: Decimal = Decimal(0)
    price_cached: Decimal = Decimal(0)
    price_output: Decimal = Decimal(0)
    currency: str = "USD"
    # The price lists that may hold here, for a route that has no prices of its own.
    tariffs: tuple[Tariff, ...] = ()
    owner: str = ""

    @property
    def is_reader(self) -> bool:
        """Whether no model is connected, so that only authored words can be said."""
        return self.provider == "reader"

    @property
    def chat_name(self) -> str:
        """The model that answers unless a request names another."""
        return READER if self.is_reader else self.chat_model

    @property
    def embedding_name(self) -> str:
        """What vectors are stored under; only vectors of one model can be compared."""
        return self.embedding_model or BUNDLED_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Role
    content: str
    tool_calls: Sequence[Mapping[str, Any]] = ()  # of an assistant message, as the endpoint gave them
    tool_call_id: str = ""  # of a tool message: the call it answers


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a model. `model` empty takes the route's; None leaves a knob to the endpoint.

    `reader` is what the reader answers from; without it, a route that has no model cannot answer.
    """

    messages: Sequence[ChatMessage]
    model: str = ""
    temperature: float | None = None
    max_output_tokens: int | None = None
    stop: Sequence[str] = ()
    seed: int | None = None
    response_format: Mapping[str, Any] | None = None
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reader: ReaderTask | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `cached_tokens` are part of `input_tokens`; estimated if not told."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    is_estimate: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text; never empty, free of NUL and lone surrogates."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of the tool call number `index`. Id and name come once; the arguments, joined, are JSON text."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a whole answer; always the last item. The rest is set by the reader alone.

    `cited`: the numbers of the passages it quoted. `declined`: the documents do not answer, so that a person
    should be offered. `trace`: why it answered so, JSON-able.
    """

    finish_reason: FinishReason
    usage: Usage
    cited: tuple[int, ...] | None = None
    declined: bool = False
    trace: Mapping[str, Any] = field(default_factory=dict)


StreamItem = TextDelta | ToolCallDelta | Finished
