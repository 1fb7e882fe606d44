"""A checked request for a completion.

What each of OpenAI's parameters comes to is told in docs/guides/openai.md.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.utils.translation import gettext as _

from chat.api.openai.fields import flag_of, list_of, number_of, object_of, text_of, uuid_of, whole_of
from chat.api.openai.formats import check_format
from chat.api.openai.messages import Thread, read_thread
from chat.posting import storable
from tenants.errors import Invalid

MAX_USER_CHARACTERS = 190
MAX_STOPS = 4
MAX_TOOLS = 128
MAX_TOOLS_BYTES = 64_000
TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

# What would change the answer, and cannot be had.
REFUSED: dict[str, Callable[[Any], bool]] = {
    "logprobs": lambda value: value is not False,
    "top_logprobs": lambda value: value != 0,
    "logit_bias": bool,
    "functions": bool,
    "function_call": lambda value: value != "none",
    "audio": bool,
    "modalities": lambda value: value != ["text"],
    "web_search_options": lambda value: True,
}


@dataclass(frozen=True)
class Completion:
    """`knobs` are what the model is asked otherwise than the persona's settings say (`chat.knobs`)."""

    model: str
    thread: Thread
    user: str
    conversation_id: UUID | None
    is_streamed: bool
    wants_usage: bool
    knobs: dict[str, Any]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "Completion":
        """Raises Invalid, naming the field."""
        for name, is_wanted in REFUSED.items():
            if body.get(name) is not None and is_wanted(body[name]):
                raise Invalid.field(name, _("Personas do not have this."))
        thread = read_thread(body)
        return cls(
            model=text_of(body, "model"),
            thread=thread,
            user=storable(str(body.get("user") or ""))[:MAX_USER_CHARACTERS],
            conversation_id=uuid_of(object_of(body, "metadata").get("conversation_id"), "metadata.conversation_id"),
            is_streamed=bool(flag_of(body, "stream")),
            wants_usage=bool(flag_of(object_of(body, "stream_options"), "include_usage")),
            knobs=_knobs(body, thread),
        )

    @property
    def format(self) -> dict[str, Any] | None:
        """The `response_format` that the answer must have."""
        return self.knobs.get("response_format")


def _knobs(body: dict[str, Any], thread: Thread) -> dict[str, Any]:
    if body.get("n") not in (None, 1):
        raise Invalid.field("n", _("A persona gives one answer."))
    longest = whole_of(body, "max_completion_tokens", least=1)
    tools = _tools(body)
    knobs = {
        "temperature": number_of(body, "temperature", least=0, most=2),
        "max_output_tokens": longest if longest is not None else whole_of(body, "max_tokens", least=1),
        "stop": _stops(body),
        "seed": whole_of(body, "seed", least=-(2**63), most=2**63 - 1),
        "response_format": check_format(object_of(body, "response_format")),
        "tools": tools,
        "tool_choice": _tool_choice(body, tools),
        "parallel_tool_calls": flag_of(body, "parallel_tool_calls") if tools else None,
        "system": thread.system,
        "since": list(thread.since),
    }
    return {name: value for name, value in knobs.items() if value not in (None, "", [])}


def _stops(body: dict[str, Any]) -> list[str]:
    given = body.get("stop")
    stops = [given] if isinstance(given, str) else given or []
    if (
        not isinstance(stops, list)
        or len(stops) > MAX_STOPS
        or not all(isinstance(one, str) and storable(one) for one in stops)
    ):
        raise Invalid.field("stop", _("A text, or up to four."))
    return [storable(one) for one in stops]


def _tools(body: dict[str, Any]) -> list[dict[str, Any]]:
    tools = list_of(body, "tools", most=MAX_TOOLS)
    for n, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict):
            raise Invalid.field(f"tools.{n}", _("Only tools of type function are taken."))
        if not isinstance(function.get("name"), str) or not TOOL_NAME.fullmatch(function["name"]):
            detail = _("Up to 64 letters, digits, dashes and underscores are needed.")
            raise Invalid.field(f"tools.{n}.function.name", detail)
        if not isinstance(function.get("parameters", {}), dict):
            raise Invalid.field(f"tools.{n}.function.parameters", _("An object is needed."))
    as_text = storable(orjson.dumps(tools).decode())
    if len(as_text) > MAX_TOOLS_BYTES:
        raise Invalid.field("tools", _("Tools of at most %(count)s bytes are taken.") % {"count": MAX_TOOLS_BYTES})
    return tools


def _tool_choice(body: dict[str, Any], tools: list[dict[str, Any]]) -> Any:
    choice = body.get("tool_choice")
    if choice is None or (choice in ("none", "auto") and not tools):
        return None
    if not tools:
        raise Invalid.field("tool_choice", _("There are no tools to choose from."))
    if choice in ("none", "auto", "required"):
        return choice
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name not in [tool["function"]["name"] for tool in tools]:
        raise Invalid.field("tool_choice", _("none, auto, required, or one of the tools by its name."))
    return {"type": "function", "function": {"name": name}}
