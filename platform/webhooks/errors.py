from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, NotFound


class EndpointNotFound(NotFound):
    default_detail = _("There is no webhook under this id.")


class DeliveryNotFound(NotFound):
    default_detail = _("There is no delivery under this id.")


class EndpointOff(Conflict):
    default_detail = _("This webhook is off; switch it on first.")
