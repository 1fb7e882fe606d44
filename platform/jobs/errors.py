"""Why a job is dead, when its own handler could not say."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import PlatformError


class GaveUp(PlatformError):
    code = "gave_up"
    status = 500
    default_detail = _("The work failed several times in an unexpected way. Try again; if it stays, tell the operator.")


class WorkerDied(PlatformError):
    code = "worker_died"
    status = 500
    default_detail = _("The work ended its worker process each time. Tell the operator before you try again.")


class TookTooLong(PlatformError):
    code = "took_too_long"
    status = 500
    default_detail = _("The work took longer than it may. Try again with less at a time.")


class Unpublishable(PlatformError):
    code = "unpublishable"
    status = 500
    default_detail = _("The work could not be handed to a worker. Tell the operator.")
