"""The fields of the chat's frames, as values."""

from typing import Any

from django.utils.translation import gettext as _

from tenants.frames import FrameInvalid

MAX_SEQ = 2**63


def after_of(frame: dict[str, Any]) -> int | None:
    """The last number that a client says it saw. Raises FrameInvalid."""
    after = frame.get("after")
    if after is None:
        return None
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < MAX_SEQ:
        raise FrameInvalid(_("«after» is the last seq that was seen, a number."))
    return after
