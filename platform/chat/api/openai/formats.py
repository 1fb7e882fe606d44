"""`response_format`: passed on to the model, and what comes back is held to it.

An answer that is not as it must be is refused rather than handed on or mended: to ask once more costs as much as the
answer did, and who called knows better whether it is worth that.
"""

from typing import Any

import orjson
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError

from llm.errors import ProviderInvalid
from tenants.errors import Invalid

# They match in linear time.
_PATTERNS = RegexOptions()


class FormatMissed(ProviderInvalid):
    """The model's answer is not what `response_format` asks for."""

    code = "response_format_missed"
    default_detail = gettext_lazy("The answer of the model is not in the format that was asked for; try again.")


def check_format(given: dict[str, Any]) -> dict[str, Any] | None:
    """The format to be passed on, None for plain text. Raises Invalid."""
    match given.get("type", "text"):
        case "text":
            return None
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            _validator(given)
            return given
    raise Invalid.field("response_format.type", _("One of text, json_object, json_schema."))


def check_answer(format_: dict[str, Any] | None, text: str) -> None:
    """Raises FormatMissed."""
    if format_ is None:
        return
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FormatMissed(_("The answer of the model is no JSON, as response_format asks for; try again.")) from None
    if format_["type"] == "json_object":
        if not isinstance(answer, dict):
            raise FormatMissed
        return
    for error in _validator(format_).iter_errors(answer):
        where = ".".join(map(str, error.instance_path)) or "."
        detail = _("The answer of the model does not fit the schema: %(where)s: %(why)s")
        raise FormatMissed(detail % {"where": where, "why": error.message[:200]})


def _validator(given: dict[str, Any]) -> Draft202012Validator:
    described = given.get("json_schema")
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise Invalid.field("response_format.json_schema", _("An object with name and schema is needed."))
    schema = described.get("schema", {})
    if not isinstance(schema, dict):
        raise Invalid.field("response_format.json_schema.schema", _("An object is needed."))
    try:
        return Draft202012Validator(schema, pattern_options=_PATTERNS, offline=True)
    except ValidationError as failure:
        raise Invalid.field("response_format.json_schema.schema", failure.message[:200]) from None
    except ValueError as failure:
        raise Invalid.field("response_format.json_schema.schema", str(failure)[:200]) from None
