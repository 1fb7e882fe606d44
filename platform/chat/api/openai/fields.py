"""Reading fields of a request, each refusal naming its field. `None` counts as not sent."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.posting import storable
from tenants.errors import Invalid


def text_of(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not storable(value):
        raise Invalid.field(name, _("A text is needed."))
    return storable(value)


def object_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise Invalid.field(name, _("An object is needed."))
    return value or {}


def list_of(body: dict[str, Any], name: str, *, most: int) -> list[Any]:
    value = body.get(name)
    if value is not None and (not isinstance(value, list) or len(value) > most):
        raise Invalid.field(name, _("A list of at most %(count)s is needed.") % {"count": most})
    return value or []


def flag_of(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise Invalid.field(name, _("true or false is needed."))
    return value


def number_of(body: dict[str, Any], name: str, *, least: float, most: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if not is_number(value) or not least <= value <= most:
        raise Invalid.field(name, _("A number from %(least)s to %(most)s.") % {"least": least, "most": most})
    return float(value)


def whole_of(body: dict[str, Any], name: str, *, least: int, most: int = 2**31 - 1) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not is_number(value) or value != int(value) or not least <= value <= most:
        raise Invalid.field(name, _("A whole number of at least %(least)s.") % {"least": least})
    return int(value)


def uuid_of(value: Any, name: str) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Invalid.field(name, _("A UUID is needed.")) from None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != float("inf")
