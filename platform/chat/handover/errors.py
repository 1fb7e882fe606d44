"""Failures of hand-over. Codes are those of the public contract."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict


class HandoffOff(Conflict):
    default_detail = _("This persona offers no person; its owner can switch that on.")


class NotTakenOver(Conflict):
    default_detail = _("Take the conversation over first.")


class HeldByAnother(Conflict):
    default_detail = _("Somebody else has this conversation.")
