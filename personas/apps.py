from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PersonasConfig(AppConfig):
    name = "personas"
    verbose_name = _("Personas")

    def ready(self) -> None:
        from personas.kinds import register
        from personas.kinds.companion import Companion
        from personas.kinds.customer_service import CustomerService
        from personas.kinds.npc import Npc

        for kind in (CustomerService(), Companion(), Npc()):
            register(kind)
