"""Failures of worlds and sessions. Codes are those of the public contract."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, IdempotencyMismatch, Invalid, NotFound, PlatformError


class WorldNotFound(NotFound):
    default_detail = _("There is no such world.")


class SessionNotFound(NotFound):
    default_detail = _("There is no such session.")


class WorldInvalid(Invalid):
    default_detail = _("This world cannot be taken; each path that is wrong is named.")


class StateStale(PlatformError):
    code = "state_stale"
    status = 409
    default_detail = _("The state has changed meanwhile; read it again and decide anew.")


class PreconditionRequired(PlatformError):
    code = "precondition_required"
    status = 428
    default_detail = _('Say which state you mean, as «If-Match: "<state_version>"».')


class TurnIdTaken(IdempotencyMismatch):
    default_detail = _("This turn_id was used before for another turn.")


class BranchLeft(Conflict):
    default_detail = _("The player has loaded a save since; what belongs to the branch left behind is dropped.")


class TalkedEnough(Conflict):
    default_detail = _("They have talked enough among themselves; let the player speak, or something happen.")
