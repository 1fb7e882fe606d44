"""Failures of personas that clients may rely on."""

from django.utils.translation import gettext_lazy as _

from tenants.errors import Invalid, PlatformError


class KindNeedsWorld(PlatformError):
    code = "kind_needs_world"
    status = 422
    default_detail = _("Personas of this kind answer only inside a world.")


class PromptTooLong(Invalid):
    default_detail = _("The message is too long to be answered; please shorten it.")
