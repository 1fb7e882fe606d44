"""What clients send over a socket, as values. Whatever comes, it is a value or a PlatformError."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.asynchronous import lenient_json
from tenants.errors import Invalid, PlatformError

MAX_FRAME_BYTES = 64 * 1024


class FrameInvalid(PlatformError):
    code = "frame_invalid"
    status = 422
    default_detail = gettext_lazy("A frame is one JSON object as text, with a «type».")


class FrameUnknown(PlatformError):
    code = "frame_unknown"
    status = 422
    default_detail = gettext_lazy("There is no frame of this type.")

    @classmethod
    def among(cls, known: Iterable[str]) -> "FrameUnknown":
        """With the types that are taken here, for clients written for another version."""
        return cls(_("There is no frame of this type here, only these: %(types)s.") % {"types": ", ".join(known)})


class FrameTooLarge(PlatformError):
    code = "frame_too_large"
    status = 413
    default_detail = gettext_lazy("A frame may have 64 KB.")


def parse_frame(text: str | None) -> dict[str, Any]:
    """A frame as an object with a `type`. Raises FrameInvalid or FrameTooLarge."""
    if text is None:
        raise FrameInvalid
    if len(text) > MAX_FRAME_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_FRAME_BYTES:
        raise FrameTooLarge
    try:
        frame = lenient_json(text)
    except ValueError:
        raise FrameInvalid from None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise FrameInvalid
    return frame


def uuid_of(frame: dict[str, Any], name: str) -> UUID:
    """A field that must be a UUID. Raises Invalid."""
    try:
        return UUID(frame[name])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise Invalid.field(name, _("A UUID is needed.")) from None
