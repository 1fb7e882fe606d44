"""Failures of knowledge bases that are not a file's fault (those are in `parsing.errors`)."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, PlatformError


class DimensionUnsupported(PlatformError):
    code = "dimension_unsupported"
    status = 422
    default_detail = _("Vectors of this size cannot be stored; it must be 384, 768, 1024 or 1536.")


class NeedsConfirmation(PlatformError):
    """Not a fault: somebody shall say first that he wants to wait so long."""

    code = "precondition_required"
    status = 428
    default_detail = _("The document is very long. Confirm it to embed it all the same.")


class NotRunning(Conflict):
    default_detail = _("Nothing is being done with this document, so there is nothing to stop.")


class NotStopped(Conflict):
    default_detail = _("Only a document that failed or was cancelled can be tried again.")
