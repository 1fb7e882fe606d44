"""What clients send over a socket, as values. Whatever comes, it is a value or a PlatformError."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.errors import FrameInvalid, FrameTooLarge
from tenants.asynchronous import lenient_json
from tenants.errors import Invalid

MAX_FRAME_BYTES = 64 * 1024
MAX_SEQ = 2**63


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


def after_of(frame: dict[str, Any]) -> int | None:
    """The last number that a client says it saw. Raises FrameInvalid."""
    after = frame.get("after")
    if after is None:
        return None
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < MAX_SEQ:
        raise FrameInvalid(_("«after» is the last seq that was seen, a number."))
    return after
