"""Failures of knowledge bases that are not a file's fault (those are in `parsing.errors`)."""

import re

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, PlatformError

LONG = gettext_noop(
    "The document makes %(count)d passages, which takes about %(minutes)d minutes to embed. "
    'Send «retry» with {"confirm": true} to do it all the same.'
)
_LONG_WITH_NUMBERS = re.compile(re.sub(r"%\\\((\w+)\\\)d", r"(?P<\1>\\d+)", re.escape(LONG)))


class DimensionUnsupported(PlatformError):
    code = "dimension_unsupported"
    status = 422
    default_detail = _("Vectors of this size cannot be stored; it must be 384, 768, 1024 or 1536.")


class NeedsConfirmation(PlatformError):
    """Not a fault: somebody shall say first that he wants to wait so long."""

    code = "precondition_required"
    status = 428
    default_detail = _("The document is very long. Confirm it to embed it all the same.")


def in_readers_language(detail: str) -> str:
    """What a worker wrote down in English, for whoever looks at it now."""
    if told := _LONG_WITH_NUMBERS.fullmatch(detail):
        return gettext(LONG) % {name: int(number) for name, number in told.groupdict().items()}
    return gettext(detail) if detail else ""


class NotRunning(Conflict):
    default_detail = _("Nothing is being done with this document, so there is nothing to stop.")


class NotStopped(Conflict):
    default_detail = _("Only a document that failed or was cancelled can be tried again.")
