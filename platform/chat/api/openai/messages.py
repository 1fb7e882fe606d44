"""The `messages` of a request: what is asked, what was said before it, and how far its tools have come since."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from chat.api.openai.fields import list_of
from chat.posting import clean_said, storable
from personas.context import Said
from tenants.errors import Invalid

MAX_MESSAGES = 1_000
# Of all system messages together: about what a prompt has room for besides the persona.
MAX_SYSTEM_CHARACTERS = 20_000
MAX_TOOL_CHARACTERS = 64_000


@dataclass(frozen=True)
class Thread:
    """`system` is what system and developer messages say, `text` the last message of the user, `history` what was said
    before it, and `since` the rounds of tool calls after it, as the model's endpoint takes them.
    """

    text: str
    history: tuple[Said, ...]
    system: str
    since: tuple[dict[str, Any], ...]


def read_thread(body: dict[str, Any]) -> Thread:
    """Raises Invalid, naming the message."""
    told = [_read(message, f"messages.{n}") for n, message in enumerate(list_of(body, "messages", most=MAX_MESSAGES))]
    asked = max((n for n, message in enumerate(told) if message["role"] == "user"), default=None)
    if asked is None:
        raise Invalid.field("messages", _("A message of the user is needed."))
    system = "\n\n".join(message["content"] for message in told if message["role"] == "system")
    if len(system) > MAX_SYSTEM_CHARACTERS:
        detail = _("System messages of at most %(count)s characters are taken.") % {"count": MAX_SYSTEM_CHARACTERS}
        raise Invalid.field("messages", detail)
    since = tuple(message for message in told[asked + 1 :] if message["role"] != "system")
    _check_rounds(since)
    return Thread(
        text=clean_said(told[asked]["content"]),
        history=tuple(
            Said("user" if message["role"] == "user" else "bot", message["content"])
            for message in told[:asked]
            # Tools of earlier questions have done their work: what was said of it stays.
            if message["role"] in ("user", "assistant") and message["content"]
        ),
        system=system,
        since=since,
    )


def _read(message: Any, where: str) -> dict[str, Any]:
    if not isinstance(message, dict):
        raise Invalid.field(where, _("An object with role and content is needed."))
    match message.get("role"):
        case "system" | "developer":
            return {"role": "system", "content": _content(message, where)}
        case "user":
            return {"role": "user", "content": _content(message, where)}
        case "assistant":
            return _assistant(message, where)
        case "tool":
            call_id = message.get("tool_call_id")
            if not isinstance(call_id, str) or not call_id:
                raise Invalid.field(f"{where}.tool_call_id", _("The id of the call that this answers is needed."))
            return {"role": "tool", "content": _content(message, where), "tool_call_id": storable(call_id)}
    raise Invalid.field(f"{where}.role", _("One of system, developer, user, assistant, tool."))


def _assistant(message: dict[str, Any], where: str) -> dict[str, Any]:
    calls = message.get("tool_calls")
    if not calls:
        return {"role": "assistant", "content": _content(message, where)}
    if not isinstance(calls, list) or len(calls) > 64:
        raise Invalid.field(f"{where}.tool_calls", _("A list of at most %(count)s is needed.") % {"count": 64})
    content = "" if message.get("content") is None else _content(message, where)
    read = [_call(call, f"{where}.tool_calls.{n}") for n, call in enumerate(calls)]
    return {"role": "assistant", "content": content, "tool_calls": read}


def _call(call: Any, where: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or call.get("type", "function") != "function":
        raise Invalid.field(where, _("A call of a function is needed."))
    parts = [call.get("id"), function.get("name"), function.get("arguments")]
    if not all(isinstance(part, str) for part in parts) or not (parts[0] and parts[1]):
        raise Invalid.field(where, _("A call has an id, and its function a name and arguments."))
    call_id, name, arguments = (storable(str(part)) for part in parts)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _content(message: dict[str, Any], where: str) -> str:
    """The text of a message, whole or in parts."""
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(_part(part, f"{where}.content.{n}") for n, part in enumerate(content))
    if not isinstance(content, str):
        raise Invalid.field(f"{where}.content", _("A text is needed."))
    return storable(content)


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get("refusal" if kind == "refusal" else "text") if isinstance(part, dict) else None
    if kind not in ("text", "refusal") or not isinstance(text, str):
        raise Invalid.field(where, _("Only parts of type text are taken."))
    return text


def _check_rounds(since: tuple[dict[str, Any], ...]) -> None:
    """After the question come calls, then an answer to each of them, perhaps several times."""
    open_calls: set[str] = set()
    for message in since:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise Invalid.field("messages", _("A tool's message must answer a call that was made before it."))
            open_calls.remove(message["tool_call_id"])
        elif open_calls or not message.get("tool_calls"):
            raise Invalid.field("messages", _("The last message must be the user's, or a tool's."))
        else:
            open_calls = {call["id"] for call in message["tool_calls"]}
    if open_calls:
        raise Invalid.field("messages", _("Each call of a tool needs its answer."))
    if sum(len(str(message)) for message in since) > MAX_TOOL_CHARACTERS:
        detail = _("Tools may answer with %(count)s characters in all.") % {"count": MAX_TOOL_CHARACTERS}
        raise Invalid.field("messages", detail)
